"""`merging` as an operator uses it."""

from pathlib import Path

import pytest

from stack.local import LocalStack
from tests.system.cli.programs import run


@pytest.fixture
def where(stack: LocalStack) -> tuple[str, Path]:
    return "--data-dir", stack.data_dir


def test_merging_is_paused_and_resumed(where: tuple[str, Path]) -> None:
    paused = run(["merging", "pause", *where])
    assert paused.code == 0, paused.err
    try:
        assert "Merging is paused since 20" in run(["merging", "show", *where]).out
    finally:
        resumed = run(["merging", "resume", *where])
    assert resumed.code == 0, resumed.err
    shown = run(["merging", "show", "--json", *where]).document
    assert (shown["is_paused"], shown["reason"]) == (False, None)


def test_without_a_database_it_says_so(tmp_path: Path) -> None:
    failed = run(["merging", "show"], DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert failed.code == 1
    assert failed.err.startswith("merging: the database does not answer")
    assert run(["merging", "pause", "--data-dir", tmp_path]).err.startswith("merging: ")
