"""What kept sums know about a listing of movies before a row is read: how many pass its filters."""

from collections.abc import Iterator
from typing import Any

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


@named
def kept_counts(listing: Listing) -> Select[*tuple[Any, ...]]:
    """One row; not for a listing of an earlier moment.

    `held`: how many movies there are. `counts`: how many pass, by the names of groups of filters that are counted
    together; `rows` are the year and the language. `is_rated`: there are ratings. `datasets`: the dataset of each
    collection of movies and ratings. `version`: another one with each change of rows that a listing reads.
    """
    counts = func.jsonb_build_object(*(each for group in _counts(listing) for each in group), type_=JSONB)
    datasets = func.jsonb_object_agg(cast(Collection.number, Text), Collection.dataset)
    return select(
        _sum(listing, ROWS, []).label("held"),
        counts.label("counts"),
        _has_ratings(listing).label("is_rated"),
        _of_collections(listing, datasets, MOVIES, RATINGS).label("datasets"),
        _of_collections(listing, func.sum(Collection.version), MOVIES, RATINGS, CREDITS, PEOPLE).label("version"),
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
        yield ROWS, _sum(listing, ROWS, of_rows)
    for name, value in chosen.items():
        yield name, _sum(listing, name, [CollectionTotal.facets[name].astext == value])
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


def _sum(listing: Listing, breakdown: str, conditions: list[ColumnElement[bool]]) -> ScalarSelect[Any]:
    statement = select(cast(func.coalesce(func.sum(CollectionTotal.row_count), 0), BigInteger)).where(
        CollectionTotal.tenant == listing.tenant,
        CollectionTotal.table_name == MOVIES.name,
        CollectionTotal.breakdown == breakdown,
        *conditions,
    )
    if listing.filters.collection is not None:
        statement = statement.where(CollectionTotal.collection == listing.filters.collection)
    return statement.scalar_subquery()


def _of_upload(listing: Listing, upload: OfUpload) -> ColumnElement[Any]:
    """Its rows that are visible: none of an upload into another table, or of one that was replaced."""
    of_upload = Upload.tenant == listing.tenant, Upload.number == upload.number, Upload.table_name == MOVIES.name
    is_visible = Upload.state == UploadState.COMPLETED, Upload.superseded_by.is_(None)
    current = select(Upload.current_records).where(*of_upload, *is_visible)
    return func.coalesce(current.scalar_subquery(), 0)


def _has_ratings(listing: Listing) -> ColumnElement[bool]:
    of_ratings = CollectionTotal.tenant == listing.tenant, CollectionTotal.table_name == RATINGS.name
    return exists(literal(1)).where(*of_ratings, CollectionTotal.breakdown == ROWS, CollectionTotal.row_count > 0)


def _of_collections(listing: Listing, aggregate: Any, *tables: Table) -> ScalarSelect[Any]:
    of_tables = Collection.table_name.in_([table.name for table in tables])
    return select(aggregate).where(Collection.tenant == listing.tenant, of_tables).scalar_subquery()
