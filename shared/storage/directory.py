"""A storage in a directory that the API and its workers share.

A file appears under its key only when it is complete and on disk: it is written to `<key>.part`, fsynced and renamed,
and the directory is fsynced. A file that ends in `.part` belongs to a request that is still running or has died. An
open file can be read to its end even if it is deleted in the meantime.
"""

import errno
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from io import FileIO
from pathlib import Path

from shared.errors import StorageFull, StoredFileCorrupt, Unavailable
from shared.storage.protocol import StoredObject

_PART = ".part"


class DirectoryStorage:
    """Implements `Storage`; creates the directory at the first write."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def new_key(self) -> str:
        """A key that no other upload has."""
        return uuid.uuid4().hex

    def create(self, key: str) -> "FileWriter":
        """Begin to write a file; raises `StorageFull` or `Unavailable`."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            return FileWriter(self.directory / key)
        except OSError as error:
            raise _storage_error(error) from error

    def open(self, key: str) -> "FileReader":
        """Open a file for many reads; raises `Unavailable`, or `StoredFileCorrupt` if it is gone."""
        try:
            return FileReader((self.directory / key).open("rb", buffering=0))
        except FileNotFoundError as error:
            raise StoredFileCorrupt("the stored file is gone") from error
        except OSError as error:
            raise _unreadable(error) from error

    def read(self, key: str, byte_start: int, byte_end: int) -> bytes:
        """Exactly the bytes [byte_start, byte_end); raises `Unavailable`, or `StoredFileCorrupt` if any is missing."""
        with closing(self.open(key)) as file:
            return file.read(byte_start, byte_end)

    def delete(self, key: str) -> None:
        """Remove the file; no error if it is already gone. Raises `Unavailable`."""
        try:
            (self.directory / key).unlink(missing_ok=True)
        except OSError as error:
            raise _storage_error(error) from error

    def list_objects(self) -> Iterator[StoredObject]:
        """Every file, including unfinished ones; ages are measured by this machine's clock. Raises `Unavailable`."""
        now = time.time()
        try:
            for entry in os.scandir(self.directory) if self.directory.exists() else ():
                with suppress(FileNotFoundError):  # it was renamed or removed at this moment
                    yield StoredObject(entry.name, now - entry.stat().st_mtime)
        except OSError as error:
            raise _unreadable(error) from error


class FileReader:
    """A file that is open for reading."""

    def __init__(self, file: FileIO) -> None:
        self._file = file

    def read(self, byte_start: int, byte_end: int) -> bytes:
        """Exactly the bytes [byte_start, byte_end); raises `Unavailable`, or `StoredFileCorrupt` if any is missing."""
        try:
            return _read_exactly(self._file, byte_start, byte_end - byte_start)
        except OSError as error:
            raise _unreadable(error) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class FileWriter:
    """A file that is being written; readers see it only after `commit`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(path.name + _PART)
        # With any umask: only the owner may read the file, and it is not executable.
        descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(descriptor, "wb", buffering=0)

    def write(self, block: bytes | memoryview) -> None:
        """Append; raises `StorageFull` or `Unavailable`."""
        view = memoryview(block)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            raise _storage_error(error) from error

    def commit(self) -> None:
        """Make the file durable and visible under its key."""
        try:
            os.fsync(self._file.fileno())
            self._file.close()
            self._part.rename(self._path)
            _fsync_directory(self._path.parent)
        except OSError as error:
            raise _storage_error(error) from error

    def discard(self) -> None:
        """Remove what was written, or leave it to the sweep; no error if it was already committed or discarded."""
        with suppress(OSError):
            self._file.close()
            self._part.unlink(missing_ok=True)


def _read_exactly(file: FileIO, offset: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = os.pread(file.fileno(), size - len(data), offset + len(data))
        if not part:
            raise StoredFileCorrupt("the stored file is shorter than it was", {"found_bytes": len(data)})
        data += part
    return data


def _fsync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unreadable(error: OSError) -> Unavailable:
    return Unavailable("the stored file cannot be read", {"reason": os.strerror(error.errno or 0)})


def _storage_error(error: OSError) -> StorageFull | Unavailable:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull("the storage is full")
    return Unavailable("the storage cannot be written", {"reason": os.strerror(error.errno or 0)})
