"""The files that a command sends: what its arguments name, and how each is opened and read.

An argument is a file, a directory (all tables in it), a pattern that the shell left as it is, a pipe, or - for stdin.
"""

import glob
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Final, Self

from cli.client.client_errors import LocalFileError, not_sent
from cli.sending.table_names import refusal_of

STDIN: Final = "-"
_STDIN_DESCRIPTOR: Final = 0
_PATTERN_CHARACTERS: Final = "*?["
_BLOCK_BYTES: Final = 256 * 1024
_NAME_IT: Final = "name it, for example --filename movies.csv"


@dataclass(frozen=True)
class OpenFile:
    """A file while it is read. `size` in bytes is None for a pipe, which shows its size only at its end."""

    name: str
    size: int | None
    stream: FileIO

    def blocks(self, on_read: Callable[[int], None]) -> Iterator[bytes]:
        """Its bytes; `on_read` gets their number so far, after each block. Raises `LocalFileError`."""
        done = 0
        while block := self._read():
            done += len(block)
            if self.size is not None and done > self.size:
                break
            yield block
            on_read(done)
        if self.size not in (None, done):
            raise not_sent("file_changed", "The file changed while it was read; the API keeps nothing of it.")

    def _read(self) -> bytes:
        try:
            return self.stream.read(_BLOCK_BYTES) or b""
        except OSError as error:
            raise _unreadable(error) from error


@dataclass(frozen=True)
class InputFile:
    """A file to send: `path` as the user wrote it, and `name`, which the API sees; "" if it has none."""

    path: str
    name: str

    @classmethod
    def at(cls, path: str | Path, name: str | None = None) -> Self:
        """The file at `path`; without `name` the path's last part is its name."""
        own = "" if path == STDIN else os.fsencode(Path(path).name).decode(errors="replace")
        return cls(str(path), name or own)

    @contextmanager
    def opened(self) -> Iterator[OpenFile]:
        """Open it; raises `LocalFileError` if it cannot be read, or if the API would refuse its name."""
        if self.path != STDIN:
            _require_file(self.path)
        self._require_ending()
        try:
            stream = FileIO(_STDIN_DESCRIPTOR, closefd=False) if self.path == STDIN else FileIO(self.path)
        except OSError as error:
            raise _unreadable(error) from error
        with stream:
            yield OpenFile(self.name, _remaining_bytes(stream.fileno()), stream)

    def _require_ending(self) -> None:
        if not self.name:
            raise not_sent("filename_required", f"Not sent: what comes from stdin has no name; {_NAME_IT}.")
        refusal = refusal_of(self.name)
        if refusal is not None:
            raise not_sent("unsupported_file", f"Not sent: {refusal}. If it is a table all the same, {_NAME_IT}.")


@dataclass(frozen=True)
class Found:
    """`paths` to send, and what is `skipped` in directories; a directory ends with a slash there."""

    paths: list[str]
    skipped: list[str]


def expand(arguments: Sequence[str], *, recursive: bool) -> Found:
    """The paths that the arguments name, each once: those of the tables in a directory, those that match a pattern.

    What names no file stays as it is, and `InputFile.opened` says what is wrong with it. Of a directory, hidden files
    and other files than tables are skipped, and subdirectories unless `recursive` looks into them.
    """
    paths: list[str] = []
    skipped: list[str] = []
    for argument in arguments:
        for path in _matches(argument):
            if Path(path).is_dir():
                found = _tables_in(path, recursive=recursive)
                paths += found.paths or [path]
                skipped += found.skipped
            else:
                paths.append(path)
    return Found(list(dict.fromkeys(paths)), list(dict.fromkeys(skipped)))


def _matches(argument: str) -> list[str]:
    if Path(argument).exists() or not any(char in argument for char in _PATTERN_CHARACTERS):
        return [argument]
    found = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    return [path for path in found if not Path(path).is_dir()] or found or [argument]


def _tables_in(directory: str, *, recursive: bool) -> Found:
    found: list[str] = []
    skipped: list[str] = []
    unreadable: list[OSError] = []
    for location, directories, names in os.walk(directory, onerror=unreadable.append):
        entered = [name for name in directories if recursive and not name.startswith(".")]
        skipped += [f"{Path(location) / name}/" for name in directories if name not in entered]
        directories[:] = entered
        for name in names:
            path = Path(location) / name
            is_table = not name.startswith(".") and refusal_of(name) is None and path.is_file()
            (found if is_table else skipped).append(str(path))
    # a directory that cannot be read becomes a path of its own, so that it is not passed over in silence
    return Found(sorted([*found, *(str(error.filename) for error in unreadable)]), sorted(skipped))


def _require_file(path: str) -> None:
    """Raise `LocalFileError` unless there is a file or a pipe."""
    found = Path(path)
    if found.is_dir():
        if not os.access(path, os.R_OK | os.X_OK):
            raise not_sent("unreadable", "This directory cannot be read.")
        raise not_sent("no_tables", "This directory has no tables; --recursive looks into its subdirectories.")
    if not found.exists():
        is_pattern = any(char in path for char in _PATTERN_CHARACTERS)
        raise not_sent("no_such_file", "No file matches this pattern." if is_pattern else "There is no such file.")


def _remaining_bytes(descriptor: int) -> int | None:
    """How many bytes are left to read; None if that is not known, also where a file claims to be empty, as in /proc."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        return None
    return (status.st_size - os.lseek(descriptor, 0, os.SEEK_CUR)) or None


def _unreadable(error: OSError) -> LocalFileError:
    return not_sent("unreadable", f"The file cannot be read: {error.strerror or error}.")
