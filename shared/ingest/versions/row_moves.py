"""Moves single rows between what readers see and the history, with what they count for.

Totals, and how many current rows an upload has, change in the same transaction.
"""

from collections.abc import Sequence
from typing import Final

from shared.catalog.table import Table
from shared.database.models.collections import Collection
from shared.database.record_ids import first_id_of
from shared.database.row_tables import history_name, sql_table
from shared.database.state_machine import Connection
from shared.ingest.versions import totals
from shared.ingest.versions.totals import Moved

_SUPERSEDE: Final = """
WITH moved AS (
    DELETE FROM {branch} AS old {using} WHERE old.collection = {collection} AND {condition}
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
    condition: str,
    version: int,
    *,
    by: str,
    using: str = "",
    **values: object,
) -> int:
    """Move visible rows `old` that meet the condition into the history; return how many.

    `by`: SQL for the number of the upload that supersedes them. `using`: SQL of further tables for both.
    """
    statement = _SUPERSEDE.format(
        **_names(table, collection), condition=condition, by=by, using=using and f"USING {using}"
    )
    return _count(connection, table, collection, statement, version, sign=-1, **values)


def restore(connection: Connection, table: Table, collection: Collection, superseded_by: int, version: int) -> int:
    """Make the rows visible again that an upload has superseded; return how many."""
    statement = _RESTORE.format(**_names(table, collection))
    return _count(connection, table, collection, statement, version, sign=1, superseded_by=superseded_by)


def _count(
    connection: Connection,
    table: Table,
    collection: Collection,
    statement: str,
    version: int,
    *,
    sign: int,
    **values: object,
) -> int:
    facets = totals.facets_of(table)
    counted = f"{statement} SELECT {first_id_of('id')}, {facets}::text, count(*) FROM moved GROUP BY 1, 2 ORDER BY 1, 2"
    moved: Sequence[Moved] = connection.execute(counted, **values)
    totals.shift(connection, collection, moved, version, sign=sign)
    return sum(count for _, _, count in moved)


def _names(table: Table, collection: Collection) -> dict[str, object]:
    columns = sql_table(table).columns.keys()
    return {
        "branch": collection.branch,
        "collection": collection.number,
        "history": history_name(table.name),
        "columns": ", ".join(columns),
        "old_columns": ", ".join(f"old.{name}" for name in columns),
    }
