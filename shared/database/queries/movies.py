"""The listing of movies, in the order of one index.

A listing has two segments: first the movies that have the sort key, ordered by (key, id), then those without it,
ordered by id. Each segment is one range of an index that every partition has, in either direction, so a page costs its
own rows and not those of the table. The tenant is a literal in every statement: so the planner can skip the partitions
of other tenants by their CHECK constraint, which it cannot do for a parameter. What varies is a parameter, and the plan
is kept (`plan_cache_mode` in engine.py). What to do where an index has the order but not the filters is in `browsing`.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    UnaryExpression,
    bindparam,
    cast,
    func,
    select,
    tuple_,
)

from shared.catalog.tables.movies import TABLE
from shared.database.models import ROWS, CollectionTotal, Upload
from shared.database.queries.browsing.listing import MOVIES, Listing, beyond_range, in_range
from shared.database.queries.kept_rows import Columns, all_of, first_of, sources
from shared.database.queries.moments import sources_then
from shared.database.queries.versions import version_of
from shared.database.row_tables import sql_table
from shared.database.timing.statement_names import named


@named
def movies_with_key(listing: Listing, after: tuple[Any, int] | None, limit: int, offset: int) -> Select[Any]:
    """First segment: the movies after the pair (sort key, id) `after`, or all of them."""

    def part(movies: Columns) -> Select[Any]:
        key = movies[listing.sort_name]
        statement = select(*_shown(movies)).where(*_conditions(listing, movies), key.is_not(None))
        if after is not None:
            here, there = tuple_(key, movies.id), tuple_(bindparam(None, after[0], key.type), after[1])
            statement = statement.where(here < there if listing.is_descending else here > there)
        return statement

    return _page_of(listing, part, limit, offset)


@named
def movies_without_key(listing: Listing, after_id: int | None, limit: int, offset: int) -> Select[Any]:
    """Second segment: the movies whose sort key is unknown, after the id `after_id`, or all of them."""

    def part(movies: Columns) -> Select[Any]:
        key = movies[listing.sort_name]
        statement = select(*_shown(movies)).where(*_conditions(listing, movies), key.is_(None))
        if after_id is not None:
            statement = statement.where(movies.id < after_id if listing.is_descending else movies.id > after_id)
        return statement

    return _page_of(listing, part, limit, offset)


@named
def count_with_key(listing: Listing, at_most: int) -> Select[Any]:
    """The length of the first segment; it counts up to `at_most`."""
    movies = listing.movies
    is_in_first = movies[listing.sort_name].is_not(None)
    counted = _page(select(movies.id).where(*_conditions(listing, movies), is_in_first), at_most)
    return select(func.count()).select_from(counted.subquery())


@named
def movies_total(listing: Listing) -> Select[Any]:
    """How many movies the listing has, and at which version: from the stored totals, no row of `movies` is counted.

    Only those of an earlier moment are counted.
    """
    version = version_of(listing.tenant, TABLE.name).label("version")
    if listing.later is not None:
        counted = select(listing.movies.id).where(*_conditions(listing, listing.movies)).subquery()
        return select(func.count().label("total"), version).select_from(counted)
    conditions = [
        CollectionTotal.tenant == listing.tenant,
        CollectionTotal.table_name == TABLE.name,
        CollectionTotal.breakdown == ROWS,
    ]
    wanted = {"release_year": listing.release_year, "original_language": listing.language}
    for name, value in wanted.items():
        if value is not None:
            conditions.append(CollectionTotal.facets[name].astext == str(value))
    total = cast(func.coalesce(func.sum(CollectionTotal.row_count), 0), BigInteger).label("total")
    return select(total, version).where(*conditions)


@named
def movie_by_id(movie_id: int, tenant: str, collection: int) -> Select[Any]:
    """The movie, if it belongs to this collection of the tenant."""
    is_of_collection = MOVIES.collection == bindparam("collection", collection, literal_execute=True)
    of_id = MOVIES.id == bindparam("movie_id", movie_id, literal_execute=True)
    is_of_tenant = MOVIES.tenant == bindparam("tenant", tenant, literal_execute=True)
    return select(*MOVIES).where(is_of_tenant, is_of_collection, of_id)


@named
def source_of(movie_id: int, tenant: str) -> Select[*tuple[Any, ...]]:
    """`upload_id`, `upload_number`, `filename`, `dataset`, `first_id` and `collection` of the upload with this id."""
    columns = Upload.id.label("upload_id"), Upload.number.label("upload_number"), Upload.filename, Upload.dataset
    before = Upload.tenant == tenant, Upload.first_id <= movie_id
    return select(*columns, Upload.first_id, Upload.collection).where(*before).order_by(Upload.first_id.desc()).limit(1)


@named
def superseded_movie(movie_id: int, tenant: str) -> Select[int]:
    """The id again, if a movie with it was visible and a later upload has superseded it."""
    parts = [
        select(source.rows.c.id).where(*source.is_of(tenant, None), source.rows.c.id == movie_id)
        for source in sources(TABLE)
        if source.rows is not sql_table(TABLE)
    ]
    return select(all_of(parts, "superseded").c.id)


def _page(statement: Select[Any], limit: int, offset: int = 0) -> Select[Any]:
    """Literals, too: for an unknown number of rows the planner would assume a tenth of the table."""
    if offset:
        statement = statement.offset(bindparam("offset", offset, Integer, literal_execute=True))
    return statement.limit(bindparam("limit", limit, Integer, literal_execute=True))


def _conditions(listing: Listing, movies: Columns) -> list[ColumnElement[bool]]:
    return [*in_range(listing, movies), *beyond_range(listing, movies)]


def _page_of(listing: Listing, part: Callable[[Columns], Select[Any]], limit: int, offset: int) -> Select[Any]:
    """The page, from each table that the movies of an earlier moment are in, or from the only one."""
    if listing.later is None:
        return _page(_ordered(part(MOVIES), listing, MOVIES), limit, offset)
    parts = [
        _page(_ordered(part(source.rows.c).where(*of_then), listing, source.rows.c), limit + offset)
        for source, of_then in sources_then(TABLE, listing.later)
    ]
    return first_of(parts, lambda columns: _order(listing, columns), limit, offset)


def _shown(movies: Columns) -> list[ColumnElement[Any]]:
    return [movies[each.name] for each in MOVIES]


def _ordered(statement: Select[Any], listing: Listing, movies: Columns) -> Select[Any]:
    return statement.order_by(*_order(listing, movies))


def _order(listing: Listing, movies: Columns) -> list[UnaryExpression[Any]]:
    # The key is part of the order of the second segment, too, although it is always null there: only then does the
    # planner see that the index has this order.
    columns = (movies[listing.sort_name], movies.id)
    return [column.desc() if listing.is_descending else column.asc() for column in columns]
