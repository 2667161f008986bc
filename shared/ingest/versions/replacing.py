"""Lets an upload take the place of all rows that its collection has, and takes that back.

Leaves of large uploads are swapped as they are, whatever they hold. The rows of small uploads, which share a leaf with
those that come later, move one by one.
"""

from typing import Final

from shared.catalog.table import Table
from shared.database.models.collections import Collection
from shared.database.partitions import shared_leaf
from shared.database.record_ids import FIRST_LARGE_ID, end_of
from shared.database.state_machine import Connection, UploadState
from shared.database.superseded_rows import pass_leaf_on, restore_leaf, supersede_leaf
from shared.ingest.versions import row_moves, totals, upserting
from shared.ingest.versions.leaves import leaves_of

# The same file may be loaded anew meanwhile; one that an undo brings back must not be in its way (`forced`).
_SUPERSEDE: Final = f"""
UPDATE uploads SET superseded_by = %(by)s, forced = true
WHERE collection = %(collection)s AND state = '{UploadState.COMPLETED}' AND corrects IS NULL AND number <> %(by)s
  AND superseded_by IS NULL
"""
_SUPERSEDE_MERGES: Final = """
UPDATE merges SET superseded_by = %(by)s
WHERE collection = %(collection)s AND is_merged AND superseded_by IS NULL
"""
_HAND_ON: Final = """
UPDATE uploads SET superseded_by = %(to)s, rows_version = %(version)s WHERE superseded_by = %(by)s
"""
_HAND_MERGES_ON: Final = "UPDATE merges SET superseded_by = %(to)s WHERE superseded_by = %(by)s"


def replace_all(
    connection: Connection, table: Table, collection: Collection, number: int, first_id: int, version: int
) -> None:
    """Supersede all rows of the collection but those of this upload, whose ids begin at `first_id`.

    Who calls holds the branch for itself (`branch_locks.hold_branch`), then the collection.
    """
    for leaf in leaves_of(connection, table.name, collection.number):
        for statement in supersede_leaf(collection, leaf.name, leaf.low, leaf.high, number):
            connection.execute(statement)
    if connection.execute(f"SELECT EXISTS (SELECT FROM {shared_leaf(table.name, collection.number)})")[0][0]:
        is_other = f"old.id < {FIRST_LARGE_ID} AND NOT (old.id >= {first_id} AND old.id < {end_of(first_id)})"
        row_moves.supersede(connection, table, collection, condition=is_other, version=version, by=str(number))
    names = {"collection": collection.number, "by": number}
    connection.execute(_SUPERSEDE, **names)
    connection.execute(_SUPERSEDE_MERGES, **names)
    totals.recount_collection(connection, collection)


def take_back(
    connection: Connection,
    table: Table,
    collection: Collection,
    number: int,
    successor: int | None,
    own_version: int,
    version: int,
) -> None:
    """Make what this upload has replaced visible again, or superseded by its `successor`, which has replaced it.

    `own_version`: that of its publishing; what later upserts have set stays set.
    """
    leaves = leaves_of(connection, table.name, collection.number, superseded_by=number)
    for leaf in leaves:
        bounds = leaf.name, leaf.low, leaf.high
        statements = (
            restore_leaf(collection, *bounds) if successor is None else pass_leaf_on(collection, *bounds, successor)
        )
        for statement in statements:
            connection.execute(statement)
    connection.execute(_HAND_ON, by=number, to=successor, version=version)
    connection.execute(_HAND_MERGES_ON, by=number, to=successor)
    if successor is not None:
        upserting.pass_on(connection, table, collection, number, successor, own_version)
        upserting.supersede_what_upserts_in_between_set(connection, table, collection, successor, own_version, version)
        return
    row_moves.restore(connection, table, collection, number, version)
    totals.recount_collection(connection, collection)
    upserting.supersede_what_later_upserts_set(connection, table, collection, own_version, version)
