"""Hints for cells that hold no value: words for nothing, errors of Excel, characters that cannot be seen."""

import json

import pytest

from shared.advice.hints import _OF_VALUE as VALUED
from shared.advice.hints import Advisor
from shared.advice.no_values import LEAVE_EMPTY
from tests.conftest import REGISTRY

hint = Advisor(REGISTRY.columns).hint


@pytest.mark.parametrize("text", ["N/A", "#N/A", "null", "NULL", "None", "nan", "NaN", "\\N", "unknown", "-", "<NA>"])
def test_words_for_nothing_are_left_out_where_nothing_may_be(text: str) -> None:
    words = json.dumps(["", text])
    said = f'{LEAVE_EMPTY}, or send the file with schema={{"missingValues": {words}}}: {text} then means no value'
    for code in {*VALUED, "unknown_status"} - {"invalid_language"}:
        assert hint(code, "budget", text) == said
    assert hint("invalid_tconst", "T Const", text) is None


def test_a_word_for_nothing_may_be_a_language() -> None:
    assert hint("invalid_language", "original_language", "NaN") is None
    assert (hint("invalid_language", "original_language", "NULL") or "").startswith(LEAVE_EMPTY)


@pytest.mark.parametrize(("text", "said"), [(" ", ""), ("\u200b", "the cell holds U+200B, which cannot be seen: ")])
def test_a_cell_that_shows_nothing_is_left_empty(text: str, said: str) -> None:
    assert hint("not_a_whole_number", "budget", text) == said + LEAVE_EMPTY


@pytest.mark.parametrize(
    ("code", "column", "text", "said"),
    [
        ("not_a_whole_number", "budget", "1000\u200b", "U+200B, which cannot be seen: write 1000"),
        ("not_a_whole_number", "budget", "$1000\u00ad", "U+00AD, which cannot be seen: write 1000"),
        ("not_a_date", "release_date", "\u200e2001-02-03", "U+200E, which cannot be seen: write 2001-02-03"),
        ("not_a_year", "Year", "\ufeff1999", "U+FEFF, which cannot be seen: write 1999"),
        ("invalid_language", "original_language", "en\u200b", "U+200B, which cannot be seen: write en"),
        ("unknown_status", "status", "Released\u00a0", "U+00A0, which cannot be seen: write Released"),
        ("unknown_status", "status", "\u2800\tReleased", "U+2800 and U+0009, which cannot be seen: write Released"),
        (
            "invalid_id",
            "id",
            "\u2066\u200b8\u200c6\u200d2\u2069",
            "U+2066 and U+200B and U+200C and 2 others, which cannot be seen: write 862",
        ),
        ("required", "title", "\u200b\ufeff", "U+200B and U+FEFF, which cannot be seen: write a value"),
    ],
)
def test_what_cannot_be_seen_is_named(code: str, column: str, text: str, said: str) -> None:
    assert (hint(code, column, text) or "").startswith(f"the cell holds {said}")


def test_white_space_around_a_value_is_left_out() -> None:
    assert hint("invalid_language", "original_language", " en ") == "write en"
    assert hint("unknown_status", "status", "Released ") == "write Released"
    assert hint("required", "title", "  ") == hint("required", "title", "")


@pytest.mark.parametrize("text", ["#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#WERT!", "#¡REF!", "########"])
def test_a_cell_that_excel_could_not_compute_is_corrected_there(text: str) -> None:
    said = "Excel could not compute this cell or show its value: correct it in the spreadsheet"
    for code in (*VALUED, "unknown_status"):
        assert hint(code, "budget", text) == f"{said}, or {LEAVE_EMPTY}"
    assert hint("invalid_id", "id", text) == said
