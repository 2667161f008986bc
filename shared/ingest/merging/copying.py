"""Copies the rows of a merge and builds its indexes, outside of what readers see.

Each chunk is a transaction that also says how far the merge is, so a process that dies costs one chunk. Uploads may be
corrected, undone or superseded all the while. So the statement that copies rows of an upload also writes down which
version of its rows it saw; the swap compares that with what the upload has then (`swapping`), and `repair` copies what
has come and removes what has gone.
"""

from collections.abc import Iterator
from typing import Final

from shared.database.partitions import analyze, create_id_index, create_indexes, create_key_index, create_word_indexes
from shared.database.record_ids import LARGE_LINES, end_of
from shared.database.row_tables import sql_table
from shared.database.state_machine import HAS_LARGE_ROWS, Connection
from shared.errors import RecordCountsMismatch
from shared.ingest.merging.claims import Merge

# What `pause`, a stop or an undo may have to wait for: some half a second.
CHUNK_ROWS: Final = 50_000

# Ids of an upload begin with a multiple of its lines. The version that its first row was copied from is kept.
_COPY: Final = f"""
WITH copied AS (
    INSERT INTO {{leaf}} ({{columns}})
    SELECT {{columns}} FROM {{branch}}
    WHERE collection = {{collection}} AND id >= {{next_id}} AND id < {{high}}
    ORDER BY id LIMIT {{rows}}
    RETURNING id
), counted AS (
    SELECT id / {LARGE_LINES} * {LARGE_LINES} AS first_id, count(*) AS records FROM copied GROUP BY 1
), recorded AS (
    INSERT INTO merged_uploads AS merged (merge_number, upload_number, rows_version, copied_records)
    SELECT {{merge}}, number, rows_version, records
    FROM counted JOIN uploads USING (first_id)
    WHERE {HAS_LARGE_ROWS} AND collection = {{collection}}
    ON CONFLICT (merge_number, upload_number)
        DO UPDATE SET copied_records = merged.copied_records + excluded.copied_records
)
SELECT count(*), max(id) FROM copied
"""

_COPY_REST: Final = f"""
WITH gone AS (
    DELETE FROM {{leaf}} AS copied
    WHERE id >= {{first_id}} AND id < {{end_id}}
      AND NOT EXISTS (
          SELECT FROM {{branch}} AS present WHERE present.collection = {{collection}} AND present.id = copied.id)
    RETURNING id
), added AS (
    INSERT INTO {{leaf}} ({{columns}})
    SELECT {{columns}} FROM {{branch}} AS present
    WHERE collection = {{collection}} AND id >= {{first_id}} AND id < {{end_id}}
      AND NOT EXISTS (SELECT FROM {{leaf}} AS copied WHERE copied.id = present.id)
    RETURNING id
)
INSERT INTO merged_uploads AS merged (merge_number, upload_number, rows_version, copied_records)
SELECT {{merge}}, number, rows_version, (SELECT count(*) FROM added) - (SELECT count(*) FROM gone)
FROM uploads WHERE {HAS_LARGE_ROWS} AND number = {{upload}}
ON CONFLICT (merge_number, upload_number) DO UPDATE
SET rows_version = excluded.rows_version, copied_records = merged.copied_records + excluded.copied_records
RETURNING upload_number
"""
_FIRST_ID: Final = "SELECT first_id FROM uploads WHERE number = %(upload)s"
_FORGET: Final = "DELETE FROM merged_uploads WHERE merge_number = %(merge)s AND upload_number = %(upload)s"
_COPIED: Final = """
SELECT coalesce(sum(copied_records), 0)::bigint FROM merged_uploads WHERE merge_number = %(merge)s
"""


def copy_chunk(connection: Connection, merge: Merge, next_id: int, rows: int = CHUNK_ROWS) -> int:
    """Copy some rows from `next_id` on; return the id to go on at, `merge.high` when all are copied."""
    statement = _COPY.format(**_names(merge), next_id=next_id, high=merge.high, rows=rows)
    [[count, last_id]] = connection.execute(statement)
    return merge.high if count < rows else last_id + 1


def repair(connection: Connection, merge: Merge, upload: int) -> None:
    """Copy the rows that an upload has gained since it was copied and remove those that it has lost, by an undo all.

    The indexes must be there.
    """
    [[first_id]] = connection.execute(_FIRST_ID, upload=upload)
    ids = {"first_id": first_id, "end_id": end_of(first_id)}
    if not connection.execute(_COPY_REST.format(**_names(merge), **ids, upload=upload)):
        connection.execute(f"DELETE FROM {merge.leaf} WHERE id >= %(first_id)s AND id < %(end_id)s", **ids)
        connection.execute(_FORGET, merge=merge.number, upload=upload)


def building_steps(merge: Merge) -> Iterator[str]:
    """SQL for what the leaf needs besides its rows, in steps that can each be repeated.

    Different uploads may have the same keys, so the index of the keys is not unique.
    """
    yield create_id_index(merge.leaf)
    yield from create_key_index(merge.table, merge.leaf)
    yield from create_indexes(merge.table, merge.leaf)
    yield from create_word_indexes(merge.table, merge.leaf)
    yield analyze(merge.table, merge.leaf)


def require_all_rows(connection: Connection, merge: Merge) -> None:
    """Count the rows of the leaf; raises `RecordCountsMismatch` if they are not those that were copied."""
    [[stored]] = connection.execute(f"SELECT count(*) FROM {merge.leaf}")
    [[copied]] = connection.execute(_COPIED, merge=merge.number)
    if stored != copied:
        raise RecordCountsMismatch(f"{copied} rows were copied, and {merge.leaf} has {stored}")


def _names(merge: Merge) -> dict[str, object]:
    return {
        "leaf": merge.leaf,
        "branch": merge.collection.branch,
        "collection": merge.collection.number,
        "merge": merge.number,
        "columns": ", ".join(sql_table(merge.table).columns.keys()),
    }
