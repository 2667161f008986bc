"""The listing of movies where few of them pass the filters: all of these are found by an index, and put in order."""

from dataclasses import replace
from typing import Any, Final

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Select,
    UnaryExpression,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from shared.catalog.tables.movies import TABLE
from shared.database.queries.browsing.bounded_scans import POSITION, SORT_KEY, Position, is_behind
from shared.database.queries.browsing.joined_ratings import by_votes, has_no_own_votes, latest_rating, of_tenant
from shared.database.queries.browsing.listing import MOVIES, Listing, beyond_range, in_range
from shared.database.queries.kept_rows import Columns
from shared.database.row_tables import tenant_view
from shared.database.timing.statement_names import named, planner_setting

# To be sent before `collected`. The database notes which rows an index finds; in less memory than some hundred thousand
# of them need, it would note their pages only, and look at each row of these. And how many rows have a value decides
# which index is best.
FOR_MANY_ROWS: Final = planner_setting(
    "SELECT set_config('work_mem', '32MB', true), set_config('plan_cache_mode', 'force_custom_plan', true)"
)

_TOTAL: Final = "total"
_FOUND: Final = tenant_view(TABLE).c


@named
def collected(listing: Listing, after: Position | None, limit: int, offset: int) -> Select[Any]:
    """The movies after `after`, each with the `total` of all; one row with `id` null if there are none.

    A position with the sort key None is that of a movie in the second segment.
    """
    found = _found(listing)
    page = select(found).order_by(*_order(listing, found.c)).limit(_literal("limit", limit))
    if offset:
        page = page.offset(_literal("offset", offset))
    if after is not None:
        page = page.where(_is_after(listing, found.c, after))
    first = page.subquery("first")
    total = select(func.count().label(_TOTAL)).select_from(found).subquery("counted")
    of_page = and_(of_tenant(MOVIES, listing.tenant), MOVIES.id == first.c.id, MOVIES.collection == first.c.collection)
    rows = (
        select(*(MOVIES[each.name] for each in MOVIES), first.c[SORT_KEY], first.c[POSITION])
        .select_from(first)
        .join(MOVIES.id.table, of_page)
        .subquery("page")
    )
    return (
        select(total.c[_TOTAL], rows)
        .select_from(total)
        .join(rows, true(), isouter=True)
        .order_by(*_order(listing, rows.c))
    )


def _found(listing: Listing) -> CTE:
    """`id`, `collection`, `sort_key` and `position` of all movies that pass, found once."""
    parts = [_keys(listing, conditions) for conditions in _conditions(listing)]
    found = parts[0] if len(parts) == 1 else union_all(*parts)
    return found.cte("found").prefix_with("MATERIALIZED", dialect="postgresql")


def _conditions(listing: Listing) -> list[list[ColumnElement[bool]]]:
    """Of each kind of movies: with ratings, the least votes are those of a movie itself, or those of its rating."""
    least = listing.filters.min_votes
    if least is None or not listing.is_rated:
        return [[*in_range(listing, _FOUND), *beyond_range(listing, _FOUND, by_index=True)]]
    others = replace(listing, filters=replace(listing.filters, min_votes=None))
    shared = [*in_range(others, _FOUND), *beyond_range(others, _FOUND, by_index=True)]
    return [[*shared, *of_kind] for of_kind in by_votes(_FOUND, listing.tenant, least)]


def _keys(listing: Listing, conditions: list[ColumnElement[bool]]) -> Select[Any]:
    key: ColumnElement[Any] = _FOUND[listing.sort_name]
    movie = _FOUND.id, _FOUND.collection
    if not listing.is_joined:
        return select(*movie, key.label(SORT_KEY), _FOUND.id.label(POSITION)).where(*conditions)
    rating = latest_rating(_FOUND, listing.tenant)
    is_theirs = has_no_own_votes(_FOUND)
    keys = case((is_theirs, rating.c[listing.sort_name]), else_=key).label(SORT_KEY)
    positions = case((is_theirs, rating.c.id), else_=_FOUND.id).label(POSITION)
    with_rating = _FOUND.id.table.join(rating, true(), isouter=True)
    return select(*movie, keys, positions).select_from(with_rating).where(*conditions)


def _is_after(listing: Listing, columns: Columns, after: Position) -> ColumnElement[bool]:
    key, position, movie_id = after
    has_no_key = columns[SORT_KEY].is_(None)
    if key is None:
        return and_(has_no_key, is_behind(listing, columns.id, movie_id))
    here = tuple_(columns[SORT_KEY], columns[POSITION], columns.id)
    there = tuple_(bindparam(None, key, columns[SORT_KEY].type), position, movie_id)
    return or_(has_no_key, is_behind(listing, here, there))


def _order(listing: Listing, columns: Columns) -> list[UnaryExpression[Any]]:
    """Of movies without a key, the position does not count: it may be that of a rating without one."""
    position = case((columns[SORT_KEY].is_not(None), columns[POSITION]))
    keys = columns[SORT_KEY], position, columns.id
    directed = [key.desc() if listing.is_descending else key.asc() for key in keys]
    return [directed[0].nulls_last(), *directed[1:]]


def _literal(name: str, value: int) -> Any:
    return bindparam(name, value, Integer, literal_execute=True)
