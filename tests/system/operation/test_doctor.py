"""`imdb-ingest doctor` as an operator runs it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from stack.local import LocalStack
from tests.system.cli.programs import Result, run


def doctor(**variables: str) -> Result:
    """With servers that do not answer."""
    database, broker = "postgresql://user:hid-den@127.0.0.1:1/none", "redis://:hid-den@127.0.0.1:1/0"
    return run(["doctor"], 60, DATABASE_URL=database, REDIS_URL=broker, **variables)


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[LocalStack]:
    """A stack of its own: of the others' files some are gone, because tests removed them."""
    with LocalStack(tmp_path / "whole") as running:
        yield running


def test_a_stack_that_runs_is_in_order_and_no_password_is_printed(whole: LocalStack) -> None:
    looked = run(["doctor", "--json", "--data-dir", whole.data_dir])
    assert looked.code == 0, looked.out
    found = {finding["check"]: finding for finding in looked.document["findings"]}
    assert {finding["level"] for finding in found.values()} <= {"ok", "warning"}
    assert whole.worker.node_name in found["workers"]["message"]
    assert {"settings", "schema", "row_security", "broker", "queue", "storage", "disk", "stored_files"} <= set(found)
    shown = run(["doctor", "--data-dir", whole.data_dir])
    assert shown.out.count("\n") >= len(found)
    for url in (whole.database_url, whole.redis_url):
        assert str(make_url(url).password) not in looked.out + looked.err + shown.out + shown.err


def test_servers_that_do_not_answer_are_problems(tmp_path: Path) -> None:
    looked = doctor(INGEST_DATA_DIR=str(tmp_path))
    assert looked.code == 1
    assert "problem  postgresql: cannot be checked" in looked.out
    assert "problem  broker: cannot be checked" in looked.out
    assert "ok       storage" in looked.out
    assert "hid-den" not in looked.out + looked.err


def test_settings_that_are_wrong_are_named_without_their_values(tmp_path: Path) -> None:
    looked = doctor(INGEST_LEASE_SECONDS="hid-den")
    assert (looked.code, looked.err) == (1, "")
    assert "INGEST_LEASE_SECONDS" in looked.out
    assert "hid-den" not in looked.out
    assert run(["doctor", "--data-dir", tmp_path]).code == 1
