"""What the platform asks of a storage. Objects are immutable: written once under a new key, read in ranges, deleted.

    new_key -> create -> write ... -> commit      a reader sees the whole object from here on
                              `----> discard      nothing is left
    open -> read(byte_start, byte_end) ...        one ranged read for each batch
    delete, list_objects                          retention, and what a killed process left behind

All methods are synchronous. They raise `StorageFull` and `Unavailable`, and readers `StoredFileCorrupt` if the object is
gone or shorter than it was. An object may be deleted while it is open: a later read may then raise `StoredFileCorrupt`.
"""

from collections.abc import Iterator
from typing import NamedTuple, Protocol


class StoredObject(NamedTuple):
    """An object, or what an unfinished write left behind. `age_seconds`: since its last change, by the storage's clock."""

    key: str
    age_seconds: float


class Writer(Protocol):
    """An object that is being written; readers see it only after `commit`."""

    def write(self, block: bytes | memoryview) -> None:
        """Append."""

    def commit(self) -> None:
        """Make the object durable and visible under its key."""

    def discard(self) -> None:
        """Leave nothing behind; no error if it was committed or discarded already."""


class Reader(Protocol):
    """An object that is open for many reads."""

    def read(self, byte_start: int, byte_end: int) -> bytes:
        """Exactly the bytes [byte_start, byte_end)."""

    def close(self) -> None:
        """Give it up; never raises."""


class Storage(Protocol):
    """A place for objects; keys are made by `new_key`, never from what a client sends."""

    def new_key(self) -> str:
        """A key that no other object has."""

    def create(self, key: str) -> Writer:
        """Begin to write a new object."""

    def open(self, key: str) -> Reader:
        """Open an object for reading."""

    def read(self, key: str, byte_start: int, byte_end: int) -> bytes:
        """Exactly the bytes [byte_start, byte_end) of an object, by one read."""

    def delete(self, key: str) -> None:
        """Remove the object; no error if it is gone already."""

    def list_objects(self) -> Iterator[StoredObject]:
        """Every object, unfinished ones included, in no order."""
