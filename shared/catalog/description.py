"""Descriptions of datasets for people, from the declarations that loaders use."""

from typing import Any, Final

from shared.catalog.dataset import Column, Dataset
from shared.catalog.table import FieldType, Table

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
