"""A new version only adds and widens: each stored row is one of it, and no column of the table moves."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.catalog.schemas.declaration import Declaration
from shared.catalog.schemas.declaration_versions import changed_types, next_version
from shared.catalog.table import FieldType
from shared.errors import InvalidSchema
from tests.unit.catalog.declared import declaration

WAS = declaration(
    {"name": "id", "type": "integer"},
    {"name": "gross", "type": "integer", "constraints": {"minimum": 0, "maximum": 10}},
    {"name": "code", "constraints": {"minLength": 2, "maxLength": 4, "pattern": "[A-Z]+"}},
    {"name": "rating", "constraints": {"enum": ["R", "PG"], "required": True}},
    {"name": "stars", "type": "number", "constraints": {"enum": [1, 2]}},
    {"name": "day", "type": "date", "constraints": {"minimum": "2000-01-01", "maximum": "2000-12-31"}},
    {"name": "mail", "format": "email"},
    {"name": "month", "type": "yearmonth"},
    primaryKey="id",
    indexes=["gross", ["day", "gross"]],
)


def changed(name: str, **members: Any) -> Declaration:
    """`WAS` with other members of a field; None takes a member away."""
    fields = []
    for field in WAS.fields:
        merged = {**field, **members} if field["name"] == name else field
        fields.append({member: value for member, value in merged.items() if value is not None})
    return replace(WAS, fields=tuple(fields))


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("id", {"type": "number"}),
        ("id", {"type": "string"}),
        ("gross", {"type": "number"}),
        ("gross", {"type": "any", "constraints": None}),
        ("gross", {"constraints": None}),
        ("gross", {"constraints": {"minimum": -1, "maximum": 10}}),
        ("gross", {"constraints": {"minimum": 0}}),
        ("gross", {"constraints": {"maximum": 11}}),
        ("code", {"constraints": {"minLength": 1, "maxLength": 5}}),
        ("code", {"constraints": {"pattern": "[A-Z]+"}}),
        ("rating", {"constraints": {"enum": ["PG", "R", "PG-13"], "required": True}}),
        ("rating", {"constraints": {"enum": ["R", "PG"]}}),
        ("stars", {"constraints": {"enum": [1, 2, 3]}}),
        ("stars", {"type": "string", "constraints": None}),
        ("day", {"constraints": {"minimum": "1999-12-31", "maximum": "2001-01-01"}}),
        ("day", {"format": "%d/%m/%Y"}),
        ("day", {"type": "string", "constraints": None}),
        ("mail", {"format": None}),
        ("mail", {"title": "Address", "description": "Where to write."}),
        ("mail", {"type": "any", "format": None}),
        ("month", {"type": "string"}),
    ],
)
def test_what_widens_a_field_is_a_new_version(name: str, members: dict[str, Any]) -> None:
    wanted = changed(name, **members)
    assert wanted != WAS
    assert next_version(WAS, wanted) == wanted


@pytest.mark.parametrize(
    ("name", "members", "said"),
    [
        ("gross", {"type": "year"}, "cannot make integer to year"),
        ("gross", {"type": "boolean", "constraints": None}, "cannot make integer to boolean"),
        ("stars", {"type": "integer"}, "cannot make number to integer"),
        ("code", {"type": "integer", "constraints": None}, "cannot make string to integer"),
        ("code", {"type": "list", "constraints": None}, "cannot make string to list"),
        ("day", {"type": "datetime", "constraints": None}, "cannot make date to datetime"),
        ("gross", {"constraints": {"minimum": 1, "maximum": 10}}, "cannot narrow"),
        ("gross", {"constraints": {"minimum": 0, "maximum": 9}}, "cannot narrow"),
        ("gross", {"constraints": {"minimum": 0, "maximum": 10, "enum": [1]}}, "cannot narrow"),
        ("id", {"constraints": {"minimum": 0}}, "cannot narrow"),
        ("id", {"type": "string", "constraints": {"minLength": 1}}, "cannot narrow"),
        ("code", {"constraints": {"minLength": 3, "maxLength": 4, "pattern": "[A-Z]+"}}, "cannot narrow"),
        ("code", {"constraints": {"minLength": 2, "maxLength": 3, "pattern": "[A-Z]+"}}, "cannot narrow"),
        ("code", {"constraints": {"pattern": "[A-Y]+"}}, "cannot narrow"),
        ("code", {"constraints": {"enum": ["AB"]}}, "cannot narrow"),
        ("code", {"constraints": {"required": True}}, "must not be empty"),
        ("code", {"format": "email"}, "must be an address"),
        ("rating", {"constraints": {"enum": ["R"], "required": True}}, "cannot narrow"),
        ("stars", {"constraints": {"enum": [1, 3]}}, "cannot narrow"),
        ("day", {"constraints": {"minimum": "2000-01-02", "maximum": "2000-12-31"}}, "cannot narrow"),
        ("day", {"constraints": {"minimum": "2000-01-01", "maximum": "2000-12-30"}}, "cannot narrow"),
        ("mail", {"format": "uri"}, "must be a URI"),
        ("mail", {"type": "yearmonth", "format": None}, "cannot make string to yearmonth"),
    ],
)
def test_what_narrows_a_field_is_refused_with_its_name(name: str, members: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidSchema) as raised:
        next_version(WAS, changed(name, **members))
    assert name in raised.value.message
    assert said in raised.value.message


def test_fields_indexes_and_the_key_stay() -> None:
    for wanted, said in (
        (replace(WAS, fields=WAS.fields[:-1]), "take fields away: month"),
        (replace(WAS, indexes=WAS.indexes[:1]), "take indexes away"),
        (replace(WAS, primary_key=()), "primaryKey"),
        (replace(WAS, primary_key=("gross",)), "primaryKey"),
        (replace(WAS, fields=(*WAS.fields, {"name": "new", "constraints": {"required": True}})), "new: a new field"),
    ):
        with pytest.raises(InvalidSchema, match=said):
            next_version(WAS, wanted)


def test_the_same_again_is_no_other_version() -> None:
    assert next_version(WAS, WAS) == WAS
    assert next_version(WAS, replace(WAS, fields=WAS.fields[::-1], indexes=WAS.indexes[::-1])) == WAS


def test_the_columns_whose_type_changes_are_those_of_the_table() -> None:
    now = next_version(WAS, changed("gross", type="number"))
    assert changed_types(WAS, now) == {"c2": FieldType.DOUBLE}
    assert changed_types(WAS, next_version(WAS, changed("month", type="string"))) == {}


WIDER = {
    "integer": ["integer", "number", "string", "any"],
    "year": ["year", "integer", "number"],
    "string": ["string", "any"],
    "date": ["date", "string"],
    "datetime": ["datetime"],
}


@given(st.data())
def test_what_adds_and_widens_leaves_each_column_where_it_is(data: st.DataObject) -> None:
    """Whatever the order of the fields in the new document."""
    types = data.draw(st.lists(st.sampled_from(sorted(WIDER)), min_size=1, max_size=6))
    old = [{"name": f"f{number}", "type": type_} for number, type_ in enumerate(types)]
    wider = [{**field, "type": data.draw(st.sampled_from(WIDER[field["type"]]))} for field in old]
    more = [{"name": f"new{number}", "type": "string"} for number in range(data.draw(st.integers(0, 3)))]
    indexes = [["f0"], ["new0", "f0"]] if more else [["f0"]]
    was = declaration(*old, indexes=["f0"])
    wanted = declaration(*data.draw(st.permutations([*wider, *more])), indexes=data.draw(st.permutations(indexes)))
    before, after = was.dataset(1), next_version(was, wanted).dataset(1)
    assert [(column.name, column.field) for column in after.columns[: len(old)]] == [
        (column.name, column.field) for column in before.columns
    ]
    assert after.table.indexes[0] == before.table.indexes[0]
    assert {column.name for column in after.columns} == {field["name"] for field in (*old, *more)}
