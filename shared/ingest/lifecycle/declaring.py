"""Changing and deleting a declared dataset.

A declaration is one row, which a request may insert; a loader creates the table with the first upload. To change or to
delete it takes the owner of the tables, and no upload of it may be active: `FOR UPDATE` waits for the uploads that are
being registered, because their foreign key locks the row, and for loaders that begin (`declarations.declared`).
"""

import json
from collections.abc import Iterator
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Engine, select, text

from shared.catalog.checks import MostBytes
from shared.catalog.dataset import Dataset
from shared.catalog.registry import Registry
from shared.catalog.schemas.declaration import Declaration, table_name
from shared.catalog.schemas.declaration_versions import changed_types, next_version
from shared.catalog.table import FieldType, Table
from shared.database.collections import forget_unfinished_merge
from shared.database.engine import PlainSql
from shared.database.models import DeclaredDataset, Upload
from shared.database.partitions import create_indexes
from shared.database.row_tables import column_definitions, history_name, sql_type, superseded_name
from shared.database.state_machine import KEPT_STATES, UNPUBLISHED_STATES, UploadState
from shared.errors import DatasetInUse, InvalidSchema, NotFound
from shared.ingest.lifecycle.actions import cancel, persistently
from shared.ingest.lifecycle.undoing import undo

log = structlog.get_logger()

_EXACT: Final = 2**53

_LOCK: Final = text("SELECT number, document FROM datasets WHERE tenant = :tenant AND name = :name FOR UPDATE")
_CHANGE: Final = text("""
UPDATE datasets SET document = cast(:document AS jsonb), version = version + 1, changed_at = clock_timestamp()
WHERE number = :number
""")
_LEAVES: Final = text("""
SELECT relid::regclass::text FROM pg_partition_tree(to_regclass(:table)) WHERE isleaf AND parentrelid IS NOT NULL
""")
_FORGET: Final = (
    text("UPDATE uploads SET collection = NULL, declaration = NULL WHERE declaration = :number"),
    text("DELETE FROM merges USING collections WHERE collections.number = collection AND table_name = :table"),
    text("DELETE FROM collections WHERE table_name = :table"),
    text("DELETE FROM datasets WHERE number = :number"),
)
_LOCK_TIMEOUT: Final = text("SET LOCAL lock_timeout = '200ms'")


def change(engine: Engine, tenant: str, wanted: Declaration) -> None:
    """Make it the next version of the tenant's dataset of this name; nothing happens if it is the same.

    It can be repeated: indexes that are missing are built. Raises `NotFound`, `InvalidSchema` and `DatasetInUse`.
    """
    dataset = persistently(lambda: _change(engine, tenant, wanted))
    for statement in _missing_indexes(engine, dataset.table):
        with engine.begin() as connection:  # readers go on meanwhile
            connection.execute(text(statement))
    log.info("dataset_changed", tenant=tenant, dataset=wanted.name)


def _change(engine: Engine, tenant: str, wanted: Declaration) -> Dataset:
    with engine.begin() as connection:
        connection.execute(_LOCK_TIMEOUT)
        number, document = _lock(connection, tenant, wanted.name)
        _refuse_uploads(connection, number, wanted.name, UNPUBLISHED_STATES)
        was = Declaration.parse(document)
        now = next_version(was, wanted)
        dataset = now.dataset(number)
        if now != was:
            if _exists(connection, dataset.table):
                forget_unfinished_merge(PlainSql(connection), dataset.table.name)  # its leaf has the columns of before
                _require_short_texts(connection, was.dataset(number), dataset)
                _require_exact_numbers(connection, was.dataset(number), dataset)
                for statement in _alterations(was, now, dataset.table):
                    connection.execute(text(statement))
            connection.execute(_CHANGE, {"number": number, "document": json.dumps(now.to_json())})
        return dataset


def _alterations(was: Declaration, now: Declaration, table: Table) -> Iterator[str]:
    """SQL that adds the new columns, and widens those whose type has changed."""
    definitions = {definition.split()[0]: definition for definition in column_definitions(table)}
    for name in (table.name, superseded_name(table.name), history_name(table.name)):
        for field in table.fields[len(was.fields) :]:
            yield f"ALTER TABLE {name} ADD COLUMN {definitions[field.name]}"
        for column in changed_types(was, now):
            type_ = sql_type(table, column)
            yield f"ALTER TABLE {name} ALTER COLUMN {column} TYPE {type_} USING {column}::{type_}"


