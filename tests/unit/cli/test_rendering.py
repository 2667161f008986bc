"""Warnings of an upload, and advice on a code."""

import pytest

from cli.rendering.error_guide import advice_on
from cli.rendering.render_upload import warnings
from shared import errors


@pytest.mark.parametrize(
    ("warning", "line"),
    [
        (
            {"code": "blank_lines", "message": "blank lines", "count": 41, "locations": [{"line": 3, "to_line": 43}]},
            "Warning: blank lines [blank_lines] (41 times; line 3-43)",
        ),
        (
            {
                "code": "encoding",
                "message": "UTF-8 in Windows-1252",
                "count": 2,
                "locations": [{"line": 3, "to_line": 3}, {"line": 9, "to_line": 9}],
            },
            "Warning: UTF-8 in Windows-1252 [encoding] (2 times; lines 3, 9)",
        ),
        (
            {
                "code": "many",
                "message": "many",
                "count": 4000,
                "locations": [{"line": n, "to_line": n} for n in range(1, 100)],
            },
            "Warning: many [many] (4,000 times; lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...)",
        ),
        (
            {"code": "cut_off", "message": "the last cell \x1b[2J may be cut off", "count": 1, "locations": []},
            "Warning: the last cell \\x1b[2J may be cut off [cut_off]",
        ),
    ],
)
def test_a_warning_says_how_often_and_where(warning: dict[str, object], line: str) -> None:
    assert [text.plain for text in warnings({"warnings": [warning]})] == [line]


def test_an_upload_of_an_api_without_warnings_has_none() -> None:
    assert warnings({}) == []
    assert warnings({"warnings": []}) == []


@pytest.mark.parametrize("kind", [errors.TooManyRejects, errors.StoredFileCorrupt, errors.RecordCountsMismatch])
def test_an_error_of_an_upload_has_advice(kind: type[errors.IngestError]) -> None:
    advice = advice_on(kind.code)
    assert len(advice.splitlines()) >= 2
    assert "#" not in advice
    assert "`" not in advice


def test_the_last_code_of_a_chapter_ends_with_the_chapter() -> None:
    assert "undone before they were loaded" in advice_on("corrected_upload_ended")
    assert advice_on("no_such_code") == ""
