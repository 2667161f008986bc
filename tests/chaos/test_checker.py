"""A checker that finds nothing is worth something only if it finds every kind of corruption."""

import uuid
from collections.abc import Callable

import psycopg2
import pytest

from shared.ingest.loading.loader import Loader
from shared.settings import Settings
from tests.chaos.checker import Checker
from tests.chaos.files import expect
from tests.chaos.ledger import Attempt
from tests.rows import movies

ROWS = 40
BAD_LINE = 8  # line 1 is the header
CONTENT = movies(*({"title": "" if line == BAD_LINE else f"Film {line}"} for line in range(2, ROWS + 2)))
TENANT = "n1-a0"

CORRUPTIONS = {
    "rows lost": "DELETE FROM movies WHERE id % 16777216 = 5",
    "rows duplicated": "UPDATE movies SET id = id + 1000 WHERE id % 16777216 = 5",
    "wrong rows": "UPDATE movies SET title = 'Another' WHERE id % 16777216 = 5",
    "wrong rejects": "DELETE FROM rejects",
    "wrong record counts": "UPDATE uploads SET loaded_records = loaded_records - 1, read_records = read_records - 1",
    "wrong totals": "UPDATE collection_totals SET row_count = row_count + 1",
    "rows left": "UPDATE uploads SET state = 'cancelled'",
    "failed": "UPDATE uploads SET state = 'failed', error_code = 'x', error_message = 'x'",
    "stuck": "UPDATE uploads SET state = 'loading'",
    "wrong state": "UPDATE uploads SET state = 'undone'",
    "lost": "DELETE FROM uploads",
    "extra upload": "UPDATE uploads SET tenant = 'stranger'",
    "table left": "CREATE TABLE movies_u2000000 (LIKE movies)",
    "file lost": "UPDATE uploads SET storage_key = 'elsewhere'",
}


@pytest.fixture
def found(intake: Callable[..., uuid.UUID], loader: Loader, settings: Settings) -> Callable[[str], set[str]]:
    """Load a file, corrupt the tables, and tell which kinds of findings there are."""
    upload_id = intake(CONTENT, tenant=TENANT)
    while loader.load(upload_id, lambda: False):
        pass

    def after(statement: str) -> set[str]:
        execute(settings.database_url, statement)
        expected = expect(CONTENT, "movies")
        attempt = Attempt(
            tenant=TENANT,
            number=1,
            expected=expected,
            use_celery=True,
            intent="keep",
            status=202,
            upload_id=str(upload_id),
        )
        verdict = Checker(settings.database_url, settings.upload_dir, [attempt]).check()
        return {finding.kind for finding in verdict.findings}

    return after


def test_what_is_whole_has_no_finding(found: Callable[[str], set[str]]) -> None:
    assert found("SELECT") == set()


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_each_corruption_is_found(found: Callable[[str], set[str]], kind: str) -> None:
    assert kind in found(CORRUPTIONS[kind])


def test_expectations_are_computed_from_the_bytes() -> None:
    expected = expect(CONTENT, "movies")
    assert expected.bad == {BAD_LINE: "title"}
    assert list(expected.good) == [line for line in range(2, ROWS + 2) if line != BAD_LINE]


def execute(url: str, sql: str) -> None:
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")  # no trigger may refuse the corruption
            cursor.execute(sql)
    finally:
        connection.close()
