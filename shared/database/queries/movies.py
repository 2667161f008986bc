"""The listing of movies.

A listing has two segments: first the movies that have the sort key, ordered by (key, id), then those without it,
ordered by id. Each segment is one range of an index that every partition has, in either direction, so a page costs its
own rows and not those of the table. The tenant is a literal in every statement: so the planner can skip the partitions
of other tenants by their CHECK constraint, which it cannot do for a parameter. What varies is a parameter, and the plan
is kept (`plan_cache_mode` in engine.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

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

from shared.catalog.language_codes import language_number
from shared.catalog.tables.movies import TABLE
from shared.database.models import CollectionTotal, Upload
from shared.database.queries.kept_rows import Columns, first_of
from shared.database.queries.moments import Later, rows_then, sources_then
from shared.database.queries.versions import version_of
from shared.database.row_tables import sql_table

SortBy = Literal["release_date", "vote_average"]

MOVIES: Final = sql_table(TABLE).c
_SORT_KEYS: Final = {"release_date": "release_order", "vote_average": "vote_average"}


@dataclass(frozen=True)
class Listing:
    """Which movies in which order; None for `release_year` or `language` means any."""

    tenant: str
    release_year: int | None = None
    language: str | None = None
    sort_by: SortBy = "release_date"
    is_descending: bool = True
    # as it was before all this was published; None for now
    later: Later | None = None

    @cached_property
    def movies(self) -> Columns:
        """The columns of all movies, to count them."""
        return MOVIES if self.later is None else rows_then(TABLE, self.tenant, None, self.later).c

    @property
    def sort_name(self) -> str:
        """Name of the column that the listing is sorted by before the id."""
        return _SORT_KEYS[self.sort_by]

    @property
    def has_movies_without_key(self) -> bool:
        """Whether the second segment can contain movies: a movie with a known year has a release key."""
        return not (self.sort_by == "release_date" and self.release_year is not None)


def movies_with_key(listing: Listing, after: tuple[float, int] | None, limit: int, offset: int) -> Select[Any]:
    """First segment: the movies after the pair (sort key, id) `after`, or all of them."""

    def part(movies: Columns) -> Select[Any]:
        key = movies[listing.sort_name]
        statement = select(*_shown(movies)).where(*_conditions(listing, movies), key.is_not(None))
        if after is not None:
            here, there = tuple_(key, movies.id), tuple_(bindparam(None, after[0], key.type), after[1])
            statement = statement.where(here < there if listing.is_descending else here > there)
        return statement

    return _page_of(listing, part, limit, offset)


def movies_without_key(listing: Listing, after_id: int | None, limit: int, offset: int) -> Select[Any]:
    """Second segment: the movies whose sort key is unknown, after the id `after_id`, or all of them."""

    def part(movies: Columns) -> Select[Any]:
        key = movies[listing.sort_name]
        statement = select(*_shown(movies)).where(*_conditions(listing, movies), key.is_(None))
        if after_id is not None:
            statement = statement.where(movies.id < after_id if listing.is_descending else movies.id > after_id)
        return statement

    return _page_of(listing, part, limit, offset)


def count_with_key(listing: Listing, at_most: int) -> Select[Any]:
    """The length of the first segment; it counts up to `at_most`."""
    movies = listing.movies
    is_in_first = movies[listing.sort_name].is_not(None)
    counted = _page(select(movies.id).where(*_conditions(listing, movies), is_in_first), at_most)
    return select(func.count()).select_from(counted.subquery())


def movies_total(listing: Listing) -> Select[Any]:
    """How many movies the listing has, and at which version: from the stored totals, no row of `movies` is counted.

    Only those of an earlier moment are counted.
    """
    version = version_of(listing.tenant, TABLE.name).label("version")
    if listing.later is not None:
        counted = select(listing.movies.id).where(*_conditions(listing, listing.movies)).subquery()
        return select(func.count().label("total"), version).select_from(counted)
    conditions = [CollectionTotal.tenant == listing.tenant, CollectionTotal.table_name == TABLE.name]
    wanted = {"release_year": listing.release_year, "original_language": listing.language}
    for name, value in wanted.items():
        if value is not None:
            conditions.append(CollectionTotal.facets[name].astext == str(value))
    total = cast(func.coalesce(func.sum(CollectionTotal.row_count), 0), BigInteger).label("total")
    return select(total, version).where(*conditions)


def movie_by_id(movie_id: int, tenant: str, collection: int) -> Select[Any]:
    """The movie, if it belongs to this collection of the tenant."""
    is_of_collection = MOVIES.collection == bindparam("collection", collection, literal_execute=True)
    of_id = MOVIES.id == bindparam("movie_id", movie_id, literal_execute=True)
    is_of_tenant = MOVIES.tenant == bindparam("tenant", tenant, literal_execute=True)
    return select(*MOVIES).where(is_of_tenant, is_of_collection, of_id)


def source_of(movie_id: int, tenant: str) -> Select[*tuple[Any, ...]]:
    """`upload_id`, `upload_number`, `filename`, `first_id` and `collection` of the upload that the id belongs to."""
    columns = Upload.id.label("upload_id"), Upload.number.label("upload_number"), Upload.filename
    before = Upload.tenant == tenant, Upload.first_id <= movie_id
    return select(*columns, Upload.first_id, Upload.collection).where(*before).order_by(Upload.first_id.desc()).limit(1)


def _page(statement: Select[Any], limit: int, offset: int = 0) -> Select[Any]:
    """Literals, too: for an unknown number of rows the planner would assume a tenth of the table."""
    if offset:
        statement = statement.offset(bindparam("offset", offset, Integer, literal_execute=True))
    return statement.limit(bindparam("limit", limit, Integer, literal_execute=True))


def _conditions(listing: Listing, movies: Columns) -> list[ColumnElement[bool]]:
    conditions = [movies.tenant == bindparam("tenant", listing.tenant, literal_execute=True)]
    if listing.language is not None:
        conditions.append(movies.language_number == language_number(listing.language))
    if listing.release_year is not None and listing.sort_by == "release_date":
        # the same movies as by release_year, but a range of the same index that gives the order
        january, december = listing.release_year * 10_000, listing.release_year * 10_000 + 1231
        conditions.append(movies.release_order.between(january, december))
    elif listing.release_year is not None:
        conditions.append(movies.release_year == listing.release_year)
    return conditions


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
