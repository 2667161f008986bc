"""The Table Schema of a built-in dataset, from its columns: people edit it, and declare it as another dataset."""

from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa

from shared.catalog.checks import Between, Check, Length, Matches, OneOf, OneOfNumbers
from shared.catalog.dataset import Column, Dataset
from shared.catalog.rules.basic_rules import Year

_SCHEMA_TYPES: Final[dict[pa.DataType, str]] = {
    pa.int64(): "integer",
    pa.float64(): "number",
    pa.bool_(): "boolean",
    pa.date32(): "date",
    pa.timestamp("us", tz="UTC"): "datetime",
    pa.list_(pa.string()): "array",
}


def built_in_schema(dataset: Dataset) -> dict[str, Any]:
    """The Table Schema that comes nearest to the files of a built-in dataset; its rules take more notations."""
    return {
        "fields": [
            {
                "name": column.name,
                "type": "year" if isinstance(column.rule, Year) else _SCHEMA_TYPES.get(column.rule.type, "string"),
                "description": column.description,
                "constraints": dict(_constraints(column)),
            }
            for column in dataset.columns
        ],
        "primaryKey": [column.name for column in dataset.columns if column.is_key],
        "missingValues": list(dataset.nulls),
    }


def _constraints(column: Column) -> Iterator[tuple[str, Any]]:
    if column.required:
        yield "required", True
    for check in column.checks:
        yield from _constraint(check)


def _constraint(check: Check) -> Iterator[tuple[str, Any]]:
    match check:
        case Between():
            yield "minimum", check.low
            if check.high is not None:
                yield "maximum", check.high
        case Length():
            yield "minLength", check.low
        case Matches():
            yield "pattern", check.pattern
        case OneOf() | OneOfNumbers():
            yield "enum", list(check.values)
