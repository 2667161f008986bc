"""The rows of a collection: filtered, in any order, page by page.

The tenant and the collection are literals, so the planner opens the partitions of this collection only. Rows without a
value of a sort key come last in both directions; the id is the last key.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final
from typing import cast as cast_type

import sqlalchemy as sa
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Integer,
    Select,
    UnaryExpression,
    and_,
    bindparam,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from shared.catalog.row_filters import Filter, Operator, SortKey
from shared.catalog.table import Field, Table
from shared.database.models import ROWS, Collection, CollectionTotal, Upload
from shared.database.queries.kept_rows import Columns, first_of
from shared.database.queries.moments import Later, rows_then, sources_then
from shared.database.queries.versions import version_of
from shared.database.row_tables import sql_table
from shared.database.timing.statement_names import named

_BIGINTS: Final = ARRAY(BigInteger)
_COMPARISONS: Final[dict[Operator, Callable[[Any, Any], Any]]] = {
    Operator.EQUAL: operator.eq,
    Operator.AT_LEAST: operator.ge,
    Operator.AT_MOST: operator.le,
    Operator.MORE: operator.gt,
    Operator.LESS: operator.lt,
}


# No collection has this number: nothing has been loaded yet.
NO_COLLECTION: Final = 0


@lru_cache
def _no_rows(table: Table) -> sa.FromClause:
    columns = [sa.cast(sa.null(), column.type).label(column.name) for column in sql_table(table).columns]
    return select(*columns).where(false()).subquery(table.name)


@dataclass(frozen=True)
class RowListing:
    """Which rows of a collection, in which order, with which fields."""

    table: Table
    tenant: str
    collection: int
    filters: tuple[Filter, ...] = ()
    sort: tuple[SortKey, ...] = ()
    fields: tuple[Field, ...] = ()
    # as it was before all this was published; None for now
    later: Later | None = None

    @cached_property
    def rows(self) -> sa.FromClause:
        """The table. Before anything was loaded, that of a declared dataset does not exist yet."""
        if self.later is not None and self.collection != NO_COLLECTION:
            return rows_then(self.table, self.tenant, self.collection, self.later)
        return sql_table(self.table) if self.collection != NO_COLLECTION else _no_rows(self.table)

    @cached_property
    def columns(self) -> "ReadOnlyColumnCollection[str, Column[Any]]":
        """The columns of `rows`; those of a subquery have the same methods."""
        return cast_type("ReadOnlyColumnCollection[str, Column[Any]]", self.rows.c)

    @property
    def is_descending(self) -> bool:
        """Whether equal rows come in descending order of their ids: as those of the first key, for its index."""
        return bool(self.sort) and self.sort[0].is_descending

    @property
    def is_counted(self) -> bool:
        """Whether stored totals know how many there are: now, and every filter is on a facet."""
        return self.later is None and all(
            each.field.name in self.table.facets and each.operator in (Operator.EQUAL, Operator.NULL)
            for each in self.filters
        )


@named
def collection_number(tenant: str, table_name: str, dataset: str) -> Select[int]:
    """The number of the tenant's collection of this dataset, if anything was loaded into it."""
    mine = Collection.tenant == tenant, Collection.table_name == table_name, Collection.dataset == dataset
    return select(Collection.number).where(*mine)


@named
def rows_page(listing: RowListing, after: tuple[Any, ...] | None, limit: int, *, has_key: bool = True) -> Select[Any]:
    """The next rows after one with these values of the sort keys and this id, or the first ones.

    Of the rows that have the first sort key, or of those behind them that do not (`has_key`): an index has each of the
    two in order, and only together they are not.
    """
    if listing.later is None or listing.collection == NO_COLLECTION:
        return _page(listing, listing.columns, after, limit, has_key=has_key)
    parts = [
        _page(listing, source.rows.c, after, limit, has_key=has_key).where(*of_then)
        for source, of_then in sources_then(listing.table, listing.later)
    ]
    return first_of(parts, lambda columns: _page_order(listing, [columns[name] for name in _keys(listing)]), limit)


def _page(
    listing: RowListing, columns: Columns, after: tuple[Any, ...] | None, limit: int, *, has_key: bool
) -> Select[Any]:
    """The page from the table with these columns."""
    shown = [columns[field.name] for field in listing.fields]
    keys = [columns[key.field.name] for key in listing.sort]
    labelled = [key.label(name) for key, name in zip(keys, _keys(listing), strict=False)]
    statement = select(columns.id, *shown, columns.extra, *labelled).where(*conditions(listing, columns))
    if listing.sort:
        statement = statement.where(keys[0].is_not(None) if has_key else keys[0].is_(None))
    if after is not None:
        statement = statement.where(_is_after(listing, columns, after))
    order = _page_order(listing, [*keys, columns.id])
    return statement.order_by(*order).limit(bindparam("limit", limit, Integer, literal_execute=True))


def _keys(listing: RowListing) -> list[str]:
    """What the keys of the order are called in a page."""
    return [*(f"key_{position}" for position in range(len(listing.sort))), "id"]


