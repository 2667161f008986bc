"""Leaves of undone uploads: their rows are listed for those who follow the collection, then they are dropped.

An undo only takes them out of sight: to remove the files of a large one takes a second. The rows of an upload whose
changes are listed need no list.
"""

from typing import Final

import structlog
from sqlalchemy import Engine, select, text

from shared.catalog.registry import Registry
from shared.database.collections import collection_by_number
from shared.database.declarations import table_of
from shared.database.engine import PlainSql
from shared.database.models import Change, CollectionVersion, Upload
from shared.database.partitions import withdrawn_leaf
from shared.failpoints import reach
from shared.ingest.versions.row_changes import Counts, is_listed
from shared.ingest.versions.touched import touch

log = structlog.get_logger()

_WITHDRAWN: Final = text("""
SELECT upload.number FROM uploads AS upload JOIN pg_class ON relname = table_name || '_x' || upload.number
WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace ORDER BY upload.number
""")

_OF_UPLOAD: Final = (
    *(Upload.collection, Upload.table_name, Upload.mode),
    *(Upload.new_records, Upload.changed_records, Upload.unchanged_records, Upload.removed_records),
)


def drop_withdrawn(engine: Engine, registry: Registry) -> None:
    """List the rows of each such leaf and drop it; raises errors of SQLAlchemy."""
    with engine.connect() as connection:
        numbers = connection.scalars(_WITHDRAWN).all()
    for number in numbers:
        _drop(engine, registry, number)
        log.info("table_removed", number=number)


def _drop(engine: Engine, registry: Registry, number: int) -> None:
    with engine.begin() as connection:
        plain = PlainSql(connection)
        # The row is locked, so that of two processes that do this the second one finds no table.
        held = select(*_OF_UPLOAD).where(Upload.number == number)
        row = connection.execute(held.with_for_update(key_share=True)).one()
        leaf = withdrawn_leaf(row.table_name, number)
        if connection.scalar(text("SELECT to_regclass(:leaf) IS NULL"), {"leaf": leaf}):
            return
        undone = CollectionVersion.upload_number == number, CollectionVersion.change == Change.UNDONE
        version = connection.scalar(select(CollectionVersion.version).where(*undone))
        table = table_of(plain, registry, row.table_name)
        if row.collection is not None and version is not None and table is not None:
            collection = collection_by_number(plain, row.collection)
            counts = row.new_records, row.changed_records, row.unchanged_records, row.removed_records
            if not is_listed(table, row.mode, Counts.of(*counts)):
                touch(plain, table, collection, version, f"SELECT * FROM {leaf}")
        reach("withdrawn.listed")
        connection.execute(text(f"DROP TABLE {leaf}"))
