"""The tables of `shared.catalog.tables` as PostgreSQL has them.

Columns of fixed width come first and the widest before the others, so that no row has padding between them, and
building an index need not step over texts.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.schema import CreateColumn, SchemaItem
from sqlalchemy.types import TypeEngine

from shared.catalog.table import Field, FieldType, Table

_SQL_TYPES: Final[dict[FieldType, TypeEngine[Any]]] = {
    FieldType.BIGINT: sa.BigInteger(),
    FieldType.DOUBLE: sa.Double(),
    FieldType.TIMESTAMP: sa.DateTime(timezone=True),
    FieldType.INTEGER: sa.Integer(),
    FieldType.DATE: sa.Date(),
    FieldType.SMALLINT: sa.SmallInteger(),
    FieldType.BOOLEAN: sa.Boolean(),
    FieldType.TEXT: sa.Text(),
    FieldType.TEXTS: ARRAY(sa.Text()),
}
_ID: Final = Field("id", FieldType.BIGINT, "See `record_ids`", required=True)
_COLLECTION: Final = Field("collection", FieldType.INTEGER, "See `models.collections`", required=True)
_TENANT: Final = Field("tenant", FieldType.TEXT, "Whose row it is", required=True)


def stored_fields(table: Table) -> Iterator[Field]:
    """All fields of a row but `extra`, which is the last one, in the order of the columns."""
    fixed = [field for field in (_ID, _COLLECTION, *table.fields) if field.type.bytes]
    yield from sorted(fixed, key=lambda field: -field.type.bytes)
    yield _TENANT
    yield from (field for field in table.fields if not field.type.bytes)


@lru_cache
def sql_table(table: Table) -> sa.Table:
    """The table that readers ask; its rows are in the partitions of its tenants (see `partitions`)."""
    return sa.Table(table.name, sa.MetaData(), *_columns(table), postgresql_partition_by="LIST (tenant)")


@lru_cache
def tenant_view(table: Table) -> sa.Table:
    """The rows of the table that belong to the tenant of the transaction.

    Policies let no index serve an operator that is not leakproof, as `@>` of lists and `@@` of words. The view has the
    same condition, but as one of the statement, so in it they are served.
    """
    return sa.Table(f"{table.name}_of_tenant", sa.MetaData(), *_columns(table))


@lru_cache
def superseded_table(table: Table) -> sa.Table:
    """The table of leaves that were superseded (see `superseded_rows`)."""
    return _with_successor(table, superseded_name(table.name), postgresql_partition_by="LIST (tenant)")


@lru_cache
def history_table(table: Table) -> sa.Table:
    """The table of single rows that were superseded (see `superseded_rows`)."""
    name = history_name(table.name)
    key = sa.PrimaryKeyConstraint("id", name=f"pk_{name}")
    return _with_successor(table, name, key, sa.Index(f"ix_{name}_superseded_by", "superseded_by"))


def superseded_name(table: str) -> str:
    """Name of the table of superseded leaves."""
    return f"{table}_superseded"


def history_name(table: str) -> str:
    """Name of the table of single superseded rows."""
    return f"{table}_history"


def _with_successor(table: Table, name: str, *constraints: SchemaItem, **options: Any) -> sa.Table:
    superseded_by = sa.Column("superseded_by", sa.BigInteger, nullable=False)
    return sa.Table(name, sa.MetaData(), *_columns(table), superseded_by, *constraints, **options)


def _columns(table: Table) -> Iterator[sa.Column[Any]]:
    for field in stored_fields(table):
        yield sa.Column(field.name, _sql_type_of(field), nullable=not field.required)
    yield sa.Column("extra", JSONB, nullable=True)


def _sql_type_of(field: Field) -> TypeEngine[Any]:
    """Internal texts are compared by their bytes, so an index finds what they begin with, whatever the locale."""
    is_compared = field.is_internal and field.type is FieldType.TEXT
    return sa.Text(collation="C") if is_compared else _SQL_TYPES[field.type]


def words_of(table: Table, prefix: str = "") -> str:
    """SQL for the words that find a row, as the full-text index has them; `prefix`: that of the columns, with a dot."""
    lists = (f"string_to_array({prefix}{name}, ' ')" for name in table.words)
    return f"array_to_tsvector({' || '.join(lists)})"


def text_words(column: str) -> str:
    """SQL for the words of a running text, as its index has them. The function is a migration's."""
    return f"plain_words({column})"


def sql_type(table: Table, field: str) -> str:
    """The type of a column as SQL spells it."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return str(sql_table(table).columns[field].type.compile(dialect=dialect))


def column_definitions(table: Table) -> list[str]:
    """The columns as CREATE TABLE has them.

    A partition is not created LIKE its parent: there, the columns are in the order in which migrations added them.
    """
    return _definitions(sql_table(table))


def history_definitions(table: Table) -> list[str]:
    """The columns of a table of superseded rows."""
    return _definitions(history_table(table))


def _definitions(table: sa.Table) -> list[str]:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return [str(CreateColumn(column).compile(dialect=dialect)) for column in table.columns]
