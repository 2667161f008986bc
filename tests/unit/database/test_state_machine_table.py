"""One state machine: the code, the trigger, its docstring and ARCHITECTURE.md have the same transitions."""

import re
import runpy
from collections.abc import Iterable

import pytest

from shared.database import state_machine
from shared.database.state_machine import (
    ACTIVE_STATES,
    CANCEL,
    COMPLETE,
    COUNTED_STATES,
    ENDED_UNSEEN_STATES,
    FAIL,
    KEPT_STATES,
    PLAN,
    RETRY,
    TRANSITIONS,
    UNDO,
    UNPUBLISHED_STATES,
    UploadState,
    actions_of,
)
from tests.conftest import ROOT
from tests.integration.ingest.upload_model import NEXT

EDGES = {(source, transition.target) for transition in TRANSITIONS for source in transition.sources}
# name, sources, target
TABLE = [(transition.name, transition.sources, transition.target) for transition in TRANSITIONS]

Row = tuple[str, tuple[str, ...], str]


def rows(found: Iterable[tuple[str, str, str]]) -> list[Row]:
    """From (name, `queued, loading`, target)."""
    return [(name, tuple(sources.split(", ")), target) for name, sources, target in found]


def ordered(table: Iterable[Row]) -> list[Row]:
    return sorted((name, tuple(sorted(sources)), target) for name, sources, target in table)


def test_the_trigger_allows_these_transitions_and_no_others() -> None:
    """In the migration that has replaced it last."""
    migrations = sorted((ROOT / "migrations" / "versions").glob("*.py"))
    replacing = [path for path in migrations if "FUNCTION record_upload_state() RETURNS" in path.read_text("utf-8")]
    pairs = re.findall(r"\('(\w+)', '(\w+)'\)", runpy.run_path(str(replacing[-1]))["NOW"])
    assert len(pairs) == len(EDGES)
    assert set(pairs) == EDGES


def test_the_docstring_shows_the_table() -> None:
    uploads, _, _ = (state_machine.__doc__ or "").partition("    batches")
    found = re.findall(r"^ {4}(?:uploads)?\s+(\w+)\s+(\w+(?:, \w+)*)\s+-> (\w+)(?: {2}.*)?$", uploads, re.MULTILINE)
    assert ordered(rows(found)) == ordered(TABLE)


def test_the_diagram_shows_the_table() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    section = re.search(r"^## States\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section is not None
    (diagram,) = re.findall(r"^```text\n(.*?)^```", section[1], re.MULTILINE | re.DOTALL)
    found = [re.fullmatch(r"(\w+(?:, \w+)*) -> (\w+)\s+(\w+)", line) for line in diagram.splitlines()]
    assert all(found), diagram
    assert ordered(rows((match[3], match[1], match[2]) for match in found if match)) == ordered(TABLE)


def test_the_model_of_the_stateful_test_has_the_same_edges() -> None:
    assert {(source, target) for source, targets in NEXT.items() for target in targets} == EDGES


@pytest.mark.parametrize(
    ("state", "actions"),
    [
        ("queued", {"cancel"}),
        ("loading", {"cancel"}),
        ("planned", {"apply", "cancel"}),
        ("completed", {"undo"}),
        ("failed", {"retry"}),
        ("cancelled", {"retry"}),
        ("undone", set()),
    ],
)
def test_what_a_person_may_do(state: str, actions: set[str]) -> None:
    assert set(actions_of(UploadState(state))) == actions
    follows = {name for name, sources, _ in TABLE if state in sources and name in {"apply", "cancel", "retry", "undo"}}
    assert follows == actions


def test_groups_of_states_follow_from_the_transitions() -> None:
    targets = {transition.target for transition in TRANSITIONS}
    assert set(UploadState) == targets
    assert set(ACTIVE_STATES) == set(FAIL.sources)
    assert {*UNPUBLISHED_STATES} == set(CANCEL.sources) == {*ACTIVE_STATES, PLAN.target}
    assert {*COMPLETE.sources} < {*ACTIVE_STATES}
    # an upload that has ended is completed, or has ended without visible rows
    assert {*ENDED_UNSEEN_STATES, *UNPUBLISHED_STATES, COMPLETE.target} == set(UploadState)
    assert set(RETRY.sources) == {*ENDED_UNSEEN_STATES} - {UNDO.target}
    assert {*KEPT_STATES} == {*UNPUBLISHED_STATES, COMPLETE.target}
    assert {*COUNTED_STATES} == {PLAN.target, COMPLETE.target, UNDO.target}