def _page_order(listing: RowListing, keys: Sequence[Any]) -> list[UnaryExpression[Any]]:
    order = _order(listing, keys)
    if listing.sort:
        # The planner knows the order of an index, which has no nulls here, only without a word about them.
        order[0] = _directed(listing.is_descending, keys[0])
    return order


def row_order(listing: RowListing) -> list[UnaryExpression[Any]]:
    """The sort keys, rows without a value last, then the id."""
    return _order(listing, [*(listing.columns[key.field.name] for key in listing.sort), listing.columns.id])


def _order(listing: RowListing, keys: Sequence[Any]) -> list[UnaryExpression[Any]]:
    *values, row_id = keys
    directed = [
        _directed(key.is_descending, value).nulls_last() for key, value in zip(listing.sort, values, strict=True)
    ]
    return [*directed, _directed(listing.is_descending, row_id)]


@named
def rows_count(listing: RowListing) -> Select[Any]:
    """How many rows there are, and at which version: from stored totals if these know it, otherwise counted."""
    version = version_of(listing.tenant, listing.table.name).label("version")
    if not listing.is_counted:
        counted = select(literal(1)).select_from(listing.rows).where(*conditions(listing)).subquery()
        return select(func.count().label("total"), version).select_from(counted)
    stored_for = [
        CollectionTotal.tenant == listing.tenant,
        CollectionTotal.table_name == listing.table.name,
        CollectionTotal.collection == listing.collection,
        CollectionTotal.breakdown == ROWS,
    ]
    for each in listing.filters:
        stored = CollectionTotal.facets[each.field.name].astext
        is_null = each.operator is Operator.NULL
        stored_for.append((stored.is_(None) == each.value) if is_null else stored == _as_facet(each.value))
    total = cast(func.coalesce(func.sum(CollectionTotal.row_count), 0), BigInteger).label("total")
    return select(total, version).where(*stored_for)


@named
def sources_of(ids: list[int], tenant: str) -> Select[Any]:
    """Rows of `id`, `upload_id` and `first_id`: the upload that each id belongs to."""
    given = func.unnest(cast(ids, _BIGINTS)).table_valued("id").render_derived()
    found = (
        select(Upload.id.label("upload_id"), Upload.first_id)
        .where(Upload.tenant == tenant, Upload.first_id <= given.c.id)
        .order_by(Upload.first_id.desc())
        .limit(1)
        .lateral("found")
    )
    return select(given.c.id, found.c.upload_id, found.c.first_id).select_from(given).join(found, true())


def conditions(listing: RowListing, columns: Columns | None = None) -> list[ColumnElement[bool]]:
    """What a row of the listing fulfils. `columns`: those of the table that is asked, by default of all its rows."""
    columns = listing.columns if columns is None else columns
    return [
        columns.tenant == bindparam("tenant", listing.tenant, literal_execute=True),
        columns.collection == bindparam("collection", listing.collection, literal_execute=True),
        *(_condition(columns[each.field.name], each) for each in listing.filters),
    ]


def _condition(column: Column[Any], wanted: Filter) -> ColumnElement[bool]:
    value = wanted.value
    match wanted.operator:
        case Operator.PREFIX:
            return column.startswith(value, autoescape=True)
        case Operator.HAS:
            has: ColumnElement[bool] = column.contains([value])  # what an index of lists serves
            return has
        case Operator.NULL:
            return column.is_(None) if value else column.is_not(None)
        case compared:
            condition: ColumnElement[bool] = _COMPARISONS[compared](column, value)
            return condition


def _is_after(listing: RowListing, columns: Columns, after: tuple[Any, ...]) -> ColumnElement[bool]:
    """Rows behind one: equal in the first keys and behind it in the next one."""
    *values, last_id = after
    behind_id = columns.id < last_id if listing.is_descending else columns.id > last_id
    if len(listing.sort) == 1 and values[0] is not None:  # one range of an index
        column = columns[listing.sort[0].field.name]
        here, there = tuple_(column, columns.id), tuple_(bindparam(None, values[0], column.type), last_id)
        return here < there if listing.is_descending else here > there
    alternatives: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for key, value in zip(listing.sort, values, strict=True):
        column = columns[key.field.name]
        bound = bindparam(None, value, column.type)
        alternatives.append(and_(*equal, _is_behind(column, key, value, bound)))
        equal.append(column.is_(None) if value is None else column == bound)
    return or_(*alternatives, and_(*equal, behind_id))


def _is_behind(column: Column[Any], key: SortKey, value: Any, bound: ColumnElement[Any]) -> ColumnElement[bool]:
    if value is None:  # rows without a value are the last ones
        return false()
    return or_(column < bound if key.is_descending else column > bound, column.is_(None))


def _directed(is_descending: bool, column: Column[Any]) -> UnaryExpression[Any]:
    return column.desc() if is_descending else column.asc()


def _as_facet(value: Any) -> str:
    """A value as the stored facets spell it, which are JSON."""
    return str(value).lower() if isinstance(value, bool) else str(value)
