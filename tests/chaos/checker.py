"""Compares what was promised with what is in the tables and on disk; its SQL and its knowledge are its own."""

import hashlib
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import extensions

from tests.chaos.ledger import Attempt, Finding, Request
from tests.kept_sums import WRONG_SUMS, WRONG_SUMS_OF_UPLOADS

_FIRST_LARGE = 2**52
_MOST_LINES = 2**24  # the ids of a small upload
_NOTHING_LEFT = ("cancelled", "undone")


@dataclass(slots=True)
class Verdict:
    """What the checkers found; `rows` are those that readers see."""

    findings: list[Finding] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    rejected: int = 0
    versions: int = 0
    superseded: int = 0
    ghosts: int = 0
    orphan_files: int = 0
    settled_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """The columns of `uploads` that are checked."""

    number: int
    first_id: int
    id: str
    tenant: str
    state: str
    storage_key: str
    read: int
    loaded: int
    rejected: int
    duplicate: int
    error: str


def wait_until_settled(database_url: str, seconds: float) -> float:
    """Seconds until nothing loads, no dead table is left and all changes are counted; at most `seconds`."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        with closing(psycopg2.connect(database_url)) as connection:
            if not fetch(connection, _UNSETTLED):
                break
        time.sleep(0.2)
    return time.monotonic() - started


class Checker:
    """Reads everything once, when the storm is over."""

    def __init__(
        self, database_url: str, upload_dir: Path, attempts: Sequence[Attempt], others: Sequence[Request] = ()
    ) -> None:
        self._url = database_url
        self._upload_dir = upload_dir
        self._attempts = attempts
        self._others = others  # whose uploads are checked elsewhere
        self.verdict = Verdict()

    def check(self) -> Verdict:
        """Everything that can be wrong, each with its evidence."""
        with closing(psycopg2.connect(self._url)) as connection:
            connection.set_session(readonly=True)
            by_tenant: dict[str, list[Row]] = {}
            for values in fetch(connection, _UPLOADS):
                row = Row(*values)
                by_tenant.setdefault(row.tenant, []).append(row)
            for attempt in self._attempts:
                rows = by_tenant.pop(attempt.tenant, [])
                self.verdict.states.update(row.state for row in rows)
                self._check_attempt(connection, attempt, rows)
            for tenant in by_tenant.keys() - {request.tenant for request in self._others}:
                self._found("extra upload", tenant, "no client has sent it")
            self._check_whole(connection)
            self._check_files(connection)
        return self.verdict

    def _check_attempt(self, connection: extensions.connection, attempt: Attempt, rows: list[Row]) -> None:
        if len(rows) > 1:
            self._found("duplicated", attempt.tenant, f"{len(rows)} uploads of one request: {rows}")
        row = rows[0] if rows else None
        if row is None:
            if attempt.is_acknowledged:
                self._found("lost", attempt.tenant, f"acknowledged as {attempt.upload_id}, and not in the database")
            self._check_nothing(connection, attempt, None)
            return
        if not attempt.is_acknowledged:
            self.verdict.ghosts += 1
        self.verdict.findings += state_findings(attempt, row)
        if row.state == "completed":
            self._check_completed(connection, attempt, row)
        elif row.state in (*_NOTHING_LEFT, "failed"):
            self._check_nothing(connection, attempt, row)

    def _check_completed(self, connection: extensions.connection, attempt: Attempt, row: Row) -> None:
        expected = attempt.expected
        stored = fetch(connection, "SELECT id, title FROM movies WHERE tenant = %s", row.tenant)
        found = [(id_ - row.first_id, title) for id_, title in stored]
        strangers = [line for line, _title in found if not 0 < line < _MOST_LINES]
        lines = Counter(line for line, _title in found)
        self._compare_lines(row, lines, set(expected.good), strangers)
        titles = dict(zip(expected.good, expected.titles, strict=True))
        wrong = [line for line, title in found if titles.get(line) != zlib.crc32(title.encode())]
        if wrong:
            self._found("wrong rows", row.tenant, f"upload {row.number}: another title at lines {wrong[:5]}")
        rejects = fetch(connection, "SELECT line_number, column_name FROM rejects WHERE upload_number = %s", row.number)
        if Counter(rejects) != Counter(expected.bad.items()):
            differing = set(rejects) ^ set(expected.bad.items())
            self._found("wrong rejects", row.tenant, f"upload {row.number}: {sorted(differing)[:5]}")
        self._check_counts(connection, attempt, row)
        self.verdict.rows += len(stored)
        self.verdict.rejected += len(rejects)

    def _compare_lines(self, row: Row, lines: Counter[int], good: set[int], strangers: list[int]) -> None:
        missing, extra = good - set(lines), set(lines) - good
        twice = [line for line, count in lines.items() if count > 1]
        where = f"upload {row.number} ({row.state})"
        if missing:
            self._found("rows lost", row.tenant, f"{where}: {len(missing)} lines, such as {sorted(missing)[:5]}")
        if extra or strangers:
            self._found("rows duplicated", row.tenant, f"{where}: extra lines {sorted(extra)[:5]}, ids {strangers[:5]}")
        if twice:
            self._found("rows duplicated", row.tenant, f"{where}: {len(twice)} lines twice, such as {twice[:5]}")

    def _check_counts(self, connection: extensions.connection, attempt: Attempt, row: Row) -> None:
        good, bad = attempt.expected.rows, len(attempt.expected.bad)
        if (row.read, row.loaded, row.rejected, row.duplicate) != (good + bad, good, bad, 0):
            self._found("wrong record counts", row.tenant, f"{row}, but the file has {good} good and {bad} bad records")
        (batches,) = fetch(connection, _BATCHES, row.number)
        if batches != (0, good + bad, good, bad):
            self._found(
                "wrong record counts", row.tenant, f"batches (not done, read, loaded, rejected) {batches}, upload {row}"
            )
        stored = self._upload_dir / row.storage_key
        if not stored.is_file() or hashlib.sha256(stored.read_bytes()).hexdigest() != attempt.expected.sha256:
            self._found("file lost", row.tenant, f"{row.storage_key} is not what was sent")

    def _check_nothing(self, connection: extensions.connection, attempt: Attempt, row: Row | None) -> None:
        """Nothing of it may be seen; a failed one keeps its rejects."""
        rows = fetch(connection, "SELECT count(*) FROM movies WHERE tenant = %s", attempt.tenant)[0][0]
        if rows:
            self._found("rows left", attempt.tenant, f"{rows} rows of {row or 'no upload'}")
        if row is not None and row.state in _NOTHING_LEFT:
            (left,) = fetch(connection, _LEFT, row.number, row.number)
            if left != (0, 0):
                self._found("rows left", attempt.tenant, f"(rejects, totals) {left} of {row}")

    def _check_whole(self, connection: extensions.connection) -> None:
        for values in fetch(connection, WRONG_SUMS):
            self._found("wrong totals", values[0], f"(tenant, breakdown, values, collection_totals, counted) {values}")
        for values in fetch(connection, WRONG_SUMS_OF_UPLOADS):
            self._found("wrong totals", "uploads", f"(number, current, rejected, totals of both) {values}")
        for (ids,) in fetch(connection, "SELECT id FROM movies GROUP BY id HAVING count(*) > 1 LIMIT 5"):
            self._found("rows duplicated", "movies", f"id {ids} more than once")
        for table, state in fetch(connection, _LEFTOVER_TABLES):
            self._found("table left", table, f"its upload is {state}")

    def _check_files(self, connection: extensions.connection) -> None:
        """A try that died may leave a file, for the sweep to remove a day later; no more than one each."""
        known = {key for (key,) in fetch(connection, "SELECT storage_key FROM uploads")}
        files = (
            {path.name for path in self._upload_dir.glob("*") if path.is_file()} if self._upload_dir.exists() else set()
        )
        orphans = files - known
        self.verdict.orphan_files = len(orphans)
        unanswered = sum(request.unanswered for request in (*self._attempts, *self._others))
        if len(orphans) > unanswered:
            self._found("orphan files", "uploads", f"{len(orphans)} after {unanswered} tries without 202")

    def _found(self, kind: str, where: str, evidence: str) -> None:
        self.verdict.findings.append(Finding(kind, where, evidence))


def state_findings(request: Request, row: Row) -> Iterator[Finding]:
    """Whether the upload of a request is what the answers said."""
    evidence = f"upload {row.number} is {row.state} {row.error}; allowed: {sorted(request.allowed)}"
    if row.state in ("queued", "loading"):
        yield Finding("stuck", request.tenant, evidence)
    elif row.state == "failed" and request.is_acknowledged:
        yield Finding("failed", request.tenant, evidence)
    elif row.state not in request.allowed and request.is_acknowledged:
        yield Finding("wrong state", request.tenant, evidence)
    if request.is_acknowledged and request.upload_id != row.id:
        yield Finding("lost", request.tenant, f"acknowledged as {request.upload_id}, stored as {row.id}")


def fetch(connection: extensions.connection, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """What a query answers."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return cursor.fetchall()


