"""Each field type of a Table Schema, with each of its formats: what the table stores, and how a cell is read."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from shared.catalog.schemas.field_types import Kind, kind_of
from shared.catalog.table import FieldType
from shared.errors import InvalidSchema
from tests.unit.catalog.declared import load_cells


def kind(type_: str, **members: Any) -> Kind:
    return kind_of({"name": "a", "type": type_, **members})


@pytest.mark.parametrize(
    ("members", "stored", "cell", "value"),
    [
        ({}, FieldType.TEXT, " a ", " a "),
        ({"type": "string"}, FieldType.TEXT, "00501", "00501"),
        ({"type": "string", "format": "default"}, FieldType.TEXT, "x", "x"),
        ({"type": "any"}, FieldType.TEXT, "[1]", "[1]"),
        ({"type": "integer"}, FieldType.BIGINT, "-12", -12),
        ({"type": "integer"}, FieldType.BIGINT, "1,234", 1234),
        ({"type": "integer", "groupChar": "."}, FieldType.BIGINT, "1.234", 1234),
        ({"type": "integer", "bareNumber": False}, FieldType.BIGINT, "95 votes", 95),
        ({"type": "integer", "bareNumber": True}, FieldType.BIGINT, "95", 95),
        ({"type": "number"}, FieldType.DOUBLE, "7.5", 7.5),
        ({"type": "number", "decimalChar": ","}, FieldType.DOUBLE, "7,5", 7.5),
        ({"type": "number", "decimalChar": ",", "groupChar": "."}, FieldType.DOUBLE, "1.234,5", 1234.5),
        ({"type": "number", "groupChar": ","}, FieldType.DOUBLE, "1,234", 1234.0),
        ({"type": "number", "bareNumber": False}, FieldType.DOUBLE, "12.5 %", 12.5),
        ({"type": "boolean"}, FieldType.BOOLEAN, "True", True),
        ({"type": "boolean"}, FieldType.BOOLEAN, "0", False),
        ({"type": "boolean", "trueValues": ["yes"], "falseValues": ["no"]}, FieldType.BOOLEAN, "no", False),
        ({"type": "boolean", "trueValues": ["yes"]}, FieldType.BOOLEAN, "FALSE", False),
        ({"type": "boolean", "falseValues": ["no"]}, FieldType.BOOLEAN, "TRUE", True),
        ({"type": "date"}, FieldType.DATE, "2001-07-09", date(2001, 7, 9)),
        ({"type": "date", "format": "default"}, FieldType.DATE, "2001-07-09", date(2001, 7, 9)),
        ({"type": "date", "format": "%d/%m/%Y"}, FieldType.DATE, "09/07/2001", date(2001, 7, 9)),
        (
            {"type": "datetime"},
            FieldType.TIMESTAMP,
            "2001-07-09T10:20:30Z",
            datetime(2001, 7, 9, 10, 20, 30, tzinfo=UTC),
        ),
        (
            {"type": "datetime", "format": "%d/%m/%Y %H:%M"},
            FieldType.TIMESTAMP,
            "09/07/2001 10:20",
            datetime(2001, 7, 9, 10, 20, tzinfo=UTC),
        ),
        ({"type": "year"}, FieldType.SMALLINT, "1999", 1999),
        ({"type": "list"}, FieldType.TEXTS, "a,b", ["a", "b"]),
        ({"type": "list", "delimiter": "|", "itemType": "string"}, FieldType.TEXTS, "a,b|c", ["a,b", "c"]),
        ({"type": "array"}, FieldType.TEXTS, '["a", "b"]', ["a", "b"]),
        ({"type": "object"}, FieldType.TEXT, '{"a": 1}', '{"a": 1}'),
        ({"type": "geojson"}, FieldType.TEXT, '{"type": "Point"}', '{"type": "Point"}'),
    ],
)
def test_what_is_stored_of_a_cell(members: dict[str, Any], stored: FieldType, cell: str, value: object) -> None:
    found = kind_of({"name": "a", **members})
    assert found.type is stored
    assert found.rule.parse(cell) == value
    assert load_cells({"name": "a", **members}, [cell]) == ([value], [])


# type and format: cells that load, cells that do not, and the code of their rejects
FORMS: list[tuple[dict[str, Any], list[str], list[str], str]] = [
    ({"type": "string", "format": "email"}, ["a@b.example"], ["a", "a@", "@b", "a@b c", "a@b@c"], "pattern_mismatch"),
    (
        {"type": "string", "format": "uri"},
        ["https://a.example/b", "urn:x"],
        ["a.example", "a b:c", "http:"],
        "pattern_mismatch",
    ),
    (
        {"type": "string", "format": "uuid"},
        ["123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000"],
        ["123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400g"],
        "pattern_mismatch",
    ),
    ({"type": "string", "format": "binary"}, ["YWJj", "YWI=", "YQ=="], ["YW Jj", "Y*Jj"], "pattern_mismatch"),
    ({"type": "time"}, ["00:00:00", "23:59:59.25"], ["24:00:00", "1:02:03", "10:20", "10:20:60"], "not_a_time"),
    (
        {"type": "yearmonth"},
        ["1999-12", "2000-01"],
        ["1999-13", "1999-00", "1999", "1999-12-01", "12/1999"],
        "not_a_month",
    ),
    (
        {"type": "duration"},
        ["P1Y2M3DT4H5M6.5S", "PT0S", "P2W", "-P1D"],
        ["1 day", "P1H", "T1H", "1:00"],
        "not_a_duration",
    ),
    ({"type": "geopoint"}, ["90.5, 45.5", "-90,45"], ["90.5", "90.5 45.5", "a, b", "90.5, 45.5, 1"], "not_a_place"),
    ({"type": "object"}, ["{}"], ["[]", "a", '"a"'], "not_an_object"),
    ({"type": "array"}, ["[]"], ["a,b", "{}"], "not_a_list"),
    ({"type": "integer"}, ["1"], ["1.5", "a", "1e6", "9223372036854775808"], "not_a_whole_number"),
    ({"type": "number"}, ["1.5"], ["a", "NaN", "INF", "1.2.3"], "not_a_number"),
    ({"type": "number", "decimalChar": ","}, ["1,5"], ["1.5"], "not_a_number"),
    ({"type": "boolean"}, ["1"], ["yes", "2"], "not_a_flag"),
    ({"type": "boolean", "trueValues": ["yes"], "falseValues": ["no"]}, ["yes"], ["true", "Yes"], "not_a_flag"),
    ({"type": "date"}, ["1999-12-31"], ["31/12/1999", "1999-02-30", "1999"], "not_a_date"),
    ({"type": "date", "format": "%d/%m/%Y"}, ["31/12/1999"], ["12/31/1999", "1999-12-31"], "not_a_date"),
    ({"type": "datetime"}, ["1999-12-31T23:59:59"], ["1999-12-31", "1999-12-31T25:00:00"], "not_a_datetime"),
    ({"type": "datetime", "format": "%Y%m%d %H"}, ["19991231 23"], ["1999-12-31 23"], "not_a_datetime"),
    ({"type": "year"}, ["1999"], ["99", "1999-2000", "+1999"], "not_a_year"),
]


@pytest.mark.parametrize(
    ("members", "good", "bad", "code"), FORMS, ids=lambda case: case["type"] if isinstance(case, dict) else ""
)
def test_what_loads_and_what_is_rejected(members: dict[str, Any], good: list[str], bad: list[str], code: str) -> None:
    values, rejects = load_cells({"name": "a", **members}, [*good, *bad])
    assert len(values) == len(good)
    assert rejects == [(cell, code) for cell in bad]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"type": "money"}, "type must be one of string"),
        ({"type": None}, "type must be one of string"),
        ({"type": ["string"]}, "type must be one of string"),
        ({"format": "phone"}, "format of text must be one of default, email"),
        ({"format": 1}, "format of text must be one of default, email"),
        ({"decimalChar": ","}, "members that are not supported: decimalChar"),
        ({"type": "integer", "decimalChar": ","}, "members that are not supported: decimalChar"),
        ({"type": "integer", "groupChar": "1"}, "groupChar"),
        ({"type": "integer", "groupChar": None}, "groupChar must be a text"),
        ({"type": "integer", "groupChar": []}, "groupChar must be a text"),
        ({"type": "integer", "bareNumber": "no"}, "bareNumber must be true or false"),
        ({"type": "number", "decimalChar": "ab"}, "decimalChar"),
        ({"type": "number", "decimalChar": 5}, "decimalChar must be a text"),
        ({"type": "number", "decimalChar": ".", "groupChar": "."}, "groupChar"),
        ({"type": "boolean", "trueValues": "yes"}, "must be lists"),
        ({"type": "boolean", "trueValues": [1]}, "must be lists"),
        ({"type": "boolean", "trueValues": ["x"], "falseValues": ["x"]}, "none may be in both"),
        ({"type": "boolean", "trueValues": ["0"]}, "none may be in both"),
        ({"type": "date", "format": "any"}, "would have to guess"),
        ({"type": "date", "format": "%d"}, "one year, one month and one day"),
        ({"type": "date", "format": None}, "format must be a text"),
        ({"type": "datetime", "format": "%Y-%m-%d"}, "one hour"),
        ({"type": "datetime", "format": "%Y-%m-%d %H %H"}, "one hour"),
        ({"type": "datetime", "format": "%c"}, "cannot have %c"),
        ({"type": "year", "format": "%Y"}, "members that are not supported: format"),
        ({"type": "time", "format": "%H"}, "members that are not supported: format"),
        ({"type": "list", "itemType": "integer"}, "itemType of a list must be string"),
        ({"type": "list", "delimiter": ""}, "delimiter of a list"),
        ({"type": "list", "delimiter": 1}, "delimiter must be a text"),
        ({"type": "array", "delimiter": "|"}, "members that are not supported: delimiter"),
        ({"Type": "integer"}, "members that are not supported: Type"),
    ],
)
def test_what_a_field_cannot_mean_is_refused_with_its_name(members: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidSchema) as raised:
        kind_of({"name": "gross", **members})
    assert "gross" in raised.value.message
    assert said in raised.value.message


def test_what_describes_a_field_is_allowed_everywhere() -> None:
    described = {"title": "T", "description": "D", "example": "x", "rdfType": "http://a.example"}
    assert kind("integer", **described) == kind("integer")
