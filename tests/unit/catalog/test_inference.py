"""Inference never guesses: a column has a type only if every value has exactly that one; all else is text."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.catalog.schemas.declaration import AUTO, Declaration
from shared.catalog.schemas.inference import inferred, name_of_file
from tests.unit.catalog.declared import load

STRING: dict[str, Any] = {"type": "string"}


def field_of(*cells: str) -> dict[str, Any]:
    """What the cells of one column show, without its name."""
    [found] = inferred("own", ["a"], [[cell] for cell in cells]).fields
    return {member: value for member, value in found.items() if member != "name"}


@pytest.mark.parametrize(
    ("cells", "type_"),
    [
        (["1", "0", "-5", ""], "integer"),
        (["123456789012345678"], "integer"),
        (["1", "2.5"], "number"),
        (["-0.5", "0.25", "100"], "number"),
        (["123456789012345"], "integer"),
        (["true", "False", "TRUE"], "boolean"),
        (["2001-07-09", "2000-02-29"], "date"),
        (["2001-07-09T10:20:30", "2001-07-09T10:20:30Z", "2001-07-09 10:20:30.5+02:00"], "datetime"),
    ],
)
def test_every_value_has_exactly_this_type(cells: list[str], type_: str) -> None:
    assert field_of(*cells) == {"type": type_}


@pytest.mark.parametrize(
    "cells",
    [
        ["a"],
        [],
        ["", ""],
        # digits that a number would lose
        ["00501"],
        ["1", "01"],
        ["0", "00"],
        ["-01"],
        ["+1"],
        ["1234567890123456.5"],
        ["0.1234567890123456"],
        ["123456789.123456789"],
        ["1234567890123456", "0.5"],
        ["1234567890123456789"],
        ["99999999999999999999"],
        # other notations
        ["1,234"],
        ["1,5"],
        ["1.5e3"],
        ["1."],
        [".5"],
        ["$5"],
        ["5 %"],
        [" 1"],
        ["1 "],
        ["٣"],
        ["inf"],
        ["1", "x"],
        # words
        ["yes", "no"],
        ["t", "f"],
        ["true", "1"],
        ["true", "maybe"],
        [" true"],
        # days and moments
        ["2001-07-09", "2001-07-09T10:20:30"],
        ["2001-02-29"],
        ["2001-07"],
        ["10:20:30"],
        ["2001-07-09T10:20"],
        ["2001-07-09 "],
        ["01/02/2003"],
        ["01/02/2003", "02/02/2003"],
        ["01-02-2003", "12-12-2003"],
        ["13/01/2003", "01/13/2003"],
        ["13/01/2003", "2003-01-13"],
        ["09/07/2001 10:20"],
        ["01/02/03"],
    ],
)
def test_what_is_not_certain_is_text(cells: list[str]) -> None:
    assert field_of(*cells) == STRING


@pytest.mark.parametrize(
    ("cells", "format_"),
    [
        (["13/01/2003", "01/02/2003"], "%d/%m/%Y"),
        (["01/13/2003", "01/02/2003"], "%m/%d/%Y"),
        (["31.12.1999"], "%d.%m.%Y"),
        (["1.2.2003"], "%d.%m.%Y"),
        (["1999/12/31"], "%Y/%m/%d"),
        (["9 Jul 2001", "31 Dec 1999"], "%d %b %Y"),
        (["Jul 9, 2001"], "%b %d, %Y"),
        (["2001-7-9", "2001-07-10"], "%Y-%m-%d"),
    ],
)
def test_a_format_of_dates_that_alone_fits_is_one(cells: list[str], format_: str) -> None:
    assert field_of(*cells) == {"type": "date", "format": format_}


def test_days_that_are_the_same_in_each_format_are_no_doubt() -> None:
    assert field_of("01/01/2003", "02/02/2003")["type"] == "date"


def missing_values(header: list[str], *rows: list[str]) -> tuple[Declaration, list[str], list[str]]:
    found = inferred("own", header, rows)
    return found, [field["type"] for field in found.fields], list(found.missing_values)


def test_a_word_for_null_is_one_if_no_text_has_it() -> None:
    _, types, words = missing_values(["n", "t"], ["1", "a"], ["NA", "b"], ["NULL", ""])
    assert (types, words) == (["integer", "string"], ["", "NULL", "NA"])


def test_a_word_for_null_that_is_a_text_elsewhere_is_text_everywhere() -> None:
    """NA is Namibia, and nothing says that it is not in the column of numbers."""
    declared, types, words = missing_values(["n", "country"], ["1", "DE"], ["NA", "NA"])
    assert (types, words) == (["string", "string"], [""])
    found = load(declared, [["1", "DE"], ["NA", "NA"]])
    assert found.rows["c2"].to_pylist() == ["DE", "NA"]


def test_a_column_of_a_word_alone_is_text() -> None:
    _, types, words = missing_values(["n"], ["NA"], [""])
    assert (types, words) == (["string"], [""])


def test_the_null_of_dumps_is_null_in_any_column() -> None:
    declared, types, words = missing_values(["n", "t"], ["1", "\\N"], ["\\N", "a"])
    assert (types, words) == (["integer", "string"], ["", "\\N"])
    found = load(declared, [["\\N", "a"], ["1", "\\N"]])
    assert (found.rows["c1"].to_pylist(), found.rows["c2"].to_pylist()) == ([None, 1], ["a", None])


def test_a_word_that_does_not_occur_is_not_declared() -> None:
    assert missing_values(["n"], ["1"])[2] == [""]


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("Box Office (2019).csv.gz", "box_office_2019"),
        ("tv.tsv", "tv"),
        ("/some/dir/x.txt", "x"),
        (".csv", "table"),
        ("片名.csv", "table"),
        ("__a__.csv", "a"),
        ("a.b-c.csv", "a.b-c"),
        ("x" * 200 + ".csv", "x" * 50),
        ("auto.csv", "table"),
        ("AUTO.tsv.gz", "table"),
    ],
)
def test_a_file_gives_its_dataset_a_name(filename: str, name: str) -> None:
    assert name_of_file(filename) == name


@given(st.text())
def test_the_name_of_any_file_is_a_name_of_a_dataset(filename: str) -> None:
    name = name_of_file(filename)
    assert name != AUTO
    assert Declaration.parse({"name": name, "schema": {"fields": [{"name": "a"}]}}).name == name


CELLS = st.sampled_from(
    [
        "",
        "0",
        "1",
        "-7",
        "007",
        "2.50",
        "1,5",
        "true",
        "False",
        "NA",
        "NULL",
        "\\N",
        "2001-07-09",
        "31/12/1999",
        "01/02/2003",
    ]
) | st.text("0123456789.-/:TZ ", max_size=20)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8))
def test_all_that_it_has_seen_loads_and_keeps_its_value(rows: list[tuple[str, str]]) -> None:
    records = [["x", *row] for row in rows]  # a record without any value is a blank line
    declared = inferred("own", ["x", "a", "b"], records)
    found = load(Declaration.parse(declared.to_json()), records)
    assert found.rejects.to_pylist() == []
    for position, field in enumerate(declared.fields):
        loaded = found.rows[f"c{position + 1}"].to_pylist()
        for row, value in zip(records, loaded, strict=True):
            cell = row[position]
            assert (value is None) == (cell in declared.missing_values)
            if value is not None and field["type"] == "string":
                assert value == cell
            elif value is not None and field["type"] == "integer":
                assert str(value) == cell
            elif value is not None and field["type"] == "number":
                assert f"{value:.15f}".rstrip("0").rstrip(".") == (
                    cell.rstrip("0").rstrip(".") if "." in cell else cell
                )
