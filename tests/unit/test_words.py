"""The project uses the field's words (docs/glossary.md); the private words that they replaced are no identifiers."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

# What was said before -> what is said now.
RETIRED = {
    **dict.fromkeys(("bell", "bells", "doorbell", "ring", "rings", "ringing", "rung"), "notification"),
    **dict.fromkeys(("turn", "turns", "turnstile", "turnstiles"), "fair scheduling, per-tenant lock"),
    **dict.fromkeys(("mend", "mends", "mended", "mending", "mendings", "mendable"), "correct, correction"),
    **dict.fromkeys(("account", "accounts"), "record counts"),
    **dict.fromkeys(("lane", "lanes"), "parallelism"),
    **dict.fromkeys(("marks", "walk", "walker"), "signature columns, positions, recovery scan"),
    **dict.fromkeys(("sound", "damage", "damages", "damaged", "faulty", "odd"), "valid, malformed, invalid, slow path"),
    **dict.fromkeys(("beat", "beats"), "heartbeat"),
    **dict.fromkeys(("deaf",), "stalled consumer"),
    **dict.fromkeys(("housekeeping", "keephouse"), "retention"),
    **dict.fromkeys(("place", "places"), "slot, location"),
    **dict.fromkeys(("pace", "parting"), "transfer rate, lingering close"),
    **dict.fromkeys(("accept", "accepts", "accepting", "admission", "receiver", "received"), "intake"),
}
# Names that Celery, ASGI and HTTP give.
FOREIGN = {"beat_schedule", "beat_scheduler", "accept_content", "result_accept_content", "data_received"}
# They describe what a migration did when these were the names.
HISTORY = "migrations/versions/"

SOURCES = sorted(
    path
    for folder in ("api", "bench", "cli", "migrations", "shared", "stack", "tests", "tools", "worker")
    for path in (ROOT / folder).rglob("*.py")
    if HISTORY not in path.as_posix()
)


def words(name: str) -> Iterator[str]:
    for part in name.split("_"):
        yield from (word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", part))


def defined(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that the module gives: functions, classes, parameters, variables, attributes."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, node.lineno
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name, node.lineno
            case ast.alias(asname=str(name)) | ast.keyword(arg=str(name)):
                yield name, node.lineno


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_retired_word_is_an_identifier(path: Path) -> None:
    found = [
        f"line {line}: {name} (say: {RETIRED[word]})"
        for name, line in defined(ast.parse(path.read_text(encoding="utf-8")))
        if name not in FOREIGN
        for word in words(name)
        if word in RETIRED
    ]
    assert not found
    assert not [word for word in words(path.stem) if word in RETIRED]


def test_words_are_found_in_names_of_any_style() -> None:
    assert list(words("_RING_AGAIN")) == ["ring", "again"]
    assert list(words("HTTPAccountOf2Lanes")) == ["http", "account", "of", "lanes"]
    assert list(words("replaced_string")) == ["replaced", "string"]


@pytest.mark.parametrize("term", sorted({term.strip() for terms in RETIRED.values() for term in terms.split(",")}))
def test_the_glossary_defines_what_is_said_instead(term: str) -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").lower()
    assert re.search(rf"\*\*[^*]*{re.escape(term.rstrip('s').split()[-1])}", glossary), term
