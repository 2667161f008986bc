"""Counts what a replacing upload has changed, after it was published: comparing two million rows takes seconds, and
what readers see does not depend on it.

Its own rows, and those that it has replaced, are compared as they were published, wherever they are by now.
"""

from typing import Final

from shared.catalog.registry import Registry
from shared.catalog.table import Table
from shared.catalog.write_mode import WriteMode
from shared.database.collections import collection_by_number
from shared.database.declarations import table_of
from shared.database.models.collections import Collection
from shared.database.record_ids import end_of
from shared.database.row_tables import history_name, sql_table
from shared.database.state_machine import Connection, UploadState
from shared.database.superseded_rows import superseded_branch
from shared.ingest.versions import row_changes
from shared.ingest.versions.leaves import leaves_of
from shared.ingest.versions.row_changes import COMPARING_MEMORY, Counts

# One snapshot for all statements; if the upload's row changes meanwhile, the last one fails and is repeated.
_ONE_SNAPSHOT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
# The loader counts, and after some seconds so would every process that sweeps: one of them at a time does.
_LOCK: Final = "SELECT pg_try_advisory_xact_lock(7305513, hashint8(%(number)s))"

_UNCOUNTED: Final = f"""
SELECT uploads.number FROM uploads
WHERE mode = '{WriteMode.REPLACE}' AND state = '{UploadState.COMPLETED}' AND new_records IS NULL
  AND finished_at < clock_timestamp() - make_interval(secs => %(seconds)s)
ORDER BY number
"""
_FIND: Final = f"""
SELECT loaded_records, first_id, collection FROM uploads
WHERE number = %(number)s AND state = '{UploadState.COMPLETED}' AND new_records IS NULL
"""
# Leaves by name: of `superseded_by`, which a leaf gets when it is replaced, the planner has no statistics. They stay
# until this upload is undone, and then its row has changed.
_OLD_LEAF: Final = "SELECT {columns} FROM {leaf} UNION ALL "
_OLD: Final = """
(
    {leaves}
    SELECT {columns} FROM {history} WHERE collection = {collection} AND superseded_by = {number}
)
"""
# Conditions are outside, so that the planner takes all of this for one table, and its indexes for those of that table.
_NEW: Final = """
(
    SELECT * FROM (
        SELECT {columns} FROM {branch}
        UNION ALL
        SELECT {columns} FROM {superseded}
        UNION ALL
        SELECT {columns} FROM {history}
    ) AS published
    WHERE collection = {collection} AND id >= {first_id} AND id < {end_id}
)
"""
_COUNT_OLD: Final = "SELECT count(*) FROM {old} AS present"
_STORE: Final = """
UPDATE uploads
SET new_records = %(new)s, changed_records = %(changed)s, unchanged_records = %(unchanged)s,
    removed_records = %(removed)s
WHERE number = %(number)s
"""


def uncounted(connection: Connection, seconds: float) -> list[int]:
    """The numbers of uploads that were published so long ago and whose changes are not counted yet."""
    return [number for (number,) in connection.execute(_UNCOUNTED, seconds=seconds)]


def count_replaced(connection: Connection, registry: Registry, number: int) -> None:
    """Count the changes of this upload and list them, in a transaction that has only begun; it can be repeated.

    Does nothing if they are counted, or if another process counts them now.
    """
    connection.execute(_ONE_SNAPSHOT)
    connection.execute(COMPARING_MEMORY)
    found = connection.execute(_FIND, number=number)
    # Only who finds something to count takes the lock: a loader that comes before the publishing must not keep it from
    # the one that publishes.
    if not found or not connection.execute(_LOCK, number=number)[0][0]:
        return
    records, first_id, number_of_collection = found[0]
    collection = collection_by_number(connection, number_of_collection)
    table = table_of(connection, registry, collection.table_name)
    if table is not None:
        counts = _count(connection, table, collection, number, first_id, records)
        connection.execute(_STORE, number=number, **counts.to_json())


def compare_all(
    connection: Connection, table: Table, number: int, *, staged: str, present: str, records: int
) -> Counts:
    """Count what the records `staged` change if they take the place of the rows `present`; see `row_changes`."""
    [[replaced]] = connection.execute(_COUNT_OLD.format(old=present))
    if not replaced or not table.key:
        return Counts(new=records, changed=0, unchanged=0, removed=replaced)
    return row_changes.compare(
        connection, table, number, staged=staged, present=present, records=records, is_whole=True
    )


def _count(
    connection: Connection, table: Table, collection: Collection, number: int, first_id: int, records: int
) -> Counts:
    columns = ", ".join(sql_table(table).columns.keys())
    replaced_leaves = leaves_of(connection, table.name, collection.number, superseded_by=number)
    names: dict[str, object] = {
        "columns": columns,
        "leaves": "".join(_OLD_LEAF.format(columns=columns, leaf=leaf.name) for leaf in replaced_leaves),
        "branch": collection.branch,
        "superseded": superseded_branch(table.name, collection.branch),
        "history": history_name(table.name),
        "collection": collection.number,
        "number": number,
        "first_id": first_id,
        "end_id": end_of(first_id),
    }
    old, new = _OLD.format(**names), _NEW.format(**names)
    return compare_all(connection, table, number, staged=new, present=old, records=records)
