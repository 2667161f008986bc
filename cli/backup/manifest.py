"""What is in a backup: written last, and compared with the files before anything is restored.

manifest.json
database/      a dump of PostgreSQL in pg_dump's directory format
files/<key>    the stored files
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from shared.errors import InvalidRequest

NAME: Final = "manifest.json"
DATABASE: Final = "database"
FILES: Final = "files"

_FORMAT: Final = 1
_BLOCK_BYTES: Final = 8 * 1024 * 1024
# What a file of a backup may be called: a manifest must not lead anywhere else.
_PATH: Final = re.compile(rf"({DATABASE}|{FILES})/[A-Za-z0-9_-][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class BackupFile:
    """A file of the backup; `path` is relative to its directory."""

    path: str
    size_bytes: int
    sha256: str


class Absence(StrEnum):
    """Why a stored file is not in the backup.

    `removed`: retention, or a request, had removed it. `lost`: it should have been there, whole.
    """

    REMOVED = "removed"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class AbsentFile:
    """A stored file that a row refers to; `of`: the table of that row."""

    key: str
    of: str
    absence: Absence


@dataclass(frozen=True, slots=True)
class Manifest:
    """`revision`: of the schema. `postgresql`: the major version of the server that restores it, at least."""

    made_at: str
    software: str
    revision: str
    postgresql: int
    files: tuple[BackupFile, ...]
    absent: tuple[AbsentFile, ...]

    @property
    def size_bytes(self) -> int:
        """Of all files together."""
        return sum(file.size_bytes for file in self.files)

    @property
    def keys(self) -> dict[str, int]:
        """The size of each stored file by its key."""
        split = ((file.path.partition("/"), file.size_bytes) for file in self.files)
        return {name: size_bytes for (folder, _, name), size_bytes in split if folder == FILES}

    @property
    def lost(self) -> tuple[AbsentFile, ...]:
        """The files that should have been there."""
        return tuple(file for file in self.absent if file.absence is Absence.LOST)

    def write(self, directory: Path) -> None:
        """Write `manifest.json`; raises `OSError`."""
        text = json.dumps({"format": _FORMAT, **asdict(self)}, indent=1)
        (directory / NAME).write_text(text, encoding="utf-8")


def read(directory: Path) -> Manifest:
    """The manifest of a backup; raises `InvalidRequest` if there is none, or none that this version understands."""
    try:
        document = json.loads((directory / NAME).read_text(encoding="utf-8"))
        if document["format"] != _FORMAT:
            raise InvalidRequest(f"{directory} has another format of backups; restore it with the version that made it")
        return _parsed(document)
    except FileNotFoundError as error:
        raise InvalidRequest(f"{directory} is no complete backup: it has no {NAME}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidRequest(f"{directory / NAME} cannot be understood: {type(error).__name__}") from error


def verify(directory: Path, manifest: Manifest) -> None:
    """Compare every file with its size and its hash; raises `InvalidRequest`, which names some that differ."""
    wrong = [file.path for file in manifest.files if not _is_whole(directory, file)]
    if wrong:
        shown = ", ".join(wrong[:3]) + (f" and {len(wrong) - 3} more" if len(wrong) > 3 else "")
        raise InvalidRequest(f"{directory} is not what was backed up, nothing is restored: {shown}")


def digested(directory: Path, folder: str) -> Iterator[BackupFile]:
    """All files of a folder of the backup, with their hashes; raises `OSError`."""
    for path in sorted((directory / folder).iterdir()):
        yield BackupFile(f"{folder}/{path.name}", path.stat().st_size, _sha256(path))


def _is_whole(directory: Path, file: BackupFile) -> bool:
    path = directory / file.path
    try:
        return path.stat().st_size == file.size_bytes and _sha256(path) == file.sha256
    except OSError:
        return False


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _parsed(document: dict[str, Any]) -> Manifest:
    files = tuple(BackupFile(**file) for file in document["files"])
    for file in files:
        if _PATH.fullmatch(file.path) is None:
            raise ValueError
    return Manifest(
        made_at=str(document["made_at"]),
        software=str(document["software"]),
        revision=str(document["revision"]),
        postgresql=int(document["postgresql"]),
        files=files,
        absent=tuple(AbsentFile(each["key"], each["of"], Absence(each["absence"])) for each in document["absent"]),
    )