def _require_short_texts(connection: Connection, was: Dataset, now: Dataset) -> None:
    """Raise `InvalidSchema` if stored texts are too long for a new index."""
    for before, after in zip(was.columns, now.columns, strict=False):
        for check in after.checks:
            if isinstance(check, MostBytes) and check not in before.checks:
                query = f"SELECT max(octet_length({after.field}::text)) FROM {now.table.name}"
                longest = connection.scalar(text(query)) or 0
                if longest > check.most:
                    raise InvalidSchema(f"{after.name} has texts of {longest:,} bytes, too long for an index")


def _require_exact_numbers(connection: Connection, was: Dataset, now: Dataset) -> None:
    """Raise `InvalidSchema` if stored integers would become numbers that are not the same."""
    for before, after in zip(was.table.fields, now.table.fields, strict=False):
        if (before.type, after.type) == (FieldType.BIGINT, FieldType.DOUBLE):
            query = f"SELECT max(abs({after.name})) FROM {now.table.name}"
            if (connection.scalar(text(query)) or 0) > _EXACT:
                raise InvalidSchema(f"{after.public_name} has integers above 2^53, which a number cannot hold exactly")


def _missing_indexes(engine: Engine, table: Table) -> list[str]:
    """SQL for the indexes that each leaf should have; those that it has are left alone."""
    with engine.connect() as connection:
        names = table.name, superseded_name(table.name)
        leaves = [leaf for name in names for leaf in connection.scalars(_LEAVES, {"table": name})]
    return [statement for leaf in leaves for statement in create_indexes(table, leaf)]


def delete(engine: Engine, registry: Registry, tenant: str, name: str, *, cascade: bool) -> None:
    """Delete a declared dataset with its table; no error if it is deleted meanwhile.

    `cascade`: cancel and undo its uploads before. It can be repeated after an error. Raises `NotFound`, and
    `DatasetInUse` if it has uploads that are loading, planned or completed.
    """
    if cascade:
        for upload_id, state in _uploads(engine, tenant, name):
            if state == UploadState.COMPLETED:
                undo(engine, registry, upload_id, tenant)
            else:
                cancel(engine, upload_id, tenant)
    persistently(lambda: _delete(engine, tenant, name))
    log.info("dataset_deleted", tenant=tenant, dataset=name)


def _uploads(engine: Engine, tenant: str, name: str) -> list[Any]:
    """The ids and states of its uploads that are to be cancelled or undone; corrections end with what they correct."""
    kept = Upload.state.in_(KEPT_STATES)
    mine = DeclaredDataset.tenant == tenant, DeclaredDataset.name == name
    with engine.connect() as connection:
        number = connection.scalar(select(DeclaredDataset.number).where(*mine))
        found = select(Upload.id, Upload.state).where(Upload.declaration == number, kept)
        is_completed_correction = Upload.corrects.is_not(None) & (Upload.state == UploadState.COMPLETED)
        return list(connection.execute(found.where(~is_completed_correction).order_by(Upload.number.desc())))


def _delete(engine: Engine, tenant: str, name: str) -> None:
    with engine.begin() as connection:
        connection.execute(_LOCK_TIMEOUT)
        number, _ = _lock(connection, tenant, name)
        _refuse_uploads(connection, number, name, KEPT_STATES)
        table = table_name(number)
        forget_unfinished_merge(PlainSql(connection), table)
        for each in (table, superseded_name(table), history_name(table)):
            connection.execute(text(f"DROP TABLE IF EXISTS {each} CASCADE"))
        for statement in _FORGET:
            connection.execute(statement, {"number": number, "table": table})


def _lock(connection: Connection, tenant: str, name: str) -> tuple[int, Any]:
    row = connection.execute(_LOCK, {"tenant": tenant, "name": name}).one_or_none()
    if row is None:
        raise NotFound(f"the tenant has not declared a dataset {name}")
    return row.number, row.document


def _refuse_uploads(connection: Connection, number: int, name: str, states: tuple[UploadState, ...]) -> None:
    of_it = select(Upload.id).where(Upload.declaration == number, Upload.state.in_(states))
    found = connection.scalars(of_it.limit(1)).one_or_none()
    if found is not None:
        raise DatasetInUse(
            f"the dataset {name} has uploads that are {' or '.join(states)}, such as {found}", {"upload_id": str(found)}
        )


def _exists(connection: Connection, table: Table) -> bool:
    return connection.scalar(text("SELECT to_regclass(:name)::text"), {"name": table.name}) is not None
