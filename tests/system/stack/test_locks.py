"""The lock files: complete, with hashes, and free of addresses."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.system.stack.processes import ROOT

LOCKS = [ROOT / f"requirements{part}.txt" for part in ("", "-dev", "-fuzz", "-chart")]


def pins(lock: Path) -> dict[str, str]:
    """Name and the text of each pin, with its hashes."""
    entries = re.split(r"^(?=[a-z0-9])", lock.read_text(), flags=re.MULTILINE | re.IGNORECASE)[1:]
    return {re.split(r"[=\[]", entry)[0].lower(): entry for entry in entries}


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[>=<;]", requirement)[0].lower().replace(".", "-") for requirement in requirements}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_package_is_pinned_with_hashes_and_no_address(lock: Path) -> None:
    assert not re.search(r"://|file:|find-links|index|^-", lock.read_text(), flags=re.MULTILINE)
    for name, entry in pins(lock).items():
        assert re.match(r"[\w.-]+==\d", entry), name
        assert "--hash=sha256:" in entry, name


def test_the_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    runtime = names(project["dependencies"]) | names(project["optional-dependencies"]["local"])
    assert runtime <= set(pins(LOCKS[0]))
    assert runtime | names(project["optional-dependencies"]["test"]) <= set(pins(LOCKS[1]))


def test_tests_run_on_the_versions_that_are_deployed() -> None:
    tested = {name: entry.split()[0] for name, entry in pins(LOCKS[1]).items()}
    for name, entry in pins(LOCKS[0]).items():
        assert tested[name] == entry.split()[0]
