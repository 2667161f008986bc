"""Descriptions of datasets for people, from the declarations that loaders use."""

from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa

from shared.catalog.checks import Between, Check, Length, Matches, OneOf, OneOfNumbers
from shared.catalog.dataset import Column, Dataset
from shared.catalog.rules.basic_rules import Year
from shared.catalog.table import FieldType, Table

_SCHEMA_TYPES: Final[dict[pa.DataType, str]] = {
    pa.int64(): "integer",
    pa.float64(): "number",
    pa.bool_(): "boolean",
    pa.date32(): "date",
    pa.timestamp("us", tz="UTC"): "datetime",
    pa.list_(pa.string()): "array",
}
_FIELD_TYPES: Final = {
    FieldType.BIGINT: "integer",
    FieldType.INTEGER: "integer",
    FieldType.SMALLINT: "integer",
    FieldType.DOUBLE: "number",
    FieldType.BOOLEAN: "boolean",
    FieldType.DATE: "date",
    FieldType.TIMESTAMP: "datetime",
    FieldType.TEXTS: "list",
    FieldType.TEXT: "string",
}


def described(dataset: Dataset) -> dict[str, Any]:
    """The columns of its files, each with what it may hold, and the table that its rows land in."""
    return {
        "name": dataset.name,
        "title": dataset.title,
        "description": dataset.description,
        "is_declared": dataset.declaration is not None,
        "mode": dataset.mode,
        "nulls": list(dataset.nulls),
        "columns": [_column(dataset, column) for column in dataset.columns],
        "row_rules": [{"code": rule.code, "message": rule.message} for rule in dataset.row_checks],
        "table": _table(dataset.table),
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


def _column(dataset: Dataset, column: Column) -> dict[str, Any]:
    names = {field.name: field.public_name for field in dataset.table.fields}
    return {
        "name": column.name,
        "aliases": list(column.aliases),
        "field": names.get(column.field, column.field),
        "description": column.description,
        "type": column.rule.name,
        "required": column.required,
        "key": column.is_key,
        "rules": [
            {"code": column.rule.code, "message": column.rule.message},
            *({"code": check.code, "message": check.message} for check in column.checks),
        ],
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "fields": [
            {"name": field.public_name, "type": _FIELD_TYPES[field.type], "description": field.description}
            for field in table.readable.values()
        ],
        "key": table.public_key,
        "indexes": table.public_indexes,
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
