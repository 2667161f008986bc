"""The rows of a collection wherever they are: those that readers see, and those whose place others have taken.

The planner knows no order of rows from several tables, and would read them all to find the first ones. So who wants
these asks each table for its first ones, by its index, and then takes the first of all (`first_of`). The tenant and the
collection are literals, as in `rows`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    TableClause,
    UnaryExpression,
    bindparam,
    cast,
    null,
    select,
    union_all,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from shared.catalog.table import Table
from shared.database.row_tables import history_table, sql_table, superseded_table
from shared.database.timing.statement_names import named

Columns = ReadOnlyColumnCollection[str, Any]


@dataclass(frozen=True)
class Source:
    """One of the tables that rows may be in. `superseded_by`: null in those that readers see."""

    table: Table
    rows: FromClause
    superseded_by: ColumnElement[Any]

    @property
    def columns(self) -> list[ColumnElement[Any]]:
        """All columns of a row, in the same order for each source, `superseded_by` as the last one."""
        return [*(self.rows.c[each.name] for each in sql_table(self.table).columns), self.superseded_by]

    def is_of(self, tenant: str, collection: int | None) -> list[ColumnElement[bool]]:
        """Whether a row belongs to a collection (None: to any of the tenant's)."""
        is_of_tenant = self.rows.c.tenant == bindparam("tenant", tenant, literal_execute=True)
        if collection is None:
            return [is_of_tenant]
        return [is_of_tenant, self.rows.c.collection == bindparam("collection", collection, literal_execute=True)]


def sources(table: Table, waiting: str | None = None) -> list[Source]:
    """The tables of rows. `waiting`: the table of a planned upload, if its rows count as well."""
    visible: list[FromClause] = [sql_table(table), *([] if waiting is None else [_waiting(table, waiting)])]
    nobody: ColumnElement[Any] = cast(null(), BigInteger).label("superseded_by")
    superseded = (superseded_table(table), history_table(table))
    return [
        *(Source(table, each, nobody) for each in visible),
        *(Source(table, each, each.c.superseded_by) for each in superseded),
    ]


def all_of(parts: Sequence[Select[Any]], name: str) -> FromClause:
    """The rows of several statements with the same columns."""
    return union_all(*parts).subquery(name)


@named
def first_of(
    parts: Sequence[Select[Any]], order: Callable[[Columns], list[UnaryExpression[Any]]], limit: int, offset: int = 0
) -> Select[Any]:
    """The first rows of several statements that have the same columns, and so many rows in the same order."""
    merged = union_all(*(select(part.subquery()) for part in parts)).subquery("merged")
    # of another name than the limit of each part, which is another one if rows are skipped
    first = bindparam("merged_limit", limit, Integer, literal_execute=True)
    statement = select(merged).order_by(*order(merged.c)).limit(first)
    return statement.offset(offset) if offset else statement


def _waiting(table: Table, name: str) -> TableClause:
    return sa.table(name, *(sa.column(each.name, each.type) for each in sql_table(table).columns))
