"""docs/SECURITY.md: which tests hold which requirement, and the bugs that each of these tests has caught."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.seeded_bugs import Bug

_DOCUMENT: Final = Path(__file__).resolve().parents[2] / "docs" / "SECURITY.md"
_ROW: Final = re.compile(r"^\| (S\d+) \|(.*)$", re.MULTILINE)
_TEST: Final = re.compile(r"`(tests/[\w/]+\.py(?:::\w+)?)`")
# The word for all requirements together.
ALL: Final = "security"


def requirements() -> dict[str, list[str]]:
    """By number: the tests that its row names, as functions or as whole files."""
    text = _DOCUMENT.read_text(encoding="utf-8")
    return {number: _TEST.findall(row) for number, row in _ROW.findall(text)}


def caught_by(test: str, bugs: Sequence[Bug]) -> list[Bug]:
    """Bugs that nothing else than this test catches, or one of its functions if it is a whole file."""
    return [bug for bug in bugs if len(bug.tests) == 1 and _is_of(bug.tests[0], test)]


def chosen(words: Sequence[str], bugs: Sequence[Bug]) -> list[Bug]:
    """Those of these names, requirements (`S14`), or `security`; raises `ValueError` for a word that is none."""
    held = requirements()
    held[ALL] = [test for tests in held.values() for test in tests]
    names = {bug.name for bug in bugs}
    if unknown := set(words) - names - set(held):
        raise ValueError(f"there is no bug {', '.join(sorted(unknown))}")
    wanted = {word for word in words if word in names}
    wanted |= {bug.name for word in words for test in held.get(word, ()) for bug in caught_by(test, bugs)}
    return [bug for bug in bugs if bug.name in wanted]


def _is_of(test: str, named: str) -> bool:
    function = test.partition("[")[0]
    return named in (function, function.partition("::")[0])
