"""What became of an upload: in a word, an exit code and a sentence."""

import shlex
from typing import Any

import pytest

from cli.rendering.outcome import EXIT_CODES, Outcome, exit_code_of, last_lines, outcome_of
from shared.database.state_machine import UploadState

ERROR = {"code": "too_many_rejects", "message": "15 records were rejected."}


def upload(state: str, read: int = 5, loaded: int = 5, rejected: int = 0, **members: Any) -> dict[str, Any]:
    records = {"read": read, "loaded": loaded, "rejected": rejected, "duplicate": read - loaded - rejected}
    about = {"id": "1234", "filename": "movies.csv", "created_at": "2026-11-27T08:15:03Z", "error": None}
    counts = {"new": 1, "changed": 2, "unchanged": 0, "removed": 3, "duplicate": 0}
    return {**about, "state": state, "records": records, "counts": counts, **members}


def said(of: dict[str, Any]) -> list[str]:
    return [line.plain for line in last_lines(of, lambda *words: shlex.join(["imdb-ingest", *words]))]


@pytest.mark.parametrize(
    ("of", "outcome", "sentence"),
    [
        (upload("queued"), "stored", "Stored; the API loads it. To see how far it is: imdb-ingest show 1234"),
        (upload("loading"), "stored", "Stored; the API loads it. To see how far it is: imdb-ingest show 1234"),
        (
            upload("planned", plan={"etag": '"17"'}),
            "planned",
            (
                "Planned: it would add 1, change 2 and remove 3 of the rows; nobody sees that yet."
                " To see each change: imdb-ingest changes 1234"
                " To apply the plan: imdb-ingest apply 1234 --if-match '\"17\"'"
                " To drop it: imdb-ingest cancel 1234"
            ),
        ),
        (upload("completed"), "completed", "Completed: 5 records loaded, none rejected."),
        (upload("completed", 1, 1), "completed", "Completed: 1 record loaded, none rejected."),
        (
            upload("completed", 5, 4),
            "completed",
            "Completed: 4 of 5 records loaded, 1 with a repeated key (imdb-ingest duplicates 1234), none rejected.",
        ),
        (
            upload("completed", 5, 3, 2),
            "partial",
            "Partial: 3 of 5 records loaded, 2 records rejected; to see why: imdb-ingest rejects 1234",
        ),
        (
            upload("failed", 15, 0, 15, error=ERROR),
            "failed",
            (
                "Failed: 15 records were rejected (too_many_rejects)."
                " 15 records rejected; to see why: imdb-ingest rejects 1234"
            ),
        ),
        (upload("failed", 0, 0, error=ERROR), "failed", "Failed: 15 records were rejected (too_many_rejects)."),
        (upload("cancelled"), "failed", "Cancelled: none of its records is loaded."),
        (upload("undone"), "failed", "Undone: its records are removed."),
    ],
)
def test_an_outcome_is_a_word_and_a_sentence(of: dict[str, Any], outcome: str, sentence: str) -> None:
    assert outcome_of(of) == outcome
    assert said(of) == [sentence]


def test_the_apis_word_for_a_partial_upload_counts() -> None:
    assert outcome_of(upload("completed", outcome="partial")) is Outcome.PARTIAL
    assert outcome_of(upload("completed", outcome="complete")) is Outcome.COMPLETED


def test_every_state_has_an_outcome() -> None:
    assert all(said(upload(state)) for state in UploadState)


@pytest.mark.parametrize(("state", "verb"), [("completed", "Loaded already"), ("loading", "Being loaded already")])
def test_an_earlier_upload_is_named_with_the_way_to_load_again(state: str, verb: str) -> None:
    first, _outcome = said(upload(state, deduplicated=True))
    assert first == (
        f"{verb}, as upload 1234 of 2026-11-27 08:15 UTC, movies.csv. To load the file once more, add --force."
    )


def test_a_message_cannot_steer_the_terminal() -> None:
    error = {"code": "permanent", "message": "\x1b[2J"}
    assert said(upload("failed", 0, 0, error=error)) == ["Failed: \\x1b[2J (permanent)."]


def test_the_worst_outcome_decides_the_exit_code() -> None:
    order = list(Outcome)
    for position, worst in enumerate(order):
        assert exit_code_of(reversed(order[: position + 1])) == EXIT_CODES[worst]
    assert [EXIT_CODES[one] for one in order] == [0, 0, 0, 3, 4, 1]
    assert exit_code_of([]) == 0
