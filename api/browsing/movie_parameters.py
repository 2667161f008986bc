"""What a request asks of the listing of movies, and how a movie of it is shown."""

import uuid
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from fastapi import Query
from sqlalchemy import RowMapping

from api.browsing.movie_listing import ListedPage
from api.browsing.value_counts import ANY_CASE, as_spelled
from api.description.schemas.rows import Movie
from api.listings.as_of import AsOf, later_than
from api.listings.paging import PageNumber, PageSize
from api.listings.upload_documents import no_such_upload
from api.runtime import Runtime
from api.tenant_datasets import dataset_of
from shared.catalog.tables.movies import TABLE
from shared.database.queries.browsing.joined_ratings import VOTE_FIELDS
from shared.database.queries.browsing.listing import Listing, SortBy
from shared.database.queries.browsing.movie_filters import MovieFilters, OfUpload, upload_range
from shared.database.queries.rows import NO_COLLECTION, collection_number
from shared.database.tenancy import tenant_reading

_MOVIE_FIELDS: Final = tuple(Movie.model_fields)
# Filters by a name of a breakdown.
_SPELLED: Final = ("genre", "country", "title_type")
_TEXT: Final = r"^[^\x00]+$"
_FIRST_YEAR: Final = 1800
_LAST_YEAR: Final = 2200

_Year = Annotated[
    int | None, Query(ge=_FIRST_YEAR, le=_LAST_YEAR, description="Only movies of this year.", examples=[1927])
]
_YearFrom = Annotated[
    int | None, Query(ge=_FIRST_YEAR, le=_LAST_YEAR, description="Only movies of this year or later.", examples=[1920])
]
_YearTo = Annotated[
    int | None, Query(ge=_FIRST_YEAR, le=_LAST_YEAR, description="Only movies of this year or before.", examples=[1929])
]
_Language = Annotated[
    str | None,
    Query(
        pattern="^[A-Za-z]{2,3}$",
        description="Only movies with this original language: a code of two or three letters.",
        examples=["de"],
    ),
]
_Title = Annotated[
    str | None,
    Query(
        pattern=r"^[^\x00-\x1f]*[^\x00-\x1f\s][^\x00-\x1f]*$",
        max_length=200,
        description="Only movies whose title or original title has all these words; the last one may be only begun."
        " Case and accents make no difference.",
        examples=["metropol"],
    ),
]
_Genre = Annotated[
    str | None,
    Query(
        pattern=_TEXT,
        max_length=200,
        description="Only movies of this genre." + ANY_CASE,
        examples=["Drama"],
    ),
]
_Country = Annotated[
    str | None,
    Query(
        pattern=_TEXT,
        max_length=200,
        description="Only movies that were produced in this country." + ANY_CASE,
        examples=["Germany"],
    ),
]
_Person = Annotated[
    str | None,
    Query(
        pattern=_TEXT,
        max_length=100,
        description="Only movies that this person has a credit for: the id in the source (`nm0000485`), or the id of"
        " the row. With `as_of` as well, the credits are those of now.",
        examples=["nm0000485"],
    ),
]
_TitleType = Annotated[
    str | None,
    Query(
        pattern=_TEXT,
        max_length=200,
        description="Only titles of this type." + ANY_CASE,
        examples=["movie"],
    ),
]
_MinVotes = Annotated[
    int | None, Query(ge=1, le=2**53 - 1, description="Only movies with at least so many votes.", examples=[1000])
]
_Dataset = Annotated[
    str | None,
    Query(min_length=1, max_length=255, description="Only movies of this dataset.", examples=["title.basics"]),
]
_Upload = Annotated[uuid.UUID | None, Query(description="Only movies that came with this upload, by its id.")]
_SourceId = Annotated[
    str | None,
    Query(
        pattern=_TEXT, max_length=200, description="Only movies with this id in their source.", examples=["tt0017136"]
    ),
]
_SortBy = Annotated[
    SortBy,
    Query(
        description="The field to sort by; `popularity` is the number of votes. Ties are sorted by id; of movies with"
        " the votes of a rating, by that of the rating."
    ),
]
_SortOrder = Annotated[Literal["asc", "desc"], Query(description="Movies without a value come last in both orders.")]
_CursorText = Annotated[
    str | None,
    Query(max_length=1024, description="`next_cursor` of the previous page. With a cursor, `page` is ignored."),
]


