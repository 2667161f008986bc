"""What kept sums know about a listing of movies before a row is read: how many pass its filters, in which collections.

A filter says nothing of the others: of several ones, kept sums tell only how many movies pass each. But a collection
without a movie for one of them has none for all of them, and in such collections nothing has to be looked for.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    ScalarSelect,
    Select,
    Text,
    cast,
    exists,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.catalog.table import Table
from shared.catalog.tables.credits import TABLE as CREDITS
from shared.catalog.tables.movies import TABLE as MOVIES
from shared.catalog.tables.people import TABLE as PEOPLE
from shared.catalog.tables.ratings import TABLE as RATINGS
from shared.database.models import ROWS, Collection, CollectionTotal, Upload
from shared.database.queries.browsing.listing import Listing
from shared.database.queries.browsing.movie_filters import OfUpload
from shared.database.state_machine import UploadState
from shared.database.timing.statement_names import named

_MEANS: Final = "rating"


@named
def kept_counts(listing: Listing) -> Select[*tuple[Any, ...]]:
    """One row, see `Kept`; `version`: another one with each change of rows that a listing reads.

    Not for a listing of an earlier moment, of which it knows only `datasets`.
    """
    counts = func.jsonb_build_object(*(each for group in _counts(listing) for each in group), type_=JSONB)
    datasets = func.jsonb_object_agg(cast(Collection.number, Text), Collection.dataset)
    version = _version(listing.tenant).label("version")
    return select(
        _by_collection(listing, ROWS, []).label("held"),
        _by_collection(listing, _MEANS, []).label("voted"),
        counts.label("counts"),
        _has_ratings(listing).label("is_rated"),
        _of_collections(listing.tenant, datasets, MOVIES, RATINGS).label("datasets"),
        version,
    )


@named
def kept_version(tenant: str) -> Select[Any]:
    """The same `version`, which tells whether anything of it has changed."""
    return select(_version(tenant))


@dataclass(frozen=True)
class Kept:
    """What kept sums know; numbers of movies are by the collection's number as text, without zeros.

    `held`: how many there are, `voted`: how many have a mean of their own. `counts`: how many pass, by the names of
    groups of filters that are counted together; `rows` are the year and the language. `is_rated`: there are ratings.
    `datasets`: the dataset of each collection of movies and ratings.
    """

    held: Mapping[str, int]
    voted: Mapping[str, int]
    counts: Mapping[str, Mapping[str, int]]
    is_rated: bool
    datasets: dict[str, str]

    @classmethod
    def of(cls, row: Any) -> "Kept":
        """That of a row of `kept_counts`."""
        return cls(row.held, row.voted, row.counts, row.is_rated, row.datasets or {})

    @cached_property
    def collections(self) -> list[str]:
        """The numbers of those that may have movies of the listing."""
        return [number for number in self.held if all(number in of_group for of_group in self.counts.values())]

    @property
    def most(self) -> int:
        """No more movies pass."""
        return min(sum(of_group[number] for number in self.collections) for of_group in self.counts.values())

    @property
    def likely(self) -> float:
        """So many pass if within a collection one filter says nothing of another one."""
        return sum(
            self.held[number] * prod(of_group[number] / self.held[number] for of_group in self.counts.values())
            for number in self.collections
        )

    def in_range(self, listing: Listing) -> int:
        """How many movies the index of the order gives: by release only those of the years and the language, by title
        only those of the type.
        """
        group = {"release_date": ROWS, "title": "title_type"}.get(listing.sort_by, "")
        counted = self.counts.get(group, self.held)
        return sum(counted[number] for number in self.collections)

    def told(self, listing: Listing) -> Listing:
        """The listing, with what is known of its collections."""
        chosen = self.collections
        unvoted = [number for number in chosen if self.voted.get(number, 0) < self.held[number]]
        return replace(
            listing,
            collections=None if len(chosen) == len(self.held) else _numbers(chosen),
            is_rated=self.is_rated and bool(unvoted),
            unvoted=None if len(unvoted) == len(chosen) else _numbers(unvoted),
        )


def are_all_counted(listing: Listing) -> bool:
    """Whether each filter has a kept sum; of several ones, only their own numbers of movies are known."""
    filters = listing.filters
    uncounted = filters.title, filters.person, filters.min_votes, filters.source_id
    is_of_both = filters.collection is not None and filters.upload is not None
    return all(each is None for each in uncounted) and not is_of_both


def _counts(listing: Listing) -> Iterator[tuple[str, ColumnElement[Any]]]:
    filters = listing.filters
    values = {"genre": filters.genre, "country": filters.country, "title_type": filters.title_type}
    chosen = {name: value for name, value in values.items() if value is not None}
    of_rows = list(_of_rows(listing))
    if of_rows or not (chosen or filters.upload):
        yield ROWS, _by_collection(listing, ROWS, of_rows)
    for name, value in chosen.items():
        yield name, _by_collection(listing, name, [CollectionTotal.facets[name].astext == value])
    if filters.upload is not None:
        yield "upload", _of_upload(listing, filters.upload)


def _of_rows(listing: Listing) -> Iterator[ColumnElement[bool]]:
    facets, filters = CollectionTotal.facets, listing.filters
    year = cast(facets["release_year"].astext, Integer)
    if listing.release_year is not None:
        yield year == listing.release_year
    if filters.year_from is not None:
        yield year >= filters.year_from
    if filters.year_to is not None:
        yield year <= filters.year_to
    if listing.language is not None:
        yield facets["original_language"].astext == listing.language


def _by_collection(listing: Listing, breakdown: str, conditions: list[ColumnElement[bool]]) -> ColumnElement[Any]:
    counted = select(
        CollectionTotal.collection, cast(func.sum(CollectionTotal.row_count), BigInteger).label("movies")
    ).where(
        CollectionTotal.tenant == listing.tenant,
        CollectionTotal.table_name == MOVIES.name,
        CollectionTotal.breakdown == breakdown,
        CollectionTotal.row_count > 0,
        *conditions,
    )
    if listing.filters.collection is not None:
        counted = counted.where(CollectionTotal.collection == listing.filters.collection)
    return _as_object(counted.group_by(CollectionTotal.collection))


def _of_upload(listing: Listing, upload: OfUpload) -> ColumnElement[Any]:
    """Its rows that are visible: none of an upload into another table, or of one that was replaced."""
    of_upload = Upload.tenant == listing.tenant, Upload.number == upload.number, Upload.table_name == MOVIES.name
    is_visible = Upload.state == UploadState.COMPLETED, Upload.superseded_by.is_(None), Upload.current_records > 0
    return _as_object(select(Upload.collection, Upload.current_records).where(*of_upload, *is_visible))


def _as_object(counted: Select[*tuple[Any, ...]]) -> ColumnElement[Any]:
    """The rows of collections and numbers of movies."""
    number, movies = counted.subquery().c
    found = select(func.jsonb_object_agg(cast(number, Text), movies))
    return func.coalesce(found.scalar_subquery(), literal({}, JSONB), type_=JSONB)


def _has_ratings(listing: Listing) -> ColumnElement[bool]:
    of_ratings = CollectionTotal.tenant == listing.tenant, CollectionTotal.table_name == RATINGS.name
    return exists(literal(1)).where(*of_ratings, CollectionTotal.breakdown == ROWS, CollectionTotal.row_count > 0)


def _version(tenant: str) -> ScalarSelect[Any]:
    return _of_collections(tenant, func.sum(Collection.version), MOVIES, RATINGS, CREDITS, PEOPLE)


def _of_collections(tenant: str, aggregate: Any, *tables: Table) -> ScalarSelect[Any]:
    of_tables = Collection.table_name.in_([table.name for table in tables])
    return select(aggregate).where(Collection.tenant == tenant, of_tables).scalar_subquery()


def _numbers(collections: list[str]) -> tuple[int, ...]:
    return tuple(sorted(int(number) for number in collections))
