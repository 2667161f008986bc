"""`merging` as an operator uses it."""

from pathlib import Path

import pytest

from stack.local import LocalStack
from tests.system.cli.programs import SAMPLES, run


@pytest.fixture
def where(stack: LocalStack) -> tuple[str, Path]:
    return "--data-dir", stack.data_dir


def test_merging_is_paused_and_resumed(stack: LocalStack, where: tuple[str, Path], tenant: str) -> None:
    sent = run(["upload", str(SAMPLES / "film.csv"), "--wait", "--tenant", tenant], INGEST_API_URL=stack.api_url)
    assert sent.code == 0, sent.err
    assert "Merging is on." in run(["merging", "show", *where]).out
    paused = run(["merging", "pause", *where])
    assert paused.code == 0, paused.err
    assert "paused" in paused.out
    try:
        assert "Merging is paused since 20" in run(["merging", "show", *where]).out
        shown = run(["merging", "show", "--json", *where]).document
        assert (shown["is_paused"], shown["reason"]) == (True, None)
        assert tenant not in {each["tenant"] for each in shown["collections"]}  # it has no large upload
    finally:
        resumed = run(["merging", "resume", *where])
    assert resumed.code == 0, resumed.err
    assert run(["merging", "show", "--json", *where]).document["is_paused"] is False


def test_without_a_database_it_says_so(tmp_path: Path) -> None:
    failed = run(["merging", "show"], DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert failed.code == 1
    assert failed.err.startswith("merging: the database does not answer")
    assert run(["merging", "pause", "--data-dir", tmp_path]).err.startswith("merging: ")
