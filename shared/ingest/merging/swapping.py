"""Puts a merged leaf in the place of its sources: one short transaction, before which readers see the one, and after it
the other.

The transaction locks the collection and the uploads first, as every change of an upload does, then the leaves against
autovacuum, and the branch last. So readers wait for the branch as long as it takes to drop some tables, or
`_BRANCH_TIMEOUT` if a long reader holds it, because those who come later wait behind us.
"""

import time
from dataclasses import dataclass
from typing import Final

import structlog

from shared.database.partitions import show_leaf
from shared.database.state_machine import HAS_LARGE_ROWS, Connection
from shared.errors import RecordCountsMismatch
from shared.failpoints import reach
from shared.ingest.merging import claims
from shared.ingest.merging.claims import Merge
from shared.ingest.versions.leaves import leaves_of

log = structlog.get_logger()

# An autovacuum gives way only to a wait of more than `deadlock_timeout`, by default a second.
_LEAF_TIMEOUT: Final = "SET LOCAL lock_timeout = '1500ms'"
_BRANCH_TIMEOUT: Final = "SET LOCAL lock_timeout = '200ms'"

# A process that is paused in the middle loses its session, and its locks with it.
_IDLE_TIMEOUT: Final = "SET LOCAL idle_in_transaction_session_timeout = '1s'"

_HOLD_COLLECTION: Final = "SELECT FROM collections WHERE number = %(collection)s FOR NO KEY UPDATE"
_HOLD_UPLOADS: Final = f"""
SELECT number, rows_version, current_records FROM uploads
WHERE {HAS_LARGE_ROWS} AND collection = %(collection)s AND first_id >= %(low)s AND first_id < %(high)s
ORDER BY number FOR NO KEY UPDATE
"""
_COPIED: Final = """
SELECT upload_number, rows_version, copied_records FROM merged_uploads WHERE merge_number = %(merge)s
"""
_FORGET_SOURCES: Final = """
DELETE FROM merges
WHERE collection = %(collection)s AND is_merged AND superseded_by IS NULL AND low >= %(low)s AND high <= %(high)s
"""
_FORGET_COPIED: Final = "DELETE FROM merged_uploads WHERE merge_number = %(merge)s"


@dataclass(slots=True)
class Changed(Exception):
    """Numbers of the uploads that have gained or lost rows since they were copied; nothing was swapped."""

    uploads: list[int]


def swap(connection: Connection, merge: Merge) -> None:
    """Drop the sources and attach the merged leaf, or drop it, too, if it is empty.

    Raises `Changed`, `RecordCountsMismatch`, `LostLease`, and errors of SQLAlchemy for locks that others hold.
    """
    within = {"collection": merge.collection.number, "low": merge.low, "high": merge.high}
    connection.execute(_IDLE_TIMEOUT)
    connection.execute(_BRANCH_TIMEOUT)
    connection.execute(_HOLD_COLLECTION, collection=merge.collection.number)
    held = {number: (version, rows) for number, version, rows in connection.execute(_HOLD_UPLOADS, **within)}
    _require_unchanged(connection, merge, held)
    leaves = leaves_of(connection, merge.table.name, merge.collection.number)
    sources = [leaf.name for leaf in leaves if merge.low <= leaf.low < merge.high]
    connection.execute(_LEAF_TIMEOUT)
    if sources:
        connection.execute(f"LOCK TABLE {', '.join(sources)} IN SHARE UPDATE EXCLUSIVE MODE")
    connection.execute(_BRANCH_TIMEOUT)
    connection.execute(f"LOCK TABLE ONLY {merge.collection.branch} IN ACCESS EXCLUSIVE MODE")
    locked_at = time.monotonic()
    if sources:
        connection.execute(f"DROP TABLE {', '.join(sources)}")
    reach("merge.dropped")
    connection.execute(_FORGET_SOURCES, **within)
    if held:
        for statement in show_leaf(merge.collection, merge.leaf, merge.low, merge.high):
            connection.execute(statement)
        connection.execute(_FORGET_COPIED, merge=merge.number)
        claims.finish(connection, merge)
    else:
        claims.abandon(connection, merge)
    reach("merge.attached")
    locked_ms = round((time.monotonic() - locked_at) * 1000)
    log.info("merged", merge=merge.number, leaves=len(sources), uploads=len(held), locked_ms=locked_ms)


def _require_unchanged(connection: Connection, merge: Merge, held: dict[int, tuple[int, int]]) -> None:
    """Raise unless exactly the rows that the uploads have are copied; `held`: their version, and how many."""
    copied = {number: (version, rows) for number, version, rows in connection.execute(_COPIED, merge=merge.number)}
    versions = {number: version for number, (version, _) in held.items()}
    had = {number: version for number, (version, _) in copied.items()}
    changed = sorted(number for number in versions.keys() | had.keys() if versions.get(number) != had.get(number))
    if changed:
        raise Changed(changed)
    for number, (_, rows) in held.items():
        if rows != copied[number][1]:
            raise RecordCountsMismatch(f"upload {number} has {rows} rows, of which {copied[number][1]} were copied")
