"""The switch of merging: an operator may pause it while it runs, and it pauses itself if something does not add up."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.database.state_machine import Connection
from shared.ingest.versions.leaves import count_leaves

_IS_PAUSED: Final = "SELECT is_paused FROM merge_control"
_SET: Final = """
UPDATE merge_control SET is_paused = %(is_paused)s, reason = %(reason)s, changed_at = clock_timestamp()
RETURNING is_paused
"""
_SHOW: Final = "SELECT is_paused, reason, changed_at FROM merge_control"
_UNDER_WAY: Final = """
SELECT collections.number, (SELECT coalesce(sum(copied_records), 0)::bigint FROM merged_uploads), created_at
FROM merges JOIN collections ON collections.number = collection WHERE NOT is_merged
"""
_NAMES: Final = "SELECT number, tenant, dataset FROM collections WHERE number = ANY(%(numbers)s::int[])"


@dataclass(frozen=True, slots=True)
class CollectionLeaves:
    """A collection, and how many leaves of large uploads it has.

    `copied_records`: how many rows the merge that is under way in it has copied, if there is one.
    """

    tenant: str
    dataset: str
    leaves: int
    copied_records: int | None = None
    merging_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class MergingState:
    """Whether merging is paused, why and since when; and the collections with leaves to merge, most crowded first."""

    is_paused: bool
    reason: str | None
    changed_at: datetime
    collections: list[CollectionLeaves]


def is_paused(connection: Connection) -> bool:
    """Whether nothing may be merged now."""
    return bool(connection.execute(_IS_PAUSED)[0][0])


def pause(connection: Connection, reason: str | None = None) -> None:
    """Stop merging at the next chunk, until `resume`."""
    connection.execute(_SET, is_paused=True, reason=reason)


def resume(connection: Connection) -> None:
    """Let merging go on where it was."""
    connection.execute(_SET, is_paused=False, reason=None)


def show(connection: Connection, most: int) -> MergingState:
    """The present state, with at most this many collections."""
    counts = dict(list(count_leaves(connection).items())[:most])
    under_way = {number: (copied, since) for number, copied, since in connection.execute(_UNDER_WAY)}
    names = {number: (tenant, dataset) for number, tenant, dataset in connection.execute(_NAMES, numbers=list(counts))}
    collections = [
        CollectionLeaves(*names[number], count, *under_way.get(number, ())) for number, count in counts.items()
    ]
    [[paused, reason, changed_at]] = connection.execute(_SHOW)
    return MergingState(paused, reason, changed_at, collections)
