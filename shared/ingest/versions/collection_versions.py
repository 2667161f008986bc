"""Versions of a collection: each change of what its readers see makes the next one.

Whoever makes a version holds the collection until its transaction ends. So changes of one collection happen one after
the other, and nothing else can happen between a comparison with its rows and what follows from it. The collection is
locked before its uploads (`state_machine` has the order of the others), except for locks of tables.
"""

from typing import Final

from shared.database.models.collections import Change, Collection
from shared.database.state_machine import Connection

_RAISE: Final = "UPDATE collections SET version = version + 1 WHERE number = %(collection)s RETURNING version"
_CURRENT: Final = "SELECT version FROM collections WHERE number = %(collection)s"
_RECORD: Final = """
INSERT INTO collection_versions (collection, version, tenant, upload_number, change)
VALUES (%(collection)s, %(version)s, %(tenant)s, %(upload)s, %(change)s)
"""


def current_version(connection: Connection, collection: Collection) -> int:
    """The version that the collection has now."""
    return int(connection.execute(_CURRENT, collection=collection.number)[0][0])


def next_version(connection: Connection, collection: Collection, upload_number: int, change: Change) -> int:
    """Make the next version, because of what is done with this upload; waits until no one else does."""
    [[version]] = connection.execute(_RAISE, collection=collection.number)
    names = {"collection": collection.number, "tenant": collection.tenant, "upload": upload_number}
    connection.execute(_RECORD, version=version, change=change, **names)
    return int(version)
