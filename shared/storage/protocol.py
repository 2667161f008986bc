"""What the platform asks of a storage. Objects are immutable: written once under a new key, read in ranges, deleted.

    new_key -> create -> write ... -> commit      a reader sees the whole object from here on
                              `----> discard      nothing is left
    open -> read(byte_start, byte_end) ...        one ranged read for each batch
    delete, list_objects                          for retention, and for what a killed process left behind

All methods are synchronous, and may block their thread until they have tried often enough. They raise `StorageFull` and
`Unavailable`, and readers raise `StoredFileCorrupt` if the object is gone or shorter than it was. An object may be
deleted while it is open: a later read may then raise `StoredFileCorrupt`.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple, Protocol

from shared.errors import Unavailable


class StoredObject(NamedTuple):
    """An object, or what an unfinished write left behind.

    `age_seconds`: since its last change, by the clock of the storage.
    """

    key: str
    age_seconds: float


class Writer(Protocol):
    """An object that is being written; readers see it only after `commit`."""

    def write(self, block: bytes | memoryview) -> None:
        """Append a block."""

    def commit(self) -> None:
        """Make the object durable and visible under its key."""

    def discard(self) -> None:
        """Remove what was written, or leave it to the sweep; no error if it was already committed or discarded."""


class Reader(Protocol):
    """An object that is open for many reads."""

    def read(self, byte_start: int, byte_end: int) -> bytes:
        """Exactly the bytes [byte_start, byte_end)."""

    def close(self) -> None:
        """Close the object; never raises."""


class Storage(Protocol):
    """Stores objects; `new_key` makes their keys, which never depend on what a client sends."""

    def new_key(self) -> str:
        """A key that no other object has."""

    def create(self, key: str) -> Writer:
        """Begin to write a new object."""

    def open(self, key: str) -> Reader:
        """Open an object for reading."""

    def read(self, key: str, byte_start: int, byte_end: int) -> bytes:
        """Exactly the bytes [byte_start, byte_end) of an object, by one read."""

    def delete(self, key: str) -> None:
        """Remove the object; no error if it is already gone."""

    def list_objects(self) -> Iterator[StoredObject]:
        """Every object in any order, including unfinished ones, each once and by a key that `delete` takes."""


def remove_object(storage: Storage, key: str) -> None:
    """Delete an object that nobody needs; one that cannot be deleted now is an orphan for the sweep."""
    with suppress(Unavailable):
        storage.delete(key)
