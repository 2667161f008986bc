"""How a record is written by hand: the fields of its table in plain notation, judged by the checks of its dataset.

A file writes values as its publisher does (millions, lists of objects, titles with years). JSON has numbers and lists,
so by hand each field has the rule of the dataset `manual`, and the other dataset says which fields there are, which of
them a record needs, and what their values may be.
"""

import json
import re
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa

from shared.catalog.checks import KEY_TEXT
from shared.catalog.dataset import Column, Dataset
from shared.catalog.datasets.manual import DATASET as MANUAL
from shared.catalog.rules.publisher_rules import TrimmedText

# Rows are counted by it, in an index.
_COUNTED: Final = "original_language"
_DAY: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
# What values of a type are in JSON, and how that is said.
_JSON_TYPES: Final = {
    pa.bool_(): ("boolean", "must be true or false"),
    pa.int64(): ("integer", "must be a whole number"),
    pa.float64(): ("number", "must be a number"),
    pa.string(): ("string", "must be a text"),
    pa.date32(): ("date", 'must be a day, written as "1999-12-31"'),
    pa.list_(pa.string()): ("array", 'must be a list of texts: ["Action", "Comedy"]'),
}


def hand_made(dataset: Dataset, *, has_key: bool = True) -> Dataset:
    """The dataset as people write its records; its table is that of movies. Names of columns are those of fields.

    `has_key`: False for a row without the key of its table, which it cannot get.
    """
    of_file = {column.field: column for column in dataset.columns}
    columns = tuple(
        _written(column, of_file[column.field])
        for column in MANUAL.columns
        if column.field in of_file and (has_key or column.field not in dataset.table.key)
    )
    fields = {column.field for column in columns}
    checks = tuple(check for check in dataset.row_checks if {check.field, check.other} <= fields)
    return replace(dataset, columns=columns, nulls=MANUAL.nulls, row_checks=checks, is_hand_made=True)


def cell_of(column: Column, value: Any) -> str:
    """The cell of a file that has this value, which comes from JSON and is not null.

    Raises `ValueError`, which says what the column takes, if that is no JSON of this type.
    """
    json_type, expected = _JSON_TYPES[column.rule.type]
    match json_type, value:
        case "boolean", bool():
            return str(int(value))
        case _, bool():
            raise ValueError(expected)
        case ("integer", int()) | ("number", int() | float()):
            return repr(value)
        case "integer", float() if value.is_integer():
            return str(int(value))
        case "string", str():
            return value
        case "date", str() if _DAY.fullmatch(value):
            return value
        case "array", list() if all(isinstance(each, str) for each in value):
            return json.dumps(value, ensure_ascii=False)
    raise ValueError(expected)


def shown_value(value: Any) -> str:
    """A value of JSON as a reject shows it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _written(column: Column, of_file: Column) -> Column:
    checks = of_file.checks
    if column.field == _COUNTED and not checks:
        checks = (KEY_TEXT,)
    rule = of_file.rule if isinstance(of_file.rule, TrimmedText) else column.rule
    return replace(column, rule=rule, checks=checks, required=of_file.required, is_key=of_file.is_key)
