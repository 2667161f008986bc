"""A storage in a process of its own, for the parent of a pool that forks.

`obstore` has threads, which no fork takes along: a request in a child whose parent has sent one before would hang for
ever. Celery forks again whenever a process of the pool ends. So its parent sends no request itself.
"""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from multiprocessing.managers import BaseManager
from typing import Any, TypeVar

from shared.errors import Unavailable
from shared.parent_process import end_with_parent
from shared.settings import Settings
from shared.storage.opening import open_storage
from shared.storage.protocol import Storage, StoredObject

T = TypeVar("T")


class _Process(BaseManager):
    """The process, and what it offers."""


class _Opened:
    """A storage without iterators, which cannot cross between processes."""

    def __init__(self, settings: Settings) -> None:
        self._storage: Storage = open_storage(settings)
        self.new_key = self._storage.new_key
        self.create = self._storage.create
        self.open = self._storage.open
        self.read = self._storage.read
        self.delete = self._storage.delete

    def list_objects(self) -> list[StoredObject]:
        return list(self._storage.list_objects())


_Process.register(
    "Storage",
    _Opened,
    exposed=("new_key", "create", "open", "read", "delete", "list_objects"),
    method_to_typeid={"create": "Writer", "open": "Reader"},
)
_Process.register("Writer", exposed=("write", "commit", "discard"), create_method=False)
_Process.register("Reader", exposed=("read", "close"), create_method=False)


class StorageBeside:
    """Implements `Storage`; starts the process with the first call, and anew if it has ended."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._process: _Process | None = None
        self._storage: Any = None

    def new_key(self) -> str:
        """A key that no other object has."""
        return str(self._asked(lambda storage: storage.new_key()))

    def create(self, key: str) -> "Remote":
        """Begin to write an object."""
        return Remote(self._asked(lambda storage: storage.create(key)))

    def open(self, key: str) -> "Remote":
        """Open an object for reading."""
        return Remote(self._asked(lambda storage: storage.open(key)))

    def read(self, key: str, byte_start: int, byte_end: int) -> bytes:
        """Exactly the bytes [byte_start, byte_end) of an object."""
        return bytes(self._asked(lambda storage: storage.read(key, byte_start, byte_end)))

    def delete(self, key: str) -> None:
        """Remove the object; no error if it is already gone."""
        self._asked(lambda storage: storage.delete(key))

    def list_objects(self) -> Iterator[StoredObject]:
        """Every object in any order, including unfinished ones."""
        yield from self._asked(lambda storage: storage.list_objects())

    def _asked(self, question: Callable[[Any], T]) -> T:
        with self._lock:
            if self._process is None:
                self._process = _Process(ctx=multiprocessing.get_context("spawn"))
                self._process.start(_prepare)
                self._storage = self._process.Storage(self._settings)  # type: ignore[attr-defined]
            storage = self._storage
        try:
            return question(storage)
        except (EOFError, ConnectionError) as error:
            with self._lock:
                if self._storage is storage:
                    self._process = None
            raise Unavailable("the process of the storage has ended") from error


class Remote:
    """A `Writer` or a `Reader` in the other process."""

    def __init__(self, proxy: Any) -> None:
        self._proxy = proxy

    def write(self, block: bytes | memoryview) -> None:
        """Append a block."""
        _answered(lambda: self._proxy.write(bytes(block)))

    def commit(self) -> None:
        """Make the object durable and visible under its key."""
        _answered(self._proxy.commit)

    def discard(self) -> None:
        """Remove what was written."""
        _answered(self._proxy.discard)

    def read(self, byte_start: int, byte_end: int) -> bytes:
        """Exactly the bytes [byte_start, byte_end)."""
        return _answered(lambda: bytes(self._proxy.read(byte_start, byte_end)))

    def close(self) -> None:
        """Close the object."""
        self._proxy = None


def _answered(question: Callable[[], T]) -> T:
    try:
        return question()
    except (EOFError, ConnectionError) as error:
        raise Unavailable("the process of the storage has ended") from error


def _prepare() -> None:
    """A worker that is killed would leave it behind; and only the owner may read files."""
    os.umask(0o077)
    end_with_parent(lambda: os._exit(0))
