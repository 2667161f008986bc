"""Claims: one process in the whole system merges, and one that lost its claim can change nothing any more.

As with batches, a claim raises the epoch and sets a lease by the database's clock; what a process has written is
committed only if the epoch is still that of its claim. The next process goes on where the last commit was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from shared.catalog.registry import Registry
from shared.catalog.schemas.declaration import TABLE_PREFIX
from shared.catalog.table import Table
from shared.database.collections import collection_by_number
from shared.database.declarations import table_of
from shared.database.leases import IS_FREE, LEASE
from shared.database.models.collections import Collection
from shared.database.partitions import create_leaf, merged_leaf
from shared.database.record_ids import STOP_RANGES
from shared.database.state_machine import Connection
from shared.errors import LostLease
from shared.ingest.merging.policy import Policy
from shared.ingest.versions.leaves import Leaf, leaves_of, reserved_ids

log = structlog.get_logger()

# An arbitrary number that no other lock uses: one process at a time decides what to merge.
_LOCK: Final = "SELECT pg_try_advisory_xact_lock(7305512)"
# Registrations of the tenant wait behind this lock.
_LOCK_TIMEOUT: Final = "SET LOCAL lock_timeout = '200ms'"

_IS_ANY_UNDER_WAY: Final = "SELECT EXISTS (SELECT FROM merges WHERE NOT is_merged)"
_CLAIM: Final = f"""
UPDATE merges SET epoch = epoch + 1, lease_until = {LEASE}
FROM collections
WHERE collections.number = collection AND NOT is_merged AND {IS_FREE}
    AND (table_name = ANY(%(tables)s::text[]) OR table_name ~ '^{TABLE_PREFIX}[0-9]+$')
RETURNING merges.number, collection, low, high, next_id, epoch
"""
_BEGIN: Final = f"""
INSERT INTO merges (collection, low, high, next_id, epoch, lease_until)
VALUES (%(collection)s, %(low)s, %(high)s, %(low)s, 1, {LEASE})
RETURNING number, collection, low, high, next_id, epoch
"""

_IS_OURS: Final = "number = %(number)s AND epoch = %(epoch)s AND NOT is_merged"
_RENEW: Final = f"UPDATE merges SET lease_until = {LEASE} WHERE {_IS_OURS}"
_RELEASE: Final = f"UPDATE merges SET lease_until = NULL WHERE {_IS_OURS}"
_ADVANCE: Final = f"UPDATE merges SET next_id = %(next_id)s WHERE {_IS_OURS} RETURNING number"
_FINISH: Final = f"""
UPDATE merges SET is_merged = true, merged_at = clock_timestamp(), lease_until = NULL WHERE {_IS_OURS} RETURNING number
"""
_ABANDON: Final = f"DELETE FROM merges WHERE {_IS_OURS} RETURNING number"


@dataclass(frozen=True, slots=True)
class Merge:
    """A claimed merge: the rows of a collection with ids in [low, high) go into one leaf.

    Those below `next_id` are there.
    """

    number: int
    table: Table
    collection: Collection
    low: int
    high: int
    next_id: int
    epoch: int

    @property
    def leaf(self) -> str:
        """The table that the rows are copied to."""
        return merged_leaf(self.table.name, self.number)


def claim(connection: Connection, registry: Registry, lease_seconds: float) -> Merge | None:
    """The merge that is under way, if no other process works on it and its table is known here."""
    rows = connection.execute(_CLAIM, tables=list(registry.tables), lease_seconds=lease_seconds)
    if not rows:
        return None
    collection = collection_by_number(connection, rows[0][1])
    table = table_of(connection, registry, collection.table_name)
    return None if table is None else _merge(table, collection, rows[0])


def begin(
    connection: Connection, registry: Registry, policy: Policy, lease_seconds: float, number: int
) -> Merge | None:
    """Choose leaves of a collection and make the table for them.

    None if there is nothing to merge, if its table is not known here, or if another process merges.
    """
    collection = collection_by_number(connection, number)
    table = table_of(connection, registry, collection.table_name)
    if table is None or not _choose(connection, policy, collection) or not connection.execute(_LOCK)[0][0]:
        return None
    connection.execute(_LOCK_TIMEOUT)
    connection.execute(STOP_RANGES, tenant=collection.tenant)
    # Asked before the choice: a merge that ended between its two queries would be among the leaves with its sources.
    if connection.execute(_IS_ANY_UNDER_WAY)[0][0]:
        return None
    run = _choose(connection, policy, collection)
    if not run:
        return None
    bounds = {"low": run[0].low, "high": run[-1].high}
    [row] = connection.execute(_BEGIN, collection=number, lease_seconds=lease_seconds, **bounds)
    merge = _merge(table, collection, row)
    connection.execute(create_leaf(merge.table, collection, merge.leaf, merge.low, merge.high))
    log.info("merge_begun", merge=merge.number, leaves=len(run), rows=sum(leaf.rows for leaf in run), **bounds)
    return merge


def renew(connection: Connection, merge: Merge, lease_seconds: float) -> None:
    """Keep the claim for another lease; nothing happens if another process has it now."""
    connection.execute(_RENEW, number=merge.number, epoch=merge.epoch, lease_seconds=lease_seconds)


def release(connection: Connection, merge: Merge) -> None:
    """Let other processes go on at once instead of after the lease."""
    connection.execute(_RELEASE, number=merge.number, epoch=merge.epoch)


def advance(connection: Connection, merge: Merge, next_id: int) -> None:
    """Commit to it that all rows below this id are copied; raises `LostLease` if the claim is not ours any more."""
    _require(connection.execute(_ADVANCE, number=merge.number, epoch=merge.epoch, next_id=next_id))


def finish(connection: Connection, merge: Merge) -> None:
    """Say that the leaf is merged, in the transaction that attaches it; raises `LostLease`."""
    _require(connection.execute(_FINISH, number=merge.number, epoch=merge.epoch))


def abandon(connection: Connection, merge: Merge) -> None:
    """Forget the merge and its table, so that the leaves may be chosen anew; raises `LostLease`."""
    _require(connection.execute(_ABANDON, number=merge.number, epoch=merge.epoch))
    connection.execute(f"DROP TABLE {merge.leaf}")


def _require(rows: object) -> None:
    if not rows:
        raise LostLease("another process has this merge now")


def _choose(connection: Connection, policy: Policy, collection: Collection) -> Sequence[Leaf]:
    leaves = leaves_of(connection, collection.table_name, collection.number)
    return policy.choose(leaves, reserved_ids(connection, collection.number))


def _merge(table: Table, collection: Collection, row: tuple[int, ...]) -> Merge:
    number, _, low, high, next_id, epoch = row
    return Merge(number, table, collection, low, high, next_id, epoch)