@dataclass(frozen=True, slots=True)
class MovieQuery:
    """The query parameters of the listing."""

    page: PageNumber = 1
    page_size: PageSize = 20
    release_year: _Year = None
    language: _Language = None
    title: _Title = None
    genre: _Genre = None
    country: _Country = None
    person: _Person = None
    title_type: _TitleType = None
    min_votes: _MinVotes = None
    year_from: _YearFrom = None
    year_to: _YearTo = None
    dataset: _Dataset = None
    upload: _Upload = None
    source_id: _SourceId = None
    sort_by: _SortBy = "release_date"
    sort_order: _SortOrder = "desc"
    as_of: AsOf = None
    cursor: _CursorText = None


async def listing_of(runtime: Runtime, tenant: str, query: MovieQuery) -> Listing:
    """The listing that is asked for; raises `NotFound` for a dataset or an upload, and what `later_than` raises."""
    later = await later_than(runtime.read_engine, tenant, TABLE.name, query.as_of)
    spelled = await _as_spelled(runtime, tenant, query)
    filters = MovieFilters(
        title=query.title,
        genre=spelled.get("genre"),
        country=spelled.get("country"),
        person=query.person,
        title_type=spelled.get("title_type"),
        min_votes=query.min_votes,
        year_from=query.year_from,
        year_to=query.year_to,
        collection=await _collection(runtime, tenant, query.dataset),
        upload=await _upload(runtime, tenant, query.upload),
        source_id=query.source_id,
    )
    language = query.language.lower() if query.language else None
    is_descending = query.sort_order == "desc"
    return Listing(tenant, query.release_year, language, query.sort_by, is_descending, later, filters)


def listed_movie(page: ListedPage, row: RowMapping) -> dict[str, Any]:
    """Straight from the row: a model would validate every movie of every page again, which the loader has done."""
    movie = {name: row[name] for name in _MOVIE_FIELDS}
    votes = row if any(row[name] is not None for name in VOTE_FIELDS) else page.ratings.get(row["source_id"])
    if votes is None:
        return {**movie, "rating_source": None}
    shown = {name: votes[name] for name in VOTE_FIELDS}
    return {**movie, **shown, "rating_source": page.datasets.get(str(votes["collection"]))}


async def _as_spelled(runtime: Runtime, tenant: str, query: MovieQuery) -> dict[str, str | None]:
    asked = {name: getattr(query, name) for name in _SPELLED if getattr(query, name) is not None}
    if not asked:
        return {}
    async with tenant_reading(runtime.read_engine, tenant) as connection:
        return {name: await as_spelled(connection, tenant, name, value) for name, value in asked.items()}


async def _collection(runtime: Runtime, tenant: str, dataset: str | None) -> int | None:
    if dataset is None:
        return None
    await dataset_of(runtime, tenant, dataset)  # refuses a name that there is not
    async with tenant_reading(runtime.read_engine, tenant) as connection:
        return await connection.scalar(collection_number(tenant, TABLE.name, dataset)) or NO_COLLECTION


async def _upload(runtime: Runtime, tenant: str, upload_id: uuid.UUID | None) -> OfUpload | None:
    if upload_id is None:
        return None
    async with tenant_reading(runtime.read_engine, tenant) as connection:
        found = (await connection.execute(upload_range(upload_id, tenant))).one_or_none()
    if found is None:
        raise no_such_upload()
    return OfUpload(found.number, found.first_id)
