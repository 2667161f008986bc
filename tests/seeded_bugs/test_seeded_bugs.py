"""The seeded bugs fit the code that they break, and the runner tells a bug that is caught from one that is not."""

import re

import pytest

from tests.conftest import ROOT
from tests.seeded_bugs import Bug, __main__
from tests.seeded_bugs.__main__ import seed_all
from tests.seeded_bugs.bugs import BUGS
from tests.seeded_bugs.requirements import ALL, chosen, requirements

SPLIT = "shared/csv/split.py"
TILES = ("tests/unit/csv/test_split.py::test_spans_tile_any_content",)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_fits_its_file(bug: Bug) -> None:
    seeded = bug.seed((ROOT / bug.path).read_text(encoding="utf-8"))
    if bug.path.endswith(".py"):
        compile(seeded, bug.path, "exec")


@pytest.mark.parametrize("test", sorted({test for bug in BUGS for test in bug.tests}))
def test_a_named_test_is_there(test: str) -> None:
    path, _, function = test.partition("::")
    source = (ROOT / path).read_text(encoding="utf-8")
    assert re.search(rf"^def {function.partition('[')[0]}\(", source, re.MULTILINE)


def test_each_bug_has_its_own_name() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS)
    assert not {bug.name for bug in BUGS} & {ALL, *requirements()}


def test_bugs_are_chosen_by_name_and_by_requirement() -> None:
    name = next(bug.name for bug in BUGS if bug.tests == TILES)
    assert [bug.name for bug in chosen([name], BUGS)] == [name]
    of_answers = {bug.path for bug in chosen(["S19"], BUGS)}
    assert {"api/middleware/security_headers.py", "api/description/problems.py"} <= of_answers
    assert {bug.name for bug in chosen([ALL], BUGS)} >= {bug.name for bug in chosen(["S19", "S21"], BUGS)}
    with pytest.raises(ValueError, match="no bug S99, nobody"):
        chosen(["S19", "nobody", "S99"], BUGS)


def test_the_runner_tells_what_is_caught_from_what_is_not() -> None:
    caught = next(bug for bug in BUGS if bug.tests == TILES)
    harmless = Bug("harmless", SPLIT, "Cuts a stream", "Chops a stream", TILES)
    broken = Bug("broken", SPLIT, "from dataclasses", "from nowhere", TILES)
    lines: list[str] = []
    assert seed_all([caught, harmless, broken], lines.append) == 1
    first, second, third = lines[2:-1]
    assert first.startswith("caught")
    assert "test_spans_tile_any_content: " in first
    assert second.startswith("SURVIVED")
    assert third.startswith("invalid")
    assert "nowhere" in third


def test_all_is_well_when_all_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(__main__, "_baseline", lambda _tests: "")
    assert seed_all([bug for bug in BUGS if bug.tests == TILES], list[str]().append) == 0


def test_what_hangs_is_not_caught() -> None:
    line = "        if self._pending:\n"
    outcome = __main__._seed(Bug("hang", SPLIT, line, f"        while True:\n            pass\n{line}", TILES), 4)
    assert outcome.verdict == "timed out"


def test_tests_that_fail_without_any_bug_are_no_measure() -> None:
    absent = Bug("absent", SPLIT, "Cuts a stream", "Chops a stream", ("tests/unit/csv/test_split.py::test_of_nothing",))
    lines: list[str] = []
    assert seed_all([absent], lines.append) == 2
    assert lines[-1].startswith("not tried")
