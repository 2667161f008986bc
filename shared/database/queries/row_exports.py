"""All rows of a listing in one statement: for each its fields, `_id`, `_upload_id`, `_line` and `_extra`.

One statement sees one moment. The uploads of the collection are two arrays in the same statement, so finding the upload
of a row is a binary search in memory and no lookup in a table.
"""

import functools
import json
import operator
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.dialects.postgresql import ARRAY, JSON, aggregate_order_by
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from shared.catalog.export_formats import ExportFormat
from shared.catalog.table import FieldType
from shared.database.models import Upload
from shared.database.queries.rows import RowListing, conditions, row_order
from shared.database.timing.statement_names import named

_LONGEST_NAME_BYTES: Final = 63
_Cell = Callable[[ColumnElement[Any]], ColumnElement[Any]]

# What PostgreSQL's own text of a value is not: lists are JSON, flags `true` and `false`.
_CSV_CELLS: Final[dict[FieldType, _Cell]] = {
    FieldType.TEXTS: func.array_to_json,
    FieldType.BOOLEAN: lambda column: sa.cast(column, sa.Text),
    # 2001-02-03T04:05:06+00:00
    FieldType.TIMESTAMP: lambda column: func.to_json(column, type_=JSON)[()].astext,
}


@named
def rows_exported(listing: RowListing, file_format: ExportFormat) -> Select[Any]:
    """The columns of a file, in the order of `exported_names`; for JSON lines one column with the whole row."""
    columns = listing.columns
    cells = _CSV_CELLS if file_format is ExportFormat.CSV else {}
    shown = [
        cells[field.type](columns[field.name]) if field.type in cells else columns[field.name]
        for field in listing.fields
    ]
    shown += [*_origin(listing), _extra(columns.extra, file_format)]
    rows = select(*(cell.label(f"column_{position}") for position, cell in enumerate(shown)))
    rows = rows.where(*conditions(listing)).order_by(*row_order(listing))
    return _as_objects(rows, exported_names(listing)) if file_format is ExportFormat.JSONL else rows


@named
def locking(listing: RowListing) -> Select[Any]:
    """Reads nothing, and locks what `rows_exported` reads until the transaction ends.

    COPY takes its snapshot before it waits for locks. So whoever has replaced rows meanwhile would be seen in part.
    """
    return select(listing.columns.id).where(*conditions(listing)).limit(0)


def exported_names(listing: RowListing) -> list[str]:
    """What readers call the columns."""
    return [*(field.public_name for field in listing.fields), *listing.table.origin_names.values()]


def _as_objects(rows: Select[Any], names: Sequence[str]) -> Select[Any]:
    """Each row as a JSON object. PostgreSQL cuts names of more than 63 bytes; then we write the object ourselves."""
    inner = rows.subquery("exported")
    if all(len(name.encode()) <= _LONGEST_NAME_BYTES for name in names):
        named = select(*(column.label(name) for column, name in zip(inner.c, names, strict=True))).subquery("named")
        return select(func.row_to_json(named.table_valued()))
    parts: list[ColumnElement[str]] = []
    for column, name in zip(inner.c, names, strict=True):
        before = ("," if parts else "{") + json.dumps(name, ensure_ascii=False) + ":"
        parts.append(sa.literal(before) + func.coalesce(sa.cast(func.to_json(column), sa.Text), "null"))
    return select(functools.reduce(operator.add, parts) + sa.literal("}"))


class _Dialect(PGDialect_asyncpg):
    # In a session with `standard_conforming_strings`, as that of an export is, a backslash is a plain character.
    _backslash_escapes = False


_DIALECT: Final = _Dialect()  # type: ignore[no-untyped-call]


def as_text(statement: Select[Any]) -> str:
    """The statement with its values in it, because COPY takes no parameters."""
    return str(statement.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))


def _origin(listing: RowListing) -> list[ColumnElement[Any]]:
    row_id = listing.columns.id
    mine = Upload.tenant == listing.tenant, Upload.collection == listing.collection
    firsts = select(_array(Upload.first_id, sa.BigInteger())).where(*mine).scalar_subquery()
    uploads = select(_array(Upload.id, sa.Uuid())).where(*mine).scalar_subquery()
    position = func.width_bucket(row_id, firsts, type_=sa.Integer)
    return [
        row_id,
        sa.cast(uploads[position], sa.Text),
        row_id - firsts[position],
    ]


def _array(column: Any, type_: sa.types.TypeEngine[Any]) -> ColumnElement[Any]:
    ordered = aggregate_order_by(column, Upload.first_id)
    return cast("ColumnElement[Any]", func.array_agg(ordered, type_=ARRAY(type_)))


def _extra(column: ColumnElement[Any], file_format: ExportFormat) -> ColumnElement[Any]:
    return column if file_format is ExportFormat.JSONL else sa.cast(column, sa.Text)
