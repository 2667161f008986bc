"""Where the rows are whose ids a publisher has given out: its collections of one tenant.

Conditions name them as literals, so the planner opens the partitions of these collections only.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, Text, any_, bindparam, cast, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from shared.catalog.publisher import Publisher
from shared.catalog.registry import Registry
from shared.catalog.table import Table
from shared.database.models import Collection
from shared.database.row_tables import sql_table
from shared.database.timing.statement_names import named


@dataclass(frozen=True)
class Collections:
    """A tenant's collections of one publisher: name of the table -> number of the collection -> its dataset."""

    tenant: str
    of_tables: Mapping[str, Mapping[int, str]]

    def has(self, table: Table) -> bool:
        """Whether anything was ever loaded into the table."""
        return table.name in self.of_tables

    def dataset_of(self, table: Table, collection: int) -> str:
        """The dataset of one of the collections."""
        return self.of_tables[table.name][collection]

    def conditions(self, table: Table) -> list[ColumnElement[bool]]:
        """What a row of these collections fulfils; use it if the table has any."""
        columns = sql_table(table).c
        name = f"collections_of_{table.name}"  # a statement may read several tables
        numbers: BindParameter[int] = bindparam(
            name, list(self.of_tables[table.name]), expanding=True, literal_execute=True
        )
        is_of_tenant = columns.tenant == bindparam("tenant", self.tenant, literal_execute=True)
        return [is_of_tenant, columns.collection.in_(numbers)]


@named
def collections_of(registry: Registry, tenant: str, publisher: Publisher) -> Select[*tuple[Any, ...]]:
    """Rows of `table_name`, `number` and `dataset`: the tenant's collections of the publisher's datasets."""
    names = [(dataset.table.name, dataset.name) for dataset in registry if dataset.publisher is publisher]
    is_of_publisher = tuple_(Collection.table_name, Collection.dataset).in_(names)
    columns = Collection.table_name, Collection.number, Collection.dataset
    return select(*columns).where(Collection.tenant == tenant, is_of_publisher)


def one_of(column: Any, values: Iterable[str]) -> ColumnElement[bool]:
    """Whether the column has one of the values: one parameter, however many they are."""
    condition: ColumnElement[bool] = column == any_(cast(list(values), ARRAY(Text)))
    return condition
