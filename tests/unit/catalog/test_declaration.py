"""A declaration says what its table is; what no file could have, or no table could hold, is refused at once."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.catalog.checks import MostBytes
from shared.catalog.dataset import normalised
from shared.catalog.schemas.declaration import MOST_FIELDS, Declaration, stored_dataset
from shared.catalog.table import FieldType
from shared.errors import InvalidSchema
from tests.unit.catalog.declared import declaration, load

INTEGER = {"type": "integer"}
NO_FIELDS: list[Any] = [[], {}, "a", ["a"], [{}], [None], [{"type": "string"}]]


def test_the_table_has_a_column_for_each_field_in_its_order() -> None:
    fields = {"name": "Box Office ($)", "type": "number"}, "select", {"name": "Größe", "type": "year"}
    dataset = declaration(*fields, primaryKey="select", indexes=["Größe", ["select", "Box Office ($)"]]).dataset(12)
    table = dataset.table
    assert (dataset.name, dataset.declaration, table.name) == ("own", 12, "d12")
    assert [(field.name, field.type) for field in table.fields] == [
        ("c1", FieldType.DOUBLE),
        ("c2", FieldType.TEXT),
        ("c3", FieldType.SMALLINT),
    ]
    assert table.key == ("c2",)
    assert [(index.name, index.fields) for index in table.indexes] == [("i1", ("c3",)), ("i2", ("c2", "c1"))]
    assert [field.public_name for field in table.fields] == ["Box Office ($)", "select", "Größe"]
    assert [(column.name, column.field, column.required) for column in dataset.columns] == [
        ("Box Office ($)", "c1", False),
        ("select", "c2", True),
        ("Größe", "c3", False),
    ]


@pytest.mark.parametrize(
    "name", ["a" * 1_000, 'it\'s "x"', "); DROP TABLE uploads; --", "id", "tenant", "片名", "1", "a,b", "c2"]
)
def test_a_field_may_have_any_name_that_a_header_can_have(name: str) -> None:
    found = load(declaration(name, "other"), [["x", "y"]])
    assert found.rows["c1"].to_pylist() == ["x"]


@pytest.mark.parametrize(
    "names", [("a", "a"), ("a", "A"), ("a b", "a_b"), ("a", " a"), ("a", "\u200ba"), ("Straße", "STRASSE")]
)
def test_names_that_headers_do_not_tell_apart_are_refused(names: tuple[str, str]) -> None:
    with pytest.raises(InvalidSchema, match="do not tell apart"):
        declaration("first", *names)


@pytest.mark.parametrize("name", ["", " ", "\u200b", "_", "a" * 1_001, 5, None, "a\0b", "\ud800"])
def test_a_name_that_no_header_can_have_is_refused(name: Any) -> None:
    with pytest.raises(InvalidSchema):
        declaration({"name": name})


@pytest.mark.parametrize("name", ["own", "0", "a.b-c_d", "x" * 63])
def test_a_dataset_may_have_such_names(name: str) -> None:
    assert Declaration.parse({"name": name, "schema": {"fields": [{"name": "a"}]}}).name == name


@pytest.mark.parametrize("name", ["", "auto", "Own", "a b", "a/b", "_a", ".a", "-a", "ä", "x" * 64, "a\n", 5, None])
def test_a_dataset_cannot_have_other_names(name: Any) -> None:
    with pytest.raises(InvalidSchema, match="name must have"):
        Declaration.parse({"name": name, "schema": {"fields": [{"name": "a"}]}})


@pytest.mark.parametrize(
    "document",
    [
        *(None, [], "x", {}, {"name": "own"}, {"name": "own", "schema": []}, {"name": "own", "schema": {}}),
        *({"name": "own", "schema": {"fields": fields}} for fields in NO_FIELDS),
        {"name": "own", "schema": {"fields": [{"name": f"f{number}"} for number in range(MOST_FIELDS + 1)]}},
        {"name": "own", "schema": {"fields": [{"name": "a"}]}, "version": 2},
        {"name": "own", "schema": {"fields": [{"name": "a"}], "foreignKeys": []}},
        {"name": "own", "schema": {"fields": [{"name": "a", "constraint": {}}]}},
        {"name": "own", "schema": {"fields": [{"name": "a", "constraints": {"minimun": 1}}]}},
        {"name": "own", "title": 5, "schema": {"fields": [{"name": "a"}]}},
        {"name": "own", "description": "x" * 5_001, "schema": {"fields": [{"name": "a"}]}},
        *(
            {"name": "own", "schema": {"fields": [{"name": "a"}], "missingValues": words}}
            for words in ("NA", [1], None, ["x"] * 101)
        ),
    ],
    ids=lambda document: json.dumps(document)[:60],
)
def test_what_is_no_declaration_is_refused(document: Any) -> None:
    with pytest.raises(InvalidSchema):
        Declaration.parse(document)


def test_a_thousand_fields_are_not_too_many() -> None:
    assert len(declaration(*(f"f{number}" for number in range(MOST_FIELDS))).fields) == MOST_FIELDS


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("nowhere", "primaryKey names fields that there are not: nowhere"),
        (["a", "a"], "primaryKey must be"),
        ([1], "primaryKey must be"),
        (5, "primaryKey must be"),
        ([f"f{number}" for number in range(9)], "primaryKey must be"),
        ("tags", "a list cannot be in a key or an index: tags"),
    ],
)
def test_a_key_that_cannot_be_is_refused(key: Any, said: str) -> None:
    with pytest.raises(InvalidSchema, match=said):
        declaration("a", {"name": "tags", "type": "list"}, primaryKey=key)


@pytest.mark.parametrize(
    ("indexes", "said"),
    [
        (["nowhere"], "an index names fields that there are not: nowhere"),
        (["tags"], "a list cannot be in a key or an index: tags"),
        ([[]], "an index must be"),
        ([["a", "a"]], "an index must be"),
        ([5], "an index must be"),
        ("a", "indexes must list"),
        (None, "indexes must list"),
        ([["a"]] * 21, "indexes must list"),
    ],
)
def test_an_index_that_cannot_be_is_refused(indexes: Any, said: str) -> None:
    with pytest.raises(InvalidSchema, match=said):
        declaration("a", {"name": "tags", "type": "array"}, indexes=indexes)


def test_an_index_counts_once() -> None:
    assert declaration("a", "b", indexes=["a", ["a"], ["b", "a"], "a"]).indexes == (("a",), ("b", "a"))


def test_a_unique_field_is_the_key() -> None:
    unique = {"constraints": {"unique": True}}
    assert declaration("a", {"name": "b", **unique}).primary_key == ("b",)
    assert declaration("a", {"name": "b", **unique}, primaryKey=["b"]).primary_key == ("b",)
    with pytest.raises(InvalidSchema, match="only one field may be unique"):
        declaration({"name": "a", **unique}, {"name": "b", **unique})
    with pytest.raises(InvalidSchema, match="only one field may be unique"):
        declaration("a", {"name": "b", **unique}, primaryKey="a")


def test_a_key_needs_a_value_in_each_record() -> None:
    declared = declaration({"name": "a", **INTEGER}, "b", "c", primaryKey=["a", "b"])
    found = load(declared, [["1", "x", ""], ["", "x", ""], ["1", "", "y"]])
    assert [(reject["line_number"], reject["code"]) for reject in found.rejects.to_pylist()] == [
        (3, "required"),
        (4, "required"),
    ]


def test_a_text_in_an_index_is_short_enough_for_it_in_bytes() -> None:
    declared = declaration("a", "b", {"name": "n", **INTEGER}, "long", primaryKey="a", indexes=[["a", "b"], ["n", "b"]])
    limits = {
        column.name: [check.most for check in column.checks if isinstance(check, MostBytes)]
        for column in declared.dataset(1).columns
    }
    assert limits == {"a": [1_300], "b": [1_300], "n": [], "long": []}
    cells = ["é" * 650, "é" * 651, "x" * 1_300, "x" * 1_301]
    found = load(declared, [[cell, "x", "1", "x" * 9_000] for cell in cells])
    assert [(reject["line_number"], reject["code"]) for reject in found.rejects.to_pylist()] == [
        (3, "too_long_for_index"),
        (5, "too_long_for_index"),
    ]


NAMES = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=9).filter(normalised),
    min_size=1,
    max_size=9,
    unique_by=normalised,
)
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "date", "datetime", "year", "time", "any", "object"])


@st.composite
def declarations(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(NAMES)
    fields = [{"name": name, "type": draw(TYPES)} for name in names]
    some = st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True)
    return {
        "name": "own",
        "title": draw(st.sampled_from(["", "Own", "片"])),
        "schema": {
            "fields": fields,
            "primaryKey": draw(some),
            "missingValues": draw(st.lists(st.sampled_from(["", "NA"]))),
        },
        "indexes": draw(st.lists(some, max_size=3)),
    }


@given(declarations())
def test_what_is_stored_is_the_same_declaration(document: dict[str, Any]) -> None:
    declared = Declaration.parse(document)
    stored = json.loads(json.dumps(declared.to_json()))
    assert Declaration.parse(stored) == declared
    assert Declaration.parse(stored).to_json() == stored
    assert stored_dataset(5, json.dumps(stored)) == declared.dataset(5)
