"""Moves single rows between what readers see and the history, with what they count for.

Totals, and how many current rows an upload has, change in the same transaction.
"""

from collections.abc import Sequence
from typing import Final

from shared.catalog.table import Table
from shared.database.models.collections import ROWS, Collection
from shared.database.record_ids import first_id_of
from shared.database.row_tables import history_name, sql_table
from shared.database.state_machine import Connection
from shared.database.superseded_rows import superseded_branch
from shared.ingest.versions import totals
from shared.ingest.versions.totals import Moved

_SUPERSEDE: Final = """
WITH moved AS (
    DELETE FROM {source} AS old {using} WHERE old.collection = {collection} AND {condition}
    RETURNING {old_columns}, {by}
), kept AS (
    INSERT INTO {history} ({columns}, superseded_by) SELECT * FROM moved
)
"""
_RESTORE: Final = """
WITH moved AS (
    DELETE FROM {history} AS old WHERE old.superseded_by = %(superseded_by)s RETURNING {old_columns}
), kept AS (
    INSERT INTO {branch} ({columns}) SELECT * FROM moved
)
"""


def supersede(
    connection: Connection,
    table: Table,
    collection: Collection,
    *,
    condition: str,
    version: int,
    by: str,
    using: str = "",
    replaced_by: int | None = None,
    **values: object,
) -> int:
    """Move rows `old` that meet the condition into the history; return how many.

    `by`: SQL for the number of the upload that supersedes them. `using`: SQL of further tables for both. `replaced_by`:
    not visible rows, but those in leaves that this upload has replaced.
    """
    source = collection.branch
    if replaced_by is not None:
        source = superseded_branch(table.name, collection.branch)
        condition = f"old.superseded_by = {replaced_by} AND {condition}"
    statement = _SUPERSEDE.format(
        **_names(table, collection), source=source, condition=condition, by=by, using=using and f"USING {using}"
    )
    is_visible = replaced_by is None
    return _count(connection, table, collection, statement, version, sign=-1, is_visible=is_visible, **values)


def restore(connection: Connection, table: Table, collection: Collection, superseded_by: int, version: int) -> int:
    """Make the rows visible again that an upload has superseded; return how many."""
    statement = _RESTORE.format(**_names(table, collection))
    values = {"superseded_by": superseded_by}
    return _count(connection, table, collection, statement, version, sign=1, is_visible=True, **values)


def _count(
    connection: Connection,
    table: Table,
    collection: Collection,
    statement: str,
    version: int,
    *,
    sign: int,
    is_visible: bool,
    **values: object,
) -> int:
    counted = f"{statement} {totals.counted_rows(table, 'moved', first_id_of('id'))}"
    moved: Sequence[Moved] = connection.execute(counted, **values)
    totals.shift(connection, collection, moved, version, sign=sign, is_visible=is_visible)
    return sum(count for _, breakdown, _, count in moved if breakdown == ROWS)


def _names(table: Table, collection: Collection) -> dict[str, object]:
    columns = sql_table(table).columns.keys()
    return {
        "branch": collection.branch,
        "collection": collection.number,
        "history": history_name(table.name),
        "columns": ", ".join(columns),
        "old_columns": ", ".join(f"old.{name}" for name in columns),
    }