_UNSETTLED = f"""
SELECT number FROM uploads WHERE state IN ('queued', 'loading')
UNION ALL
SELECT number FROM uploads JOIN pg_class ON relname = 'movies_u' || number AND relkind = 'r'
WHERE state IN ('failed', 'cancelled', 'undone') AND first_id >= {_FIRST_LARGE}
UNION ALL
SELECT number FROM uploads WHERE state = 'completed' AND mode = 'replace' AND new_records IS NULL
"""

_UPLOADS = """
SELECT number, first_id, id::text, tenant, state, storage_key, read_records, loaded_records, rejected_records,
       duplicate_records, coalesce(error_code || ': ' || error_message, '')
FROM uploads ORDER BY number
"""

_BATCHES = """
SELECT count(*) FILTER (WHERE state <> 'done'), sum(read_records)::bigint, sum(loaded_records)::bigint,
       sum(rejected_records)::bigint
FROM batches WHERE upload_number = %s
"""

_LEFT = """
SELECT (SELECT count(*) FROM rejects WHERE upload_number = %s),
       (SELECT count(*) FROM upload_totals WHERE upload_number = %s)
"""

_LEFTOVER_TABLES = """
SELECT relname, coalesce(state, 'unknown')
FROM pg_class LEFT JOIN uploads ON relname IN ('movies_u' || number, 'movies_w' || number)
WHERE relkind = 'r' AND relname ~ '^movies_[uw][0-9]+$'
  AND (state IS DISTINCT FROM 'completed' OR NOT relispartition)
  AND coalesce(state, '') NOT IN ('queued', 'loading')
UNION ALL
SELECT relname, CASE WHEN is_merged THEN 'merged' WHEN merges.number IS NOT NULL THEN 'merging' ELSE 'unknown' END
FROM pg_class LEFT JOIN merges ON relname = 'movies_m' || merges.number
WHERE relkind = 'r' AND relname ~ '^movies_m[0-9]+$' AND relispartition IS DISTINCT FROM is_merged
"""
