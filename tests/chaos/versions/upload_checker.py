"""Compares an upload of a shared collection with its file, and with what the model says that it has changed."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg2 import extensions

from tests.chaos.checker import Row as UploadRow
from tests.chaos.checker import fetch
from tests.chaos.ledger import Finding
from tests.chaos.versions.clients import VersionRequest
from tests.chaos.versions.history import History
from tests.chaos.versions.model import Records

_Comparison = tuple[str, str, Any, Any]  # kind of the finding, what it is, what was found, what was expected


@dataclass(frozen=True, slots=True)
class Stored(UploadRow):
    """What is checked of an upload, and of what it has changed: `changes` are the counts named by `CHANGES`."""

    sha256: str
    superseded_by: str
    current: int
    changes: list[int | None]


CHANGES = ("new", "changed", "unchanged", "removed")


@dataclass(frozen=True, slots=True)
class UploadChecker:
    """Knows the history of the collection."""

    where: str
    connection: extensions.connection
    upload_dir: Path
    history: History

    def findings(self, upload: Stored, request: VersionRequest, corrected: Records) -> Iterator[Finding]:
        """What differs; `corrected` are the records that corrections have brought to it."""
        if upload.state in {"failed", "queued", "loading"}:
            return
        for kind, what, found, expected in self._compared(upload, request, corrected):
            if found != expected:
                evidence = f"upload {upload.number} ({request.file.mode}, file {request.number}): {what}"
                yield Finding(kind, self.where, f"{evidence} {found} instead of {expected}")

    def _compared(self, upload: Stored, request: VersionRequest, corrected: Records) -> Iterator[_Comparison]:
        file = request.file.expected
        bad = {line: column for line, column in file.bad.items() if line not in corrected}
        repeated = file.repeated
        if upload.state == "completed":
            loaded = len(file.records) + len(corrected)
            read = loaded + len(bad) + len(repeated)
            counts = upload.read, upload.loaded, upload.rejected, upload.duplicate
            yield "wrong record counts", "record counts", counts, (read, loaded, len(bad), len(repeated))
            stored = self.upload_dir / upload.storage_key
            sha256 = hashlib.sha256(stored.read_bytes()).hexdigest() if stored.is_file() else "no file"
            yield "file lost", "stored file", sha256, upload.sha256
            if request.corrects is None:
                yield from self._published(upload, loaded, is_corrected=bool(corrected))
        else:
            bad, repeated = {}, {}
        yield "wrong rejects", "rejects", dict(fetch(self.connection, _REJECTS, upload.number)), bad
        yield "wrong rejects", "duplicates", dict(fetch(self.connection, _DUPLICATES, upload.number)), repeated

    def _published(self, upload: Stored, loaded: int, *, is_corrected: bool) -> Iterator[_Comparison]:
        changes = dict(zip(CHANGES, upload.changes, strict=True))
        if is_corrected:  # what a correction changes depends on when it came
            yield "wrong changes", "sum of changes", sum(count or 0 for count in upload.changes[:3]), loaded
        else:
            published = self.history.published.get(upload.id)
            yield "wrong changes", "changes", changes, {} if published is None else published.counts
        yield "wrong superseded", "superseded by", upload.superseded_by, self.history.replaced_by.get(upload.id, "")
        if not upload.superseded_by:
            visible = sum(row.upload == upload.id for row in self.history.states[-1].rows)
            yield "wrong totals", "current records", upload.current, visible


_REJECTS = "SELECT line_number, column_name FROM rejects WHERE upload_number = %s"
_DUPLICATES = "SELECT line_number, first_line FROM duplicates WHERE upload_number = %s"
