"""The part of publishing that makes a version of the collection: the same for small and for large uploads."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from shared.catalog.write_mode import WriteMode
from shared.database.models.collections import Change
from shared.database.sqlstates import LOCK_TROUBLE
from shared.database.state_machine import Connection
from shared.errors import Unavailable
from shared.ingest.versions.branch_locks import hold_branch
from shared.ingest.versions.collection_versions import next_version
from shared.ingest.versions.leaves import leaves_of
from shared.ingest.work import Work

T = TypeVar("T")

# A reader may hold the branch for long. Each attempt delays those who come later by 200 ms.
_PAUSES_SECONDS: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0)


def begin_version(connection: Connection, work: Work) -> int:
    """Hold what the upload changes, and make the next version of its collection.

    A small upload that replaces small ones moves rows and no leaf, so it keeps no reader waiting.
    """
    table, collection = work.destination.table, work.destination.collection
    moves_leaves = work.is_large or bool(leaves_of(connection, table.name, collection.number))
    if work.mode is WriteMode.REPLACE and moves_leaves:
        hold_branch(connection, table, collection)
    version = next_version(connection, collection, work.number, Change.PUBLISHED)
    if work.mode is WriteMode.REPLACE and not moves_leaves and leaves_of(connection, table.name, collection.number):
        raise Unavailable("a leaf has come meanwhile", {"sqlstate": LOCK_TROUBLE[0]})
    return version


def persistently(transaction: Callable[[], T]) -> T:
    """Repeat a transaction that could not get its locks in a short time; raises `Unavailable` in the end."""
    for pause in _PAUSES_SECONDS:
        try:
            return transaction()
        except Unavailable as error:
            if error.fields.get("sqlstate") not in LOCK_TROUBLE:
                raise
        time.sleep(pause)
    return transaction()
