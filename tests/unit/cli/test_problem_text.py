"""All that an error says is shown, in lines for a person."""

from cli.rendering.problem_text import member_lines, problem_lines

PROBLEM = {
    "type": "/errors#header_mismatch",
    "title": "The header fits no dataset",
    "status": 422,
    "detail": "no dataset fits",
    "code": "header_mismatch",
    "trace_id": "abc",
}


def test_candidates_show_their_mapping_and_what_they_lack() -> None:
    candidates = [
        {"dataset": "movies", "score": 0.5, "mapping": {"movie_title": "title"}, "missing": ["budget", "status"]},
        {"dataset": "film", "score": 0.25, "mapping": {}, "missing": []},
    ]
    assert problem_lines({**PROBLEM, "candidates": candidates}, "http://127.0.0.1:1") == [
        "candidates:",
        "  - dataset: movies",
        "    score: 0.5",
        "    mapping: movie_title=title",
        "    missing: budget, status",
        "  - dataset: film",
        "    score: 0.25",
        "explained at: http://127.0.0.1:1/errors#header_mismatch",
    ]


def test_long_lists_are_cut_with_a_count() -> None:
    lines = member_lines({"found": [f"c{n}" for n in range(1000)], "candidates": [{"dataset": "a"}] * 7})
    assert lines[0] == "found: " + ", ".join(f"c{n}" for n in range(12)) + ", ... and 988 more"
    assert lines[1:] == ["candidates:", *["  - dataset: a"] * 5, "  ... and 2 more"]


def test_every_kind_of_value_is_shown() -> None:
    members = {
        "max_upload_bytes": 5,
        "is_done": False,
        "limits": {"rows": 2, "none": None},
        "deep": {"a": [{"b": {"c": [1, {"d": ""}]}}, "x"]},
        "empty": [],
        "null": None,
    }
    assert member_lines(members) == [
        "max upload bytes: 5",
        "is done: no",
        "limits: rows=2, none=-",
        "deep:",
        "  a:",
        "    - b:",
        "        c:",
        "          - 1",
        '          - d: ""',
        "    - x",
    ]


def test_errors_are_shown_unless_the_detail_consists_of_them() -> None:
    errors = [{"location": "query.page", "message": "no", "code": "x"}]
    assert problem_lines({**PROBLEM, "errors": errors, "type": "about:blank"}, "http://a") == []
    without = {name: value for name, value in PROBLEM.items() if name != "detail"}
    assert problem_lines({**without, "errors": errors}, "http://a")[:2] == ["errors:", "  - location: query.page"]


def test_no_value_can_steer_the_terminal() -> None:
    assert member_lines({"a\x1b[2J": ["\x1b]0;owned\x07", {"b": "\x9b"}]}) == [
        "a\\x1b[2J:",
        "  - \\x1b]0;owned\\x07",
        "  - b: \\x9b",
    ]
