"""Writes a stored file into a bucket, part by part."""

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from shared.errors import Unavailable
from shared.storage.object_requests import LAST, PART_BYTES, PARTS, delete, name_of_part, put

if TYPE_CHECKING:
    from obstore.store import ObjectStore


class ObjectWriter:
    """An object that is being written: while one part fills, a thread puts the one before it."""

    def __init__(self, store: "ObjectStore", key: str, part_bytes: int) -> None:
        self._store = store
        self._key = key
        self._part_bytes = part_bytes
        self._buffer = bytearray()
        self._parts = 0
        self._sender: ThreadPoolExecutor | None = None
        self._sending: Future[None] | None = None
        # whether a request was sent, even if its answer was lost
        self._has_sent = False
        self._is_ended = False

    def write(self, block: bytes | memoryview) -> None:
        """Append; raises `StorageFull` or `Unavailable`."""
        view = memoryview(block)
        while view:
            if len(self._buffer) == self._part_bytes:
                self._send_part()
            room = self._part_bytes - len(self._buffer)
            self._buffer += view[:room]
            view = view[room:]

    def commit(self) -> None:
        """Put the last part, which makes the object visible; raises `StorageFull` or `Unavailable`."""
        self._wait()
        self._has_sent = True
        shape = {PARTS: str(self._parts), PART_BYTES: str(self._part_bytes)}
        put(self._store, f"{self._key}/{LAST}", self._buffer, shape)
        self._end()

    def discard(self) -> None:
        """Remove what was written, or leave it to the sweep; no error if it was already committed or discarded."""
        if self._is_ended:
            return
        with suppress(Unavailable):
            self._wait()
        self._end()
        if self._has_sent:
            with suppress(Unavailable):
                delete(self._store, self._key)

    def _send_part(self) -> None:
        self._wait()
        if self._sender is None:
            self._sender = ThreadPoolExecutor(max_workers=1, thread_name_prefix="part")
        name = f"{self._key}/{name_of_part(self._parts)}"
        self._sending = self._sender.submit(put, self._store, name, self._buffer)
        self._parts, self._has_sent = self._parts + 1, True
        self._buffer = bytearray()

    def _wait(self) -> None:
        if self._sending is not None:
            sending, self._sending = self._sending, None
            sending.result()

    def _end(self) -> None:
        self._is_ended = True
        self._buffer = bytearray()
        if self._sender is not None:
            self._sender.shutdown()
