"""`migrate` and `demo`."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest

from stack.local import LocalStack
from tests.conftest import execute
from tests.system.cli.programs import run

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"
BROKER = "redis://unused.invalid/0"


@pytest.fixture
def empty_database_url(stack: LocalStack) -> Iterator[str]:
    """A database without tables."""
    name = f"empty_{uuid.uuid4().hex}"
    execute(stack.database_url, f"CREATE DATABASE {name}")
    yield stack.database_url.rpartition("/")[0] + f"/{name}"
    execute(stack.database_url, f"DROP DATABASE {name} WITH (FORCE)")


def test_migrate_makes_the_tables_and_may_be_repeated(empty_database_url: str) -> None:
    for _ in range(2):
        result = run(["migrate"], DATABASE_URL=empty_database_url, REDIS_URL=BROKER)
        assert result.code == 0, result.err
    connection = psycopg2.connect(empty_database_url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM movies")
            assert cursor.fetchone() == (0,)
    finally:
        connection.close()


def test_migrate_prints_sql_without_a_database() -> None:
    result = run(["migrate", "--sql"])
    assert result.code == 0, result.err
    assert "CREATE TABLE movies" in result.out
    assert result.out.rstrip().endswith("COMMIT;")


def test_migrate_says_what_is_wrong() -> None:
    away = run(["migrate"], DATABASE_URL=NOWHERE, REDIS_URL=BROKER)
    assert away.code == 1
    assert "the database does not answer" in away.err
    assert "Traceback" not in away.err
    unset = run(["migrate"])
    assert unset.code == 1
    assert "DATABASE_URL" in unset.err
    unknown = run(["migrate", "--to", "nowhere", "--sql"])
    assert unknown.code == 1
    assert "nowhere" in unknown.err


@pytest.mark.timeout(300)
def test_demo_shows_everything_and_leaves_nothing_behind(tmp_path: Path) -> None:
    result = run(["demo"], timeout_seconds=280, TMPDIR=str(tmp_path))
    assert result.code == 0, result.err
    for expected in ("records read", "262", "247", "rows/s", "2023-02-30", "not_a_date", "16 of 16", "Past Lives"):
        assert expected in result.out
    assert list(tmp_path.iterdir()) == []
    assert not [process for process in psutil.process_iter(["cmdline"]) if mentions(process, tmp_path)]


def mentions(process: psutil.Process, directory: Path) -> bool:
    return any(str(directory) in part for part in process.info["cmdline"] or [])
