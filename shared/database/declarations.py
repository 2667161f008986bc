"""The declared datasets of a tenant, as loaders and requests find them."""

from typing import Final

import sqlalchemy
from sqlalchemy import Select, Text, cast, select
from sqlalchemy.dialects import postgresql

from shared.catalog.dataset import Dataset
from shared.catalog.registry import Registry
from shared.catalog.schemas.declaration import TABLE_PREFIX, Declaration, is_declared_table, stored_dataset
from shared.catalog.table import Table
from shared.database.models import DeclaredDataset
from shared.database.state_machine import Connection
from shared.errors import DatasetExists

MOST_DATASETS: Final = 500

# A change of the declaration waits until the transaction of the loader has ended, and a loader until the change has.
_GET: Final = "SELECT document::text FROM datasets WHERE number = %(number)s FOR KEY SHARE"


def declared(connection: Connection, number: int) -> Dataset | None:
    """The dataset of a declaration, which is locked until the transaction ends; None if it is gone."""
    rows = connection.execute(_GET, number=number)
    return stored_dataset(number, rows[0][0]) if rows else None


def table_of(connection: Connection, registry: Registry, table_name: str) -> Table | None:
    """A built-in table, or that of a declaration, which is locked until the transaction ends; None if it is gone."""
    built_in = registry.tables.get(table_name)
    if built_in is not None or not is_declared_table(table_name):
        return built_in
    dataset = declared(connection, int(table_name.removeprefix(TABLE_PREFIX)))
    return None if dataset is None else dataset.table


def declarations_of(tenant: str) -> Select[int, str]:
    """The numbers and documents of a tenant's datasets."""
    found = select(DeclaredDataset.number, cast(DeclaredDataset.document, Text)).where(DeclaredDataset.tenant == tenant)
    return found.order_by(DeclaredDataset.name)


def find_declared(connection: sqlalchemy.Connection, tenant: str, name: str) -> tuple[int, Declaration] | None:
    """The number and the declaration of the tenant's dataset of this name."""
    wanted = select(DeclaredDataset.number, DeclaredDataset.document)
    row = connection.execute(wanted.where(DeclaredDataset.tenant == tenant, DeclaredDataset.name == name)).one_or_none()
    return None if row is None else (row.number, Declaration.parse(row.document))


def declare(connection: sqlalchemy.Connection, tenant: str, declaration: Declaration) -> int | None:
    """Insert the declaration in a transaction of its tenant; return its number, None if its name is used.

    Raises `DatasetExists` if there are too many.
    """
    mine = select(DeclaredDataset.number).where(DeclaredDataset.tenant == tenant)
    if len(connection.scalars(mine.limit(MOST_DATASETS)).all()) >= MOST_DATASETS:
        raise DatasetExists(f"a tenant can declare at most {MOST_DATASETS} datasets; delete one that is not needed")
    values = {"tenant": tenant, "name": declaration.name, "document": declaration.to_json()}
    insert = postgresql.insert(DeclaredDataset).values(values).on_conflict_do_nothing()
    number: int | None = connection.scalar(insert.returning(DeclaredDataset.number))
    return number
