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
from sqlalchemy.schema import CreateColumn
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
    columns = [
        sa.Column(field.name, _SQL_TYPES[field.type], nullable=not field.required) for field in stored_fields(table)
    ]
    extra = sa.Column("extra", JSONB, nullable=True)
    return sa.Table(table.name, sa.MetaData(), *columns, extra, postgresql_partition_by="LIST (tenant)")


def sql_type(table: Table, field: str) -> str:
    """The type of a column as SQL spells it."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return str(sql_table(table).columns[field].type.compile(dialect=dialect))


def column_definitions(table: Table) -> list[str]:
    """The columns as CREATE TABLE has them.

    A partition is not created LIKE its parent: there, the columns are in the order in which migrations added them.
    """
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return [str(CreateColumn(column).compile(dialect=dialect)) for column in sql_table(table).columns]
