"""Each constraint on each kind of column, through pandera: what breaks it is rejected with its code, and no other."""

from typing import Any

import pytest

from shared.errors import InvalidSchema
from tests.unit.catalog.declared import declaration, load, load_cells

# A field, what it loads, what it rejects, and the code of the rejects.
CASES: list[tuple[dict[str, Any], list[str], list[str], str]] = [
    ({"type": "integer", "constraints": {"minimum": 3}}, ["3", "9", ""], ["2", "-9"], "out_of_range"),
    ({"type": "integer", "constraints": {"maximum": 3}}, ["3", "-9", ""], ["4"], "out_of_range"),
    ({"type": "integer", "constraints": {"minimum": 3, "maximum": 3}}, ["3"], ["2", "4"], "out_of_range"),
    ({"type": "integer", "groupChar": ".", "constraints": {"maximum": 999}}, ["999"], ["1.000"], "out_of_range"),
    ({"type": "integer", "constraints": {"minimum": 0.5}}, ["1"], ["0"], "out_of_range"),
    (
        {"type": "number", "constraints": {"minimum": 0.5, "maximum": 5}},
        ["0.5", "5.0"],
        ["0.49", "5.01"],
        "out_of_range",
    ),
    (
        {"type": "year", "constraints": {"minimum": 1990, "maximum": 1999}},
        ["1990", "1999"],
        ["1989", "2000"],
        "out_of_range",
    ),
    ({"type": "date", "constraints": {"minimum": "2001-07-09"}}, ["2001-07-09", ""], ["2001-07-08"], "out_of_range"),
    (
        {"type": "date", "constraints": {"maximum": "2001-07-09"}},
        ["2001-07-09", "1066-10-14"],
        ["2001-07-10"],
        "out_of_range",
    ),
    (
        {"type": "date", "format": "%d/%m/%Y", "constraints": {"minimum": "09/07/2001", "maximum": "2001-07-10"}},
        ["09/07/2001", "10/07/2001"],
        ["08/07/2001", "11/07/2001"],
        "out_of_range",
    ),
    (
        {"type": "datetime", "constraints": {"minimum": "2001-07-09T10:00:00", "maximum": "2001-07-09T12:00:00+02:00"}},
        ["2001-07-09T10:00:00Z", "2001-07-09T12:00:00+02:00", ""],
        ["2001-07-09T09:59:59", "2001-07-09T10:00:00.000001"],
        "out_of_range",
    ),
    (
        {"type": "datetime", "format": "%d/%m/%Y %H:%M", "constraints": {"minimum": "09/07/2001 10:20"}},
        ["09/07/2001 10:20", ""],
        ["09/07/2001 10:19"],
        "out_of_range",
    ),
    ({"constraints": {"minLength": 2}}, ["ab", "äöü", ""], ["a", "ä"], "invalid_length"),
    ({"constraints": {"maxLength": 2}}, ["ab", "äö", "🎬🎬"], ["abc", "äöü"], "invalid_length"),
    ({"constraints": {"minLength": 1, "maxLength": 1}}, ["a"], ["ab"], "invalid_length"),
    ({"type": "any", "constraints": {"maxLength": 1}}, ["a"], ["ab"], "invalid_length"),
    ({"constraints": {"enum": ["R", "PG"]}}, ["R", "PG", ""], ["r", "PG-13", " R"], "not_in_enum"),
    ({"type": "integer", "constraints": {"enum": [1, 2]}}, ["1", "2.0", ""], ["3", "-1"], "not_in_enum"),
    ({"type": "number", "constraints": {"enum": [0.5, 1]}}, ["0.5", "1.0"], ["0.51"], "not_in_enum"),
    ({"type": "year", "constraints": {"enum": [1999]}}, ["1999"], ["2000"], "not_in_enum"),
    ({"constraints": {"pattern": "[A-Z]{2}"}}, ["AB", ""], ["ABC", "ab", "AB\n", "xAB"], "pattern_mismatch"),
    ({"constraints": {"pattern": "a|b"}}, ["a", "b"], ["ab", "ax"], "pattern_mismatch"),
    ({"type": "time", "constraints": {"pattern": "1.*"}}, ["10:00:00"], ["20:00:00"], "pattern_mismatch"),
    ({"constraints": {"required": True}}, ["a", " "], [""], "required"),
    ({"type": "integer", "constraints": {"required": True}}, ["0"], [""], "required"),
    ({"type": "boolean", "constraints": {"required": True}}, ["0"], [""], "required"),
    ({"type": "date", "constraints": {"required": True}}, ["2001-07-09"], [""], "required"),
    ({"type": "datetime", "constraints": {"required": True}}, ["2001-07-09T10:20:30"], [""], "required"),
    ({"type": "list", "constraints": {"required": True}}, ["a,b"], [""], "required"),
    ({"type": "object", "constraints": {"required": True}}, ["{}"], [""], "required"),
]


