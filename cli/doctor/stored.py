"""The storage: whether it can be written and read, its clock, its disk, and files that rows refer to."""

import random
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from cli.backup.stored_files import Referred, referred
from cli.doctor.database import clock
from cli.doctor.finding import Finding, ok, problem, warning
from shared.errors import StoredFileCorrupt
from shared.settings import Settings
from shared.storage.protocol import Storage

_PROBE: Final = b"imdb-ingest doctor"
_SAMPLE: Final = 200
_LITTLE_SPACE: Final = 0.1


def look(storage: Storage) -> Iterator[Finding]:
    """Write a file, read it, find its age, remove it; raises what the storage raises."""
    key = storage.new_key()
    with closing(_Written(storage, key)):
        whole = storage.read(key, 0, len(_PROBE)) == _PROBE
        [age_seconds] = [stored.age_seconds for stored in storage.list_objects() if stored.key == key]
    if whole:
        yield ok("storage", "a file can be written, read and removed")
    else:
        yield problem("storage", "a file was not read as it was written", "Do not load anything; look at the disk.")
    yield from clock("clock_of_storage", "the storage", -age_seconds)


def space(directory: Path) -> Iterator[Finding]:
    """How much of the disk of the data directory is free."""
    existing = next((each for each in (directory, *directory.parents) if each.exists()), directory)
    disk = shutil.disk_usage(existing)
    message = f"{disk.free / 2**30:.1f} GiB of {disk.total / 2**30:.1f} GiB are free for {directory.name}"
    if disk.free < disk.total * _LITTLE_SPACE:
        yield warning("disk", message, "Make room, or lower INGEST_FILE_RETENTION_DAYS.")
    else:
        yield ok("disk", message)


def files(engine: Engine, storage: Storage, settings: Settings) -> Iterator[Finding]:
    """Whether files that rows refer to are there, in their length: all of them, or a sample of many."""
    with engine.connect() as connection:
        needed = [file for file in referred(connection, settings.file_retention_days) if file.is_needed]
    sample = needed if len(needed) <= _SAMPLE else random.sample(needed, _SAMPLE)  # nosec B311  a sample
    missing = [file for file in sample if not _is_there(storage, file)]
    if not missing:
        yield ok("stored_files", f"{len(sample)} of {len(needed)} looked at, all there")
        return
    named = ", ".join(f"{file.key} (of {file.of})" for file in missing[:3])
    advice = (
        "Is INGEST_STORAGE_URL what it is for the platform? If so, restore them from a backup, or send the files again:"
        " their uploads can be neither loaded nor corrected."
    )
    yield problem("stored_files", f"{len(missing)} of {len(sample)} are gone or too short: {named}", advice)


class _Written:
    """A file that is there until it is closed."""

    def __init__(self, storage: Storage, key: str) -> None:
        self._storage, self._key = storage, key
        writer = storage.create(key)
        try:
            writer.write(_PROBE)
            writer.commit()
        except BaseException:
            writer.discard()
            raise

    def close(self) -> None:
        self._storage.delete(self._key)


def _is_there(storage: Storage, file: Referred) -> bool:
    try:
        return storage.read(file.key, file.size_bytes - 1, file.size_bytes) != b""
    except StoredFileCorrupt:
        return False
