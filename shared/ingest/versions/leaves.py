"""What leaves there are: a large upload is one of its own, until a merge has made it part of a merged one."""

from dataclasses import dataclass
from typing import Final

from shared.database.partitions import merged_leaf, upload_leaf
from shared.database.record_ids import FIRST_LARGE_ID, end_of
from shared.database.state_machine import (
    ACTIVE_STATES,
    HAS_LARGE_RANGE,
    HAS_LARGE_ROWS,
    UNPUBLISHED_STATES,
    Connection,
    UploadState,
    sql_list,
)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf of large uploads: its table, its ids [low, high), and how many rows it has."""

    name: str
    low: int
    high: int
    rows: int


_ACTIVE: Final = f"state IN ({sql_list(ACTIVE_STATES)})"
_NOT_MERGED: Final = """
NOT EXISTS (
    SELECT FROM merges
    WHERE merges.collection = uploads.collection AND is_merged AND first_id >= low AND first_id < high)
"""

_COUNT: Final = f"""
SELECT collection, count(*)
FROM (
    SELECT collection FROM uploads WHERE {HAS_LARGE_ROWS} AND {_NOT_MERGED}
    UNION ALL
    SELECT collection FROM merges WHERE is_merged AND superseded_by IS NULL
) AS leaves
GROUP BY collection ORDER BY count(*) DESC, collection
"""

_OF_UPLOADS: Final = f"""
SELECT number, first_id, current_records FROM uploads
WHERE {HAS_LARGE_RANGE} AND superseded_by IS NOT DISTINCT FROM %(superseded_by)s
  AND collection = %(collection)s AND {_NOT_MERGED}
"""

_MERGED: Final = f"""
SELECT number, low, high, (
    SELECT coalesce(sum(current_records), 0)::bigint FROM uploads
    WHERE {HAS_LARGE_RANGE} AND uploads.collection = merges.collection AND first_id >= low AND first_id < high)
FROM merges
WHERE collection = %(collection)s AND is_merged AND superseded_by IS NOT DISTINCT FROM %(superseded_by)s
"""

# The leaf of an upload that was replaced comes back if that is undone, as long as it is kept.
_MAY_RETURN: Final = f"""
state = '{UploadState.COMPLETED}' AND superseded_by IS NOT NULL AND pruned_version < (
    SELECT version FROM uploads AS successor WHERE successor.number = uploads.superseded_by)
"""
# An upload that no loader has begun has no collection yet. A correction's rows go into the range that it corrects.
_RESERVED: Final = f"""
SELECT first_id
FROM uploads JOIN collections USING (tenant, table_name, dataset)
WHERE (state IN ({sql_list(UNPUBLISHED_STATES)}) OR {_MAY_RETURN})
  AND corrects IS NULL AND first_id >= {FIRST_LARGE_ID} AND collections.number = %(collection)s
ORDER BY first_id
"""

_IS_LOADING: Final = f"SELECT EXISTS (SELECT FROM uploads WHERE {_ACTIVE})"

# Nobody waits for an index that is built later, but readers and loads need the other cores.
_INDEX_MEMORY: Final = "SET LOCAL maintenance_work_mem = '256MB'"
_ONE_CORE: Final = "SET LOCAL max_parallel_maintenance_workers = 0"


def count_leaves(connection: Connection) -> dict[int, int]:
    """Collection -> leaves of large uploads, the most crowded first."""
    return dict(connection.execute(_COUNT))


def leaves_of(connection: Connection, table: str, collection: int, superseded_by: int | None = None) -> list[Leaf]:
    """The leaves of large uploads of a collection in the order of their ids: those that readers see.

    `superseded_by`: those that the upload of this number has replaced.
    """
    names = {"collection": collection, "superseded_by": superseded_by}
    own, merged = connection.execute(_OF_UPLOADS, **names), connection.execute(_MERGED, **names)
    leaves = [Leaf(upload_leaf(table, number), first_id, end_of(first_id), rows) for number, first_id, rows in own]
    leaves += [Leaf(merged_leaf(table, number), low, high, rows) for number, low, high, rows in merged]
    return sorted(leaves, key=lambda leaf: leaf.low)


def reserved_ids(connection: Connection, collection: int) -> list[int]:
    """The first ids of large uploads whose leaves will be attached to the collection, in order."""
    return [first_id for (first_id,) in connection.execute(_RESERVED, collection=collection)]


def is_loading(connection: Connection) -> bool:
    """Whether any upload waits or loads."""
    return bool(connection.execute(_IS_LOADING)[0][0])


def build(connection: Connection, step: str) -> None:
    """Run a statement that builds an index of a leaf, in the background."""
    connection.execute(_INDEX_MEMORY)
    connection.execute(_ONE_CORE)
    connection.execute(step)
