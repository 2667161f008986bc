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
from shared.ingest.versions.row_changes import Counts, count_changes, differs, forget_changes, settle

# One snapshot for all statements; if the upload's row changes meanwhile, the last one fails and is repeated.
_ONE_SNAPSHOT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
_MEMORY: Final = "SET LOCAL work_mem = '256MB'"

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
_OLD: Final = """
(
    SELECT {columns} FROM {superseded} WHERE collection = {collection} AND superseded_by = {number}
    UNION ALL
    SELECT {columns} FROM {history} WHERE collection = {collection} AND superseded_by = {number}
)
"""
_NEW: Final = """
(
    SELECT {columns} FROM {branch} WHERE collection = {collection} AND id >= {first_id} AND id < {end_id}
    UNION ALL
    SELECT {columns} FROM {superseded} WHERE collection = {collection} AND id >= {first_id} AND id < {end_id}
    UNION ALL
    SELECT {columns} FROM {history} WHERE collection = {collection} AND id >= {first_id} AND id < {end_id}
)
"""
_COMPARE: Final = """
INSERT INTO row_changes (upload_number, old_id, new_id)
SELECT {number}, present.id, staged.id
FROM {old} AS present FULL JOIN {new} AS staged ON {same_key}
WHERE present.id IS NULL OR staged.id IS NULL OR {differs}
ORDER BY staged.id, present.id DESC
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
    """Count the changes of this upload and list them, in a transaction that has only begun; it can be repeated."""
    connection.execute(_ONE_SNAPSHOT)
    connection.execute(_MEMORY)
    found = connection.execute(_FIND, number=number)
    if not found:
        return
    records, first_id, number_of_collection = found[0]
    collection = collection_by_number(connection, number_of_collection)
    table = table_of(connection, registry, collection.table_name)
    if table is not None:
        counts = _count(connection, table, collection, number, first_id, records)
        connection.execute(_STORE, number=number, **counts.to_json())


def _count(
    connection: Connection, table: Table, collection: Collection, number: int, first_id: int, records: int
) -> Counts:
    names: dict[str, object] = {
        "columns": ", ".join(sql_table(table).columns.keys()),
        "branch": collection.branch,
        "superseded": superseded_branch(table.name, collection.branch),
        "history": history_name(table.name),
        "collection": collection.number,
        "number": number,
        "first_id": first_id,
        "end_id": end_of(first_id),
    }
    old, new = _OLD.format(**names), _NEW.format(**names)
    [[replaced]] = connection.execute(_COUNT_OLD.format(old=old))
    if not replaced or not table.key:
        return Counts(new=records, changed=0, unchanged=0, removed=replaced)
    same_key = " AND ".join(f"staged.{name} = present.{name}" for name in table.key)
    forget_changes(connection, number)
    statement = _COMPARE.format(number=number, old=old, new=new, same_key=same_key, differs=differs(table))
    connection.execute(statement)
    settle(connection, table, number, staged=new, present=old)
    return count_changes(connection, number, records)
