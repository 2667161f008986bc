"""Options that say how a file is read become parameters of the API, and only those that were given."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from cli.sending.upload_parameters import table_parameters

NOTHING: dict[str, Any] = {"mapping": [], "nulls": [], "has_header": True} | dict.fromkeys(
    ["schema", "date_format", "header", "member"]
)


def test_what_was_not_asked_for_is_not_sent() -> None:
    assert set(table_parameters(**NOTHING).values()) == {None}


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"mapping": ["released="]}, {"mapping": '{"released":null}'}),
        ({"mapping": ["movie_title=title", "a=b=year"]}, {"mapping": '{"movie_title":"title","a=b":"year"}'}),
        ({"nulls": ["N/A", "-", "N/A"]}, {"schema": '{"missingValues":["","N/A","-"]}'}),
        ({"date_format": "%d.%m.%Y"}, {"schema": '{"dateFormat":"%d.%m.%Y"}'}),
        ({"header": "title,year"}, {"header": "title,year"}),
        ({"has_header": False}, {"header": "none"}),
        ({"member": "u.item"}, {"member": "u.item"}),
    ],
)
def test_an_option_becomes_a_parameter(options: dict[str, Any], sent: dict[str, str]) -> None:
    parameters = table_parameters(**{**NOTHING, **options})
    assert {name: value for name, value in parameters.items() if value is not None} == sent


def test_options_are_merged_into_the_schema_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_text('{"fields": [{"name": "Résumé"}], "missingValues": ["?"], "dateFormat": "%Y"}', encoding="utf-8")
    options = {"schema": file, "nulls": ["-"], "date_format": "%m/%d/%Y"}
    schema = table_parameters(**{**NOTHING, **options})["schema"]
    assert isinstance(schema, str)
    assert "é" in schema
    assert json.loads(schema) == {
        "fields": [{"name": "Résumé"}],
        "missingValues": ["", "?", "-"],
        "dateFormat": "%m/%d/%Y",
    }


@pytest.mark.parametrize("pair", ["title", "=title", ""])
def test_a_pair_needs_a_name_and_a_sign(pair: str) -> None:
    with pytest.raises(typer.BadParameter, match="HEADER=COLUMN"):
        table_parameters(**{**NOTHING, "mapping": [pair]})


@pytest.mark.parametrize("content", [b"[]", b"{", b"\xff"])
def test_a_schema_is_a_json_object(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "schema.json"
    file.write_bytes(content)
    with pytest.raises(typer.BadParameter, match="JSON"):
        table_parameters(**{**NOTHING, "schema": file})


def test_a_file_without_a_header_has_names_or_none() -> None:
    with pytest.raises(typer.BadParameter, match="leave --no-header out"):
        table_parameters(**{**NOTHING, "header": "a,b", "has_header": False})
