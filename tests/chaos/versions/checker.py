"""Compares collections that many uploads share with what the model makes of their recorded versions."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import extensions

from tests.chaos.checker import Verdict, fetch, state_findings
from tests.chaos.ledger import Finding
from tests.chaos.versions.clients import VersionRequest
from tests.chaos.versions.files import Collection
from tests.chaos.versions.history import History, follow, order_findings
from tests.chaos.versions.model import Records, Row
from tests.chaos.versions.reads import Read, Version, judge
from tests.chaos.versions.upload_checker import Stored, UploadChecker


class VersionChecker:
    """Adds its findings to the verdict."""

    def __init__(
        self, database_url: str, upload_dir: Path, collection: Collection, requests: Sequence[VersionRequest]
    ) -> None:
        self._url = database_url
        self._upload_dir = upload_dir
        self._collection = collection
        self._requests = {
            request.file.expected.sha256: request for request in requests if request.tenant == collection.tenant
        }
        self._where = f"{collection.dataset} of {collection.tenant}"

    def check(self, verdict: Verdict, reads: Sequence[Read] = ()) -> None:
        """Everything that can be wrong; `reads` are those of this collection."""
        with closing(psycopg2.connect(self._url)) as connection:
            connection.set_session(readonly=True)
            rows = fetch(connection, _UPLOADS, self._collection.tenant)
            uploads = [Stored(*values) for values in rows]
            versions = [Version(*values) for values in fetch(connection, _VERSIONS, self._collection.tenant)]
            requests = self._matched(verdict, uploads)
            history = follow(versions, requests)
            states = {each.id: each.state for each in uploads}
            corrections = {upload for upload, request in requests.items() if request.corrects is not None}
            verdict.findings += order_findings(self._where, versions, states, corrections)
            verdict.findings += _correction_findings(self._where, uploads, requests)
            verdict.findings += judge(self._where, reads, versions, history.states)
            check = UploadChecker(self._where, connection, self._upload_dir, history)
            for upload in uploads:
                if upload.id in requests:
                    corrected = _corrected(upload.id, uploads, requests)
                    verdict.findings += check.findings(upload, requests[upload.id], corrected)
            self._check_rows(verdict, connection, uploads, history)
        verdict.versions += len(versions)

    def _matched(self, verdict: Verdict, uploads: Iterable[Stored]) -> dict[str, VersionRequest]:
        """The request of each upload, by the bytes that were sent."""
        matched, unseen = {}, dict(self._requests)
        for upload in uploads:
            verdict.states[upload.state] += 1
            request = unseen.pop(upload.sha256, None)
            if request is None:
                kind = "duplicated" if upload.sha256 in self._requests else "extra upload"
                verdict.findings.append(Finding(kind, self._where, f"{upload}"))
                continue
            matched[upload.id] = request
            verdict.ghosts += not request.is_acknowledged
            if request.corrects is None:
                verdict.findings += state_findings(request, upload)
        for request in unseen.values():
            if request.is_acknowledged:
                verdict.findings.append(Finding("lost", self._where, f"{request}"))
        return matched

    def _check_rows(
        self, verdict: Verdict, connection: extensions.connection, uploads: Sequence[Stored], history: History
    ) -> None:
        collection = self._collection
        names = {"table": collection.table, "key": collection.key_column, "value": collection.value_column}
        visible = _named(fetch(connection, _VISIBLE.format(**names), collection.tenant), uploads)
        expected = history.states[-1].rows
        for row, count in visible.items():
            if count > 1:
                verdict.findings.append(Finding("rows duplicated", self._where, f"{row} {count} times"))
        self._compare(verdict, "rows lost", "rows stay", set(visible), set(expected))
        superseded = _named(fetch(connection, _SUPERSEDED.format(**names), collection.tenant), uploads)
        numbers = {each.id: each.number for each in uploads}
        by = {(*row, numbers[upload]) for row, upload in history.model.superseded.items()}
        self._compare(verdict, "wrong superseded", "wrong superseded", set(superseded), by)
        ((total,),) = fetch(connection, _TOTAL, collection.tenant)
        if total != visible.total():
            evidence = f"the total is {total}, there are {visible.total()} rows"
            verdict.findings.append(Finding("wrong totals", self._where, evidence))
        verdict.rows += visible.total()
        verdict.superseded += superseded.total()

    def _compare(self, verdict: Verdict, lost: str, stay: str, found: set[Any], expected: set[Any]) -> None:
        for kind, rows, what in ((lost, expected - found, "lacks"), (stay, found - expected, "has")):
            if rows:
                where = "superseded rows" if kind == "wrong superseded" else self._collection.table
                evidence = f"{where} {what} {len(rows)} of {len(expected)} rows, such as {sorted(rows)[:3]}"
                verdict.findings.append(Finding(kind, self._where, evidence))


def _corrected(parent: str, uploads: Sequence[Stored], requests: Mapping[str, VersionRequest]) -> Records:
    """The records that corrections have brought to an upload."""
    found: dict[int, tuple[str, str]] = {}
    for upload in uploads:
        request = requests.get(upload.id)
        if request and request.corrects and request.corrects.upload_id == parent and upload.state == "completed":
            found.update(request.file.expected.records)
    return found


def _correction_findings(
    where: str, uploads: Sequence[Stored], requests: Mapping[str, VersionRequest]
) -> Iterator[Finding]:
    """A correction shares the fate of its upload, unless that was replaced or undone before it was loaded."""
    states = {upload.id: upload.state for upload in uploads}
    for upload in uploads:
        request = requests.get(upload.id)
        if request is None or request.corrects is None:
            continue
        is_late = upload.state == "failed" and upload.error.startswith("corrected_upload_ended")
        if upload.state != states.get(request.corrects.upload_id) and not is_late:
            of = f"corrects {request.corrects.upload_id}, which is {states.get(request.corrects.upload_id)}"
            yield Finding("wrong state", where, f"upload {upload.number} is {upload.state} {upload.error}; it {of}")


def _named(rows: Iterable[tuple[Any, ...]], uploads: Sequence[Stored]) -> Counter[Any]:
    """Rows with the upload and the line that their ids say, instead of the id."""
    owners = sorted((upload.first_id, upload.id) for upload in uploads)
    first_ids = [first_id for first_id, _upload in owners]
    named: list[tuple[Any, ...]] = []
    for id_, key, value, *more in rows:
        first_id, upload = owners[bisect_right(first_ids, id_) - 1] if id_ >= first_ids[0] else (0, "unknown")
        row = Row(upload, id_ - first_id, key, value)
        named.append((*row, *more) if more else row)
    return Counter(named)


_UPLOADS = """
SELECT own.number, own.first_id, own.id::text, own.tenant, own.state, own.storage_key, own.read_records,
       own.loaded_records, own.rejected_records, own.duplicate_records,
       coalesce(own.error_code || ': ' || own.error_message, ''), own.sha256, coalesce(other.id::text, ''),
       own.current_records,
       ARRAY[own.new_records, own.changed_records, own.unchanged_records, own.removed_records]
FROM uploads AS own LEFT JOIN uploads AS other ON other.number = own.superseded_by
WHERE own.tenant = %s ORDER BY own.number
"""

_VERSIONS = """
SELECT collection_versions.version, id::text, change, extract(epoch FROM at)::float8
FROM collection_versions JOIN uploads ON number = upload_number
WHERE collection_versions.tenant = %s ORDER BY collection_versions.version
"""

_VISIBLE = "SELECT id, {key}, {value}::text FROM {table} WHERE tenant = %s"
_SUPERSEDED = """
SELECT id, {key}, {value}::text, superseded_by
FROM (
    SELECT tenant, id, {key}, {value}, superseded_by FROM {table}_superseded
    UNION ALL
    SELECT tenant, id, {key}, {value}, superseded_by FROM {table}_history
) AS superseded
WHERE tenant = %s
"""
_TOTAL = "SELECT coalesce(sum(row_count), 0)::bigint FROM collection_totals WHERE tenant = %s AND breakdown = 'rows'"
