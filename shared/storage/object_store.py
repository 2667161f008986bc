"""A storage in a bucket: S3, Google Cloud Storage or Azure, by `obstore`.

The content of an object is a row of parts. All but the last have the same size and are put while bytes arrive; the last
one is put by `commit`, and says how many came before it. So a key is visible from then on:

    <key>/00000000, <key>/00000001, ...     `part_bytes` each
    <key>/last                              the rest: all of a small object

Parts are objects like others, not those of a provider's multipart upload. What a killed process leaves behind can be
listed and deleted, with no right and no lifecycle rule beyond those for objects, and alike in every provider.

A process must not fork after its first request, because the threads of `obstore` are lost in the child; see `beside`.
"""

import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Final

import obstore

from shared.errors import StoredFileCorrupt
from shared.storage.object_errors import is_beyond_the_end, storage_error
from shared.storage.object_requests import (
    FAILURES,
    LAST,
    LISTED,
    PART_BYTES,
    PARTS,
    USUAL,
    Patience,
    connected,
    delete,
    gone_or_unavailable,
    name_of_part,
)
from shared.storage.object_writer import ObjectWriter
from shared.storage.protocol import StoredObject

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_MIB: Final = 1024 * 1024
# An object whose only purpose is the time at which it was written.
_CLOCK: Final = "clock"


class ObjectStorage:
    """Implements `Storage`. An upload that is being written holds two parts in memory."""

    def __init__(self, url: str, patience: Patience = USUAL, part_bytes: int = 8 * _MIB) -> None:
        """`url`: `s3://bucket/prefix`, `gs://...` or `az://...`.

        Raises `ValueError` if the environment lacks something.
        """
        try:
            self._store = connected(url, patience)
        except FAILURES as error:
            raise ValueError(f"the storage cannot be used: {str(error).splitlines()[0]}") from None
        self._part_bytes = part_bytes

    def new_key(self) -> str:
        """A key that no other object has."""
        return uuid.uuid4().hex

    def create(self, key: str) -> ObjectWriter:
        """Begin to write an object; nothing is sent before the first part is full."""
        return ObjectWriter(self._store, key, self._part_bytes)

    def open(self, key: str) -> "ObjectReader":
        """Open an object for many reads; raises `Unavailable`, or `StoredFileCorrupt` if it is gone."""
        name = f"{key}/{LAST}"
        try:
            last = obstore.get(self._store, name, options={"head": True})
            parts, part_bytes = int(last.attributes[PARTS]), int(last.attributes[PART_BYTES])
            return ObjectReader(self._store, key, parts, part_bytes, last.meta["size"])
        except FileNotFoundError as error:
            raise gone_or_unavailable(self._store, key) from error
        except FAILURES as error:
            raise storage_error(error) from error
        except (KeyError, ValueError) as error:
            raise StoredFileCorrupt("the stored file does not say how many parts it has") from error

    def read(self, key: str, byte_start: int, byte_end: int) -> bytes:
        """Exactly the bytes [byte_start, byte_end); raises `Unavailable`, or `StoredFileCorrupt` if any is missing."""
        with closing(self.open(key)) as reader:
            return reader.read(byte_start, byte_end)

    def delete(self, key: str) -> None:
        """Remove the object, finished or not; no error if it is already gone. Raises `Unavailable`."""
        delete(self._store, key)

    def list_objects(self) -> Iterator[StoredObject]:
        """Every object, including unfinished ones; ages are measured by the clock of the storage."""
        try:
            now = self._now()
            changed: dict[str, datetime] = {}
            for chunk in obstore.list(self._store, chunk_size=LISTED):
                for one in chunk:
                    key, is_below, _ = one["path"].partition("/")
                    if is_below:
                        changed[key] = max(one["last_modified"], changed.get(key, one["last_modified"]))
        except FAILURES as error:
            raise storage_error(error) from error
        for key, at in changed.items():
            yield StoredObject(key, (now - at).total_seconds())

    def _now(self) -> datetime:
        obstore.put(self._store, _CLOCK, b"")
        return obstore.head(self._store, _CLOCK)["last_modified"]


class ObjectReader:
    """An object that was complete when it was opened."""

    def __init__(self, store: "ObjectStore", key: str, parts: int, part_bytes: int, last_bytes: int) -> None:
        """`parts`: how many come before the last one."""
        self._store = store
        self._key = key
        self._parts = parts
        self._part_bytes = part_bytes
        self._size = parts * part_bytes + last_bytes

    def read(self, byte_start: int, byte_end: int) -> bytes:
        """Exactly the bytes [byte_start, byte_end), by one request for each part that has some of them.

        Raises `Unavailable`, or `StoredFileCorrupt` if any is missing.
        """
        if byte_end > self._size:
            raise _shorter(max(self._size - byte_start, 0))
        if byte_start == byte_end:
            return b""
        first, last = (min(byte // self._part_bytes, self._parts) for byte in (byte_start, byte_end - 1))
        pieces = []
        for part in range(first, last + 1):
            before = part * self._part_bytes
            end = byte_end if part == last else before + self._part_bytes
            pieces.append(self._read(part, max(byte_start, before) - before, end - before))
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Nothing is open."""

    def _read(self, part: int, start: int, end: int) -> bytes:
        name = LAST if part == self._parts else name_of_part(part)
        try:
            found = bytes(obstore.get_range(self._store, f"{self._key}/{name}", start=start, end=end))
        except FileNotFoundError as error:
            raise gone_or_unavailable(self._store, self._key) from error
        except FAILURES as error:
            if is_beyond_the_end(error):
                raise _shorter(0) from error
            raise storage_error(error) from error
        if len(found) != end - start:
            raise _shorter(len(found))
        return found


def _shorter(found_bytes: int) -> StoredFileCorrupt:
    return StoredFileCorrupt("the stored file is shorter than it was", {"found_bytes": found_bytes})
