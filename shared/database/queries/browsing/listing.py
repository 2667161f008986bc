"""What a listing of movies is: which movies in which order, and what of that the index of the order serves."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from sqlalchemy import ColumnElement, bindparam

from shared.catalog.language_codes import language_number
from shared.catalog.tables.movies import TABLE
from shared.database.queries.browsing.joined_ratings import VOTE_FIELDS, has_votes, of_tenant
from shared.database.queries.browsing.movie_filters import (
    NO_FILTERS,
    MovieFilters,
    of_type,
    of_upload,
    of_years,
    own_conditions,
)
from shared.database.queries.kept_rows import Columns
from shared.database.queries.moments import Later, rows_then
from shared.database.record_ids import is_large
from shared.database.row_tables import sql_table

SortBy = Literal["release_date", "vote_average", "title", "popularity", "runtime"]

MOVIES: Final = sql_table(TABLE).c
_SORT_KEYS: Final = {
    "release_date": "release_order",
    "vote_average": "vote_average",
    "title": "title_key",
    "popularity": "vote_count",
    "runtime": "runtime",
}
# The orders whose indexes also begin with a year or a language.
_WITH_YEAR_AND_LANGUAGE: Final = ("release_date", "vote_average")


@dataclass(frozen=True)
class Listing:
    """Which movies in which order; None for `release_year` or `language` means any.

    `collections`: those that have all movies of the listing, None if that is not known. `is_rated`: the tenant has
    ratings, which movies without votes of their own take theirs from; `unvoted`: the collections that have all such
    movies of the listing, None if that is not known.
    """

    tenant: str
    release_year: int | None = None
    language: str | None = None
    sort_by: SortBy = "release_date"
    is_descending: bool = True
    # as it was before all this was published; None for now
    later: Later | None = None
    filters: MovieFilters = NO_FILTERS
    collections: tuple[int, ...] | None = None
    is_rated: bool = False
    unvoted: tuple[int, ...] | None = None

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
        bounds_release = self.release_year is not None or self.filters.has_years
        bounds_votes = self.filters.min_votes is not None
        is_bounded = {"release_date": bounds_release, "popularity": bounds_votes, "title": True}
        return not is_bounded.get(self.sort_by, False)

    @property
    def is_joined(self) -> bool:
        """Whether the sort key of some movies is in `ratings`."""
        return self.is_rated and self.sort_name in VOTE_FIELDS

    @cached_property
    def is_one_range(self) -> bool:
        """Whether each segment is one range of an index: nothing but the range has to be looked at."""
        return not self.is_joined and not beyond_range(self, MOVIES)


def in_range(listing: Listing, movies: Columns) -> list[ColumnElement[bool]]:
    """The conditions that the index of the order serves."""
    conditions = [of_tenant(movies, listing.tenant), *of_collections(listing, movies)]
    if _has_partition(listing):
        conditions += of_upload(listing.filters, movies)
    if listing.sort_by in _WITH_YEAR_AND_LANGUAGE:
        conditions += _of_year_and_language(listing, movies)
    if listing.sort_by == "release_date":
        conditions += of_years(listing.filters, movies)
    if listing.sort_by == "title":
        conditions += of_type(listing.filters, movies)
    return conditions


def beyond_range(listing: Listing, movies: Columns, *, by_index: bool = False) -> list[ColumnElement[bool]]:
    """All other conditions; `by_index`: of `tenant_view`, whose indexes find words."""
    filters = listing.filters
    conditions = list(own_conditions(filters, movies, listing.tenant, by_index=by_index))
    if not _has_partition(listing):
        conditions += of_upload(filters, movies)
    if listing.sort_by not in _WITH_YEAR_AND_LANGUAGE:
        conditions += _of_year_and_language(listing, movies)
    if listing.sort_by != "release_date":
        conditions += of_years(filters, movies)
    if listing.sort_by != "title":
        conditions += of_type(filters, movies)
    if filters.min_votes is not None:
        conditions.append(has_votes(movies, listing.tenant, filters.min_votes, is_rated=listing.is_rated))
    return conditions


def of_collections(listing: Listing, movies: Columns) -> Iterator[ColumnElement[bool]]:
    """Literals, so that the planner opens the partitions of these collections only."""
    filters = listing.filters
    chosen = listing.collections if filters.collection is None else (filters.collection,)
    if chosen is not None:
        yield _one_of("collections", movies, chosen)


def of_unvoted(listing: Listing, movies: Columns) -> Iterator[ColumnElement[bool]]:
    """The same for the movies that may have no votes of their own."""
    if listing.unvoted is None:
        yield from of_collections(listing, movies)
    else:
        yield _one_of("unvoted", movies, listing.unvoted)


def _one_of(name: str, movies: Columns, collections: tuple[int, ...]) -> ColumnElement[bool]:
    is_one: ColumnElement[bool] = movies.collection.in_(
        bindparam(name, collections, expanding=True, literal_execute=True)
    )
    return is_one


def _has_partition(listing: Listing) -> bool:
    """Whether the movies are those of a large upload: nearly all entries of its partition's indexes are theirs."""
    upload = listing.filters.upload
    return upload is not None and is_large(upload.first_id)


def _of_year_and_language(listing: Listing, movies: Columns) -> Iterator[ColumnElement[bool]]:
    if listing.language is not None:
        yield movies.language_number == language_number(listing.language)
    if listing.release_year is not None and listing.sort_by == "release_date":
        # the same movies as by release_year, but a range of the same index that gives the order
        january, december = listing.release_year * 10_000, listing.release_year * 10_000 + 1231
        yield movies.release_order.between(january, december)
    elif listing.release_year is not None:
        yield movies.release_year == listing.release_year
