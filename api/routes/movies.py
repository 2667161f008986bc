"""Movies: the listing, single movies, and movies by their ids in the source."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from api.browsing.movie_details import find_movie
from api.browsing.movie_listing import position_of, read_listing
from api.browsing.movie_parameters import MovieQuery, listed_movie, listing_of
from api.browsing.movies_by_source import read_movies_by_source
from api.browsing.record_tags import is_known
from api.cache.routes import cached
from api.dependencies import RuntimeDep, TenantDep
from api.description.openapi import LINK_HEADER, MOVIE_TAG_HEADER, Responses, problems
from api.description.openapi_links import MOVIE_LINKS, MOVIE_PAGE_LINKS
from api.description.public_names import NONE_MATCH_HEADER
from api.description.schemas.rows import MovieDetail, MoviePage, MoviesBySource
from api.listings.as_of import require_known
from api.listings.movie_pages import Start
from api.listings.paging import MAX_ID, Cursor, address_with, link_header, offset_of
from api.tenant_datasets import dataset_of
from shared.catalog.tables.movies import TABLE
from shared.database.queries.browsing.listing import Listing

router = APIRouter(prefix="/api/v1", tags=["movies"])

MovieId = Annotated[int, Path(ge=0, le=MAX_ID, examples=[73014444047])]
DatasetName = Annotated[str | None, Query(max_length=255, description="Only movies that were loaded as this dataset.")]
IfNoneMatch = Annotated[
    str | None,
    Header(
        alias=NONE_MATCH_HEADER,
        max_length=1000,
        description="The `ETag` of an earlier answer: if it is still right, the answer is 304.",
    ),
]

_PAGE_RESPONSES: Responses = {
    200: {
        "description": "A page of movies.",
        "headers": LINK_HEADER,
        "links": MOVIE_PAGE_LINKS,
    },
    **problems(404, 409, 410, 431, 503),
}
_MOVIE_RESPONSES: Responses = {
    200: {"headers": MOVIE_TAG_HEADER, "links": MOVIE_LINKS},
    304: {"description": "The movie is what If-None-Match names.", "headers": MOVIE_TAG_HEADER},
    **problems(404, 503),
}


@router.get("/movies", response_model=MoviePage, responses=_PAGE_RESPONSES, summary="List movies")
@cached(dataset="dataset")
async def list_movies(
    request: Request, runtime: RuntimeDep, tenant: TenantDep, query: Annotated[MovieQuery, Depends()]
) -> Response:
    """Movies of completed uploads that pass all filters. Pages by number end after 100,000 rows; with `cursor` there is
    no such limit.

    A movie whose own file has no votes shows those of a file of ratings, and is sorted by them, but not with `as_of`.
    If a combination of filters and order would take too long, the answer is the problem `needs_index`.
    """
    listing = await listing_of(runtime, tenant.name, query)
    start, page = _start(listing, query)
    found = await read_listing(runtime.read_engine, listing, start, query.page_size + 1)
    await require_known(runtime.read_engine, tenant.name, TABLE.name, query.as_of, listing.later)
    rows = found.rows
    next_cursor = None
    if len(rows) > query.page_size:
        next_cursor = Cursor.after(listing, position_of(listing, rows[query.page_size - 1]), page + 1).encode()
    body = {
        "items": [listed_movie(found, row) for row in rows[: query.page_size]],
        "total": found.total.count,
        "total_is_exact": found.total.is_exact,
        "page": page,
        "page_size": query.page_size,
        "next_cursor": next_cursor,
    }
    return _json(body, link_header(_links(request, page, next_cursor, is_numbered=query.cursor is None)))


@router.get(
    "/movies/{movie_id}",
    response_model=MovieDetail,
    responses=_MOVIE_RESPONSES,
    summary="Show a movie with all that belongs to it",
)
async def get_movie(
    movie_id: MovieId, runtime: RuntimeDep, tenant: TenantDep, if_none_match: IfNoneMatch = None
) -> Response:
    """The movie, with the upload, the file and the line that it came from.

    If its id in the source is one of IMDb's or TMDB's, the movie comes with what the publisher's other files say of it:
    ratings, if its own file has none; credits by role; alternative titles; its episodes, or the series that it is an
    episode of.
    """
    found = await find_movie(runtime.read_engine, runtime.registry, tenant.name, movie_id)
    if is_known(if_none_match, found.tag):
        return Response(status_code=304, headers={"ETag": found.tag})
    return Response(found.body, headers={"ETag": found.tag}, media_type="application/json")


@router.get(
    "/movies/by-source/{source_id}",
    response_model=MoviesBySource,
    responses=problems(404, 503),
    summary="Find movies by the id in their source",
)
async def find_movies_by_source(
    source_id: Annotated[
        str,
        Path(
            max_length=500,
            pattern=r"^[^\x00]+$",
            description="IMDb's tconst, TMDB's id, or what else the file has as the id of a movie.",
            examples=["tt0017136"],
        ),
    ],
    runtime: RuntimeDep,
    tenant: TenantDep,
    dataset: DatasetName = None,
) -> Response:
    """The movies of completed uploads with this id, of all datasets or of one, the latest first.

    The same number may be the id of other films in files of another publisher.
    """
    if dataset is not None:
        await dataset_of(runtime, tenant.name, dataset)
    return _json(await read_movies_by_source(runtime.read_engine, tenant.name, source_id, dataset), {})


def _start(listing: Listing, query: MovieQuery) -> tuple[Start, int]:
    if query.cursor is None:
        return Start(offset=offset_of(query.page, query.page_size)), query.page
    decoded = Cursor.decode(query.cursor, listing)
    return Start(position=decoded.position), decoded.page


def _links(request: Request, page: int, next_cursor: str | None, *, is_numbered: bool) -> dict[str, str]:
    links = {}
    if page > 1:
        links["first"] = address_with(request, page=None, cursor=None)
    if page > 1 and is_numbered:
        links["prev"] = address_with(request, page=page - 1)
    if next_cursor is not None:
        links["next"] = address_with(request, page=None, cursor=next_cursor)
    return links


def _json(body: dict[str, Any], headers: dict[str, str]) -> Response:
    # Straight from the row: a model would validate every movie of every page again, which the loader has done already.
    return Response(orjson.dumps(body), headers=headers, media_type="application/json")
