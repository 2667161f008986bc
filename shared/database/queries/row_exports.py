"""All rows of a listing in one statement: for each its fields, `_id`, `_upload_id`, `_line` and `_extra`.

One statement sees one moment. The uploads of the collection are two arrays in the same statement, so finding the upload
of a row is a binary search in memory and no lookup in a table.
"""

from collections.abc import Callable
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.dialects.postgresql import ARRAY, JSON, aggregate_order_by
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from shared.catalog.export_formats import ExportFormat
from shared.catalog.table import FieldType
from shared.database.models import Upload
from shared.database.queries.rows import RowListing, conditions, row_order
from shared.database.row_tables import sql_table

_Cell = Callable[[ColumnElement[Any]], ColumnElement[Any]]

# What PostgreSQL's own text of a value is not: lists are JSON, flags `true` and `false`.
_CSV_CELLS: Final[dict[FieldType, _Cell]] = {
    FieldType.TEXTS: func.array_to_json,
    FieldType.BOOLEAN: lambda column: sa.cast(column, sa.Text),
    # 2001-02-03T04:05:06+00:00
    FieldType.TIMESTAMP: lambda column: func.to_json(column, type_=JSON)[()].astext,
}


def rows_exported(listing: RowListing, file_format: ExportFormat) -> Select[Any]:
    """The columns of a file, in its order; for JSON lines one column with the whole row."""
    columns = sql_table(listing.table).c
    cells = _CSV_CELLS if file_format is ExportFormat.CSV else {}
    shown = [
        cells[field.type](columns[field.name]).label(field.name) if field.type in cells else columns[field.name]
        for field in listing.fields
    ]
    rows = select(*shown, *_origin(listing), _extra(columns.extra, file_format))
    rows = rows.where(*conditions(listing)).order_by(*row_order(listing))
    if file_format is not ExportFormat.JSONL:
        return rows
    return select(func.row_to_json(rows.subquery("exported").table_valued()))


class _Dialect(PGDialect_asyncpg):
    # In a session with `standard_conforming_strings`, as that of an export is, a backslash is a plain character.
    _backslash_escapes = False


_DIALECT: Final = _Dialect()  # type: ignore[no-untyped-call]


def as_text(statement: Select[Any]) -> str:
    """The statement with its values in it, because COPY takes no parameters."""
    return str(statement.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))


def _origin(listing: RowListing) -> list[ColumnElement[Any]]:
    row_id = sql_table(listing.table).c.id
    mine = Upload.tenant == listing.tenant, Upload.collection == listing.collection
    firsts = select(_array(Upload.first_id, sa.BigInteger())).where(*mine).scalar_subquery()
    uploads = select(_array(Upload.id, sa.Uuid())).where(*mine).scalar_subquery()
    position = func.width_bucket(row_id, firsts, type_=sa.Integer)
    return [
        row_id.label("_id"),
        sa.cast(uploads[position], sa.Text).label("_upload_id"),
        (row_id - firsts[position]).label("_line"),
    ]


def _array(column: Any, type_: sa.types.TypeEngine[Any]) -> ColumnElement[Any]:
    ordered = aggregate_order_by(column, Upload.first_id)
    return cast("ColumnElement[Any]", func.array_agg(ordered, type_=ARRAY(type_)))


def _extra(column: ColumnElement[Any], file_format: ExportFormat) -> ColumnElement[Any]:
    shown = column if file_format is ExportFormat.JSONL else sa.cast(column, sa.Text)
    return shown.label("_extra")
