"""Uploaded bytes in a local directory, which the API and its workers share.

A file appears under its key only when it is complete and on disk: written to `<key>.part`, fsynced, renamed, and the
directory fsynced. What ends in `.part` belongs to a request that is still running, or to one that died.
"""

import errno
import hashlib
import os
import uuid
from contextlib import closing, suppress
from io import FileIO
from pathlib import Path

from shared.errors import StorageFull, StoredFileDamaged, Unavailable

_PART = ".part"


class LocalStorage:
    """Keys are made by `new_key`, never from what a client says."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def new_key(self) -> str:
        """A key that no other upload has."""
        return uuid.uuid4().hex

    def create(self, key: str) -> "PendingFile":
        """Begin to write; raises `StorageFull` or `Unavailable`."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            return PendingFile(self.directory / key)
        except OSError as error:
            raise _storage_error(error) from error

    def open(self, key: str) -> "StoredFile":
        """For many reads; raises `StoredFileDamaged` if it is gone, `Unavailable`."""
        try:
            return StoredFile((self.directory / key).open("rb", buffering=0))
        except FileNotFoundError as error:
            raise StoredFileDamaged("the stored file is gone") from error
        except OSError as error:
            raise _unreadable(error) from error

    def read(self, key: str, byte_start: int, byte_end: int) -> bytes:
        """Exactly the bytes [byte_start, byte_end); raises `StoredFileDamaged` if they are not there, `Unavailable`."""
        with closing(self.open(key)) as file:
            return file.read(byte_start, byte_end)

    def sha256(self, key: str) -> str:
        """Of the whole file, in hexadecimal; raises `StoredFileDamaged` if it is gone, `Unavailable`."""
        try:
            with (self.directory / key).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError as error:
            raise StoredFileDamaged("the stored file is gone") from error
        except OSError as error:
            raise _unreadable(error) from error

    def delete(self, key: str) -> None:
        """Remove the file; no error if it is gone already."""
        (self.directory / key).unlink(missing_ok=True)

    def list_keys(self) -> list[tuple[str, float]]:
        """Every file, unfinished ones included, with the time (seconds since 1970) of its last change."""
        if not self.directory.exists():
            return []
        found = []
        for entry in os.scandir(self.directory):
            with suppress(FileNotFoundError):  # it was renamed or removed in this moment
                found.append((entry.name, entry.stat().st_mtime))
        return found


class StoredFile:
    """A file that is open for reading: whoever has it can read it even when it is deleted meanwhile."""

    def __init__(self, file: FileIO) -> None:
        self._file = file

    def read(self, byte_start: int, byte_end: int) -> bytes:
        """Exactly the bytes [byte_start, byte_end); raises `StoredFileDamaged` if they are not there, `Unavailable`."""
        try:
            return _read_exactly(self._file, byte_start, byte_end - byte_start)
        except OSError as error:
            raise _unreadable(error) from error

    def close(self) -> None:
        """Give it up."""
        self._file.close()


class PendingFile:
    """A file that is being written; it exists for readers only after `commit`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(path.name + _PART)
        # Whatever the umask is: nobody else may read it, and nobody execute it.
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

    def digest(self) -> "hashlib._Hash":
        """SHA-256 of what is written so far, to go on with."""
        try:
            with self._part.open("rb") as file:
                return hashlib.file_digest(file, "sha256")
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
        """Leave nothing behind; no error if it was committed or discarded already."""
        self._file.close()
        self._part.unlink(missing_ok=True)


def _read_exactly(file: FileIO, offset: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = os.pread(file.fileno(), size - len(data), offset + len(data))
        if not part:
            raise StoredFileDamaged("the stored file is shorter than what was received", {"found_bytes": len(data)})
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