def shown(case: object) -> str:
    return f"{case.get('type', 'string')} {case['constraints']}" if isinstance(case, dict) else ""


@pytest.mark.parametrize(("field", "good", "bad", "code"), CASES, ids=shown)
def test_what_breaks_a_constraint_is_rejected(
    field: dict[str, Any], good: list[str], bad: list[str], code: str
) -> None:
    values, rejects = load_cells({"name": "a", **field}, [*good, *bad])
    assert len(values) == len(good)
    assert rejects == [(cell or None, code) for cell in bad]


def test_a_cell_that_does_not_parse_breaks_no_constraint_as_well() -> None:
    _, rejects = load_cells({"name": "a", "type": "integer", "constraints": {"minimum": 3, "enum": [3]}}, ["x", "2"])
    assert rejects == [("x", "not_a_whole_number"), ("2", "out_of_range"), ("2", "not_in_enum")]


def test_a_word_for_null_breaks_no_constraint_but_required() -> None:
    fields = (
        {"name": "n", "type": "integer", "constraints": {"minimum": 3}},
        {"name": "t", "constraints": {"required": True}},
    )
    found = load(declaration(*fields, missingValues=["", "NA"]), [["NA", "x"], ["3", "NA"]])
    assert found.rows["c1"].to_pylist() == [None]
    assert [(reject["line_number"], reject["code"]) for reject in found.rejects.to_pylist()] == [(3, "required")]


def test_the_message_names_the_limits() -> None:
    found = load(declaration({"name": "n", "type": "integer", "constraints": {"minimum": 3}}), [["1"]])
    assert found.rejects["message"].to_pylist() == ["n must be from 3 to any value"]


@pytest.mark.parametrize(
    ("type_", "constraints", "said"),
    [
        ("string", [], "must be an object"),
        ("string", {"minimum": 1}, "of a column of numbers"),
        ("boolean", {"minimum": 0}, "of a column of numbers"),
        ("list", {"minimum": "a"}, "of a column of numbers"),
        ("time", {"minimum": "10:00:00"}, "of a column of numbers"),
        ("integer", {"minimum": "1"}, "must be numbers"),
        ("integer", {"maximum": True}, "must be numbers"),
        ("integer", {"maximum": []}, "must be numbers"),
        ("integer", {"minimum": 5, "maximum": 3}, "above the upper one"),
        ("integer", {"minimum": 10**400}, "not exact"),
        ("integer", {"maximum": 2**53 + 1}, "not exact"),
        ("number", {"enum": [10**400]}, "not exact"),
        ("number", {"enum": [float("inf")]}, "cannot be stored"),
        ("number", {"minimum": float("nan")}, "cannot be stored"),
        ("integer", {"enum": [2**53 + 1]}, "not exact"),
        ("integer", {"enum": ["1"]}, "must be numbers"),
        ("integer", {"enum": [True]}, "must be numbers"),
        ("integer", {"enum": "1"}, "enum must list"),
        ("integer", {"enum": []}, "enum must list"),
        ("integer", {"minLength": 1}, "of a column of text"),
        ("integer", {"pattern": "1"}, "of a column of text"),
        ("date", {"enum": ["2001-07-09"]}, "of a column of text"),
        ("date", {"minimum": 2001}, "must be texts"),
        ("date", {"minimum": "yesterday"}, "yesterday is no value of the column"),
        ("date", {"minimum": "2001-07-10", "maximum": "2001-07-09"}, "above the upper one"),
        ("datetime", {"minimum": "2001-07-09"}, "2001-07-09 needs a zone"),
        ("datetime", {"minimum": "noon"}, "noon is no value of the column"),
        ("string", {"enum": []}, "enum must be a list"),
        ("string", {"enum": [1]}, "enum must be a list"),
        ("string", {"enum": ["x"] * 1_001}, "enum must be a list"),
        ("string", {"minLength": -1}, "whole numbers"),
        ("string", {"maxLength": 1.5}, "whole numbers"),
        ("string", {"maxLength": True}, "whole numbers"),
        ("string", {"minLength": 3, "maxLength": 2}, "above the upper one"),
        ("string", {"pattern": "(("}, "regular expression"),
        ("string", {"pattern": "(?=a)"}, "regular expression"),
        ("string", {"pattern": "a)|(b"}, "regular expression"),
        ("string", {"pattern": "x" * 501}, "regular expression"),
        ("string", {"pattern": 1}, "regular expression"),
        ("string", {"required": "yes"}, "required must be true or false"),
        ("string", {"unique": 1}, "unique must be true or false"),
        ("string", {"jsonSchema": {}}, "not supported: jsonSchema"),
    ],
)
def test_what_a_constraint_cannot_mean_is_refused(type_: str, constraints: Any, said: str) -> None:
    with pytest.raises(InvalidSchema) as raised:
        declaration({"name": "gross", "type": type_, "constraints": constraints})
    assert said in raised.value.message
    assert "gross" in raised.value.message or said == "cannot be stored"
