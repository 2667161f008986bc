"""The stored files of a backup: which rows refer to them, and how they are copied out of a storage and into one."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from sqlalchemy import Connection, text

from cli.backup.manifest import FILES, Absence, AbsentFile, BackupFile, Manifest
from shared.database.state_machine import ACTIVE_STATES, sql_list
from shared.errors import StateConflict, StoredFileCorrupt
from shared.storage.protocol import Reader, Storage, Writer

_BLOCK_BYTES: Final = 8 * 1024 * 1024
_DAY_SECONDS: Final = 24 * 3600

# The file of an upload that ended long ago may be gone: retention removes it.
_REFERRED: Final = text(f"""
SELECT storage_key, content_bytes, 'uploads',
       state IN ({sql_list(ACTIVE_STATES)}) OR finished_at >= now() - make_interval(secs => :kept_seconds)
FROM uploads
UNION ALL SELECT storage_key, size_bytes, 'default_files', true FROM default_files
UNION ALL SELECT DISTINCT storage_key, size_bytes, 'shots', true FROM shots
""")


class Referred(NamedTuple):
    """A stored file that a row of the table `of` refers to; `is_needed`: it must be there."""

    key: str
    size_bytes: int
    of: str
    is_needed: bool


def referred(connection: Connection, kept_days: float) -> list[Referred]:
    """All stored files that rows refer to, as the caller's transaction sees them."""
    return [Referred(*row) for row in connection.execute(_REFERRED, {"kept_seconds": kept_days * _DAY_SECONDS})]


def copy_out(storage: Storage, files: Sequence[Referred], directory: Path) -> tuple[list[BackupFile], list[Referred]]:
    """Copy the files into `directory`; return those that are there, and those that are gone or too short.

    Raises `OSError`, and what the storage raises while it does not answer.
    """
    copied, absent = [], []
    for file in files:
        try:
            copied.append(_copied(storage, file, directory / FILES / file.key))
        except StoredFileCorrupt:
            absent.append(file)
    return copied, absent


def absences(absent: Sequence[Referred], still_referred: Sequence[Referred]) -> list[AbsentFile]:
    """Why they are absent. `still_referred`: by the rows of now; other files were removed in the meantime."""
    needed = {file.key for file in still_referred if file.is_needed}
    return [AbsentFile(file.key, file.of, Absence.LOST if file.key in needed else Absence.REMOVED) for file in absent]


def copy_in(storage: Storage, manifest: Manifest, directory: Path, *, beside_others: bool) -> None:
    """Copy all files of a backup into the storage; those that are there already are written anew.

    Unless `beside_others`, it raises `StateConflict` before anything is written if there are files of others: the
    platform that they are of may run, and what is restored would sweep them. Raises `OSError` and what the storage
    raises.
    """
    present = {stored.key for stored in storage.list_objects()}
    if not beside_others and (others := present - manifest.keys.keys()):
        raise StateConflict(
            f"the storage has files that are not of this backup ({min(others)}). If a platform that runs needs them,"
            " choose another INGEST_STORAGE_URL; otherwise --replace leaves them to the sweep"
        )
    for key in manifest.keys:
        if key in present:
            storage.delete(key)
        with (directory / FILES / key).open("rb") as file:
            _write(storage.create(key), file)


def _copied(storage: Storage, file: Referred, target: Path) -> BackupFile:
    digest = hashlib.sha256()
    with closing(storage.open(file.key)) as reader:
        try:
            with target.open("xb") as copy:
                for block in _blocks(reader, file.size_bytes):
                    digest.update(block)
                    copy.write(block)
        except StoredFileCorrupt:
            target.unlink()
            raise
    return BackupFile(f"{FILES}/{file.key}", file.size_bytes, digest.hexdigest())


def _blocks(reader: Reader, size_bytes: int) -> Iterator[bytes]:
    for start in range(0, size_bytes, _BLOCK_BYTES):
        yield reader.read(start, min(start + _BLOCK_BYTES, size_bytes))


def _write(writer: Writer, file: BinaryIO) -> None:
    try:
        while block := file.read(_BLOCK_BYTES):
            writer.write(block)
        writer.commit()
    except BaseException:
        writer.discard()
        raise
