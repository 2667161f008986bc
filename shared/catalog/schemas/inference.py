"""Infers a declaration from a header and the first records: a type only if every value has exactly that one.

What fits two types, or two formats of dates, is text, which loses nothing.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from shared.catalog.rules.basic_rules import IsoDate
from shared.catalog.rules.formatted_rules import Day, candidate_formats
from shared.catalog.rules.schema_rules import Moment
from shared.catalog.sample import Sample
from shared.catalog.schemas.declaration import AUTO, Declaration
from shared.catalog.schemas.members import require
from shared.catalog.schemas.table_schema import TableSchema

_INTEGER: Final = re.compile(r"0|-?[1-9]\d{0,17}", re.ASCII)
# Fifteen digits are exact in a double.
_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?", re.ASCII)
_MOST_DIGITS: Final = 15
_BOOLEAN: Final = re.compile("true|false", re.IGNORECASE)
_NULL_WORDS: Final = ("\\N", "NULL", "null", "NaN", "nan", "None", "N/A", "#N/A", "NA", "<NA>", "nil")
# This one means nothing but null, in whatever column.
_ALWAYS_NULL: Final = "\\N"
_UNNAMEABLE: Final = re.compile(r"[^a-z0-9_.-]+")
_LONGEST_NAME: Final = 50


def inferred(name: str, header: Sequence[str], rows: Sample) -> Declaration:
    """The declaration of a dataset with this header, whose names differ."""
    columns = [[row[position] for row in rows] for position in range(len(header))]
    types = [_type_of([cell for cell in cells if cell and cell not in _NULL_WORDS]) for cells in columns]
    texts = {cell for cells, type_ in zip(columns, types, strict=True) if type_["type"] == "string" for cell in cells}
    words = [word for word in _NULL_WORDS if word == _ALWAYS_NULL or word not in texts]
    used = [word for word in words if any(word in cells for cells in columns)]
    fields = [
        {"name": field, **(type_ if _has_only(cells, type_, used) else {"type": "string"})}
        for field, cells, type_ in zip(header, columns, types, strict=True)
    ]
    return Declaration(name, name, "", tuple(fields), missing_values=("", *used))


def edited(declaration: Declaration, schema: TableSchema) -> Declaration:
    """The declaration with what a client says of some of its fields; raises `InvalidSchema`."""
    if not schema.to_json():
        return declaration
    document = declaration.to_json()
    fields = [_edited(field, schema) for field in document["schema"]["fields"]]
    names = {field["name"] for field in fields}
    unknown = [name for name in schema.fields if name not in names]
    require(not unknown, f"schema has fields that the file does not have: {', '.join(unknown)}")
    words = declaration.missing_values if schema.missing_values is None else schema.missing_values
    return Declaration.parse(
        {**document, "schema": {**document["schema"], "fields": fields, "missingValues": list(words)}}
    )


def _edited(field: Mapping[str, Any], schema: TableSchema) -> dict[str, Any]:
    said = schema.fields.get(field["name"], {})
    merged = (
        {**field, **said} if "type" not in said or said["type"] == field["type"] else {"name": field["name"], **said}
    )
    return {**merged, "format": schema.date_format} if merged["type"] == "date" and schema.date_format else merged


def name_of_file(filename: str) -> str:
    """A name for the dataset of a file: `Box Office (2019).csv.gz` gives `box_office_2019`."""
    stem = filename.rsplit("/", 1)[-1].lower().split(".csv")[0].split(".tsv")[0].split(".txt")[0]
    name = _UNNAMEABLE.sub("_", stem).strip("_.-")[:_LONGEST_NAME].strip("_.-")
    return "table" if name in ("", AUTO) else name


def _has_only(cells: Sequence[str], type_: dict[str, Any], words: Sequence[str]) -> bool:
    """Whether all its words for null are words for null in this file."""
    return type_["type"] == "string" or all(cell not in _NULL_WORDS or cell in words for cell in cells)


def _type_of(values: Sequence[str]) -> dict[str, Any]:
    distinct = set(values)
    if not distinct:
        return {"type": "string"}
    for type_, fits in _TYPES:
        if all(map(fits, distinct)):
            return {"type": type_}
    formats = [format_ for format_ in candidate_formats(distinct) if "%H" not in format_]
    readings = {tuple(Day(format_).parse(value) for value in sorted(distinct)) for format_ in formats}
    if len(readings) == 1 and all(value == value.strip() for value in distinct):
        return {"type": "date", "format": formats[0]}
    return {"type": "string"}


def _is_number(value: str) -> bool:
    return _NUMBER.fullmatch(value) is not None and sum(map(str.isdigit, value)) <= _MOST_DIGITS


def _parses(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def fits(value: str) -> bool:
        try:
            return value == value.strip() and parse(value) is not None
        except ValueError:
            return False

    return fits


_TYPES: Final[tuple[tuple[str, Callable[[str], bool]], ...]] = (
    ("integer", lambda value: _INTEGER.fullmatch(value) is not None),
    ("number", _is_number),
    ("boolean", lambda value: _BOOLEAN.fullmatch(value) is not None),
    ("date", _parses(lambda value: IsoDate().parse(value) if len(value) == len("2000-01-01") else None)),
    ("datetime", _parses(Moment().parse)),
)
