"""Movies: the listing, and single movies."""

from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import RowMapping

from api.dependencies import RuntimeDep, TenantDep
from api.description.openapi import LINK_HEADER, Responses, problems
from api.description.openapi_links import MOVIE_LINKS, MOVIE_PAGE_LINKS, linked
from api.description.schemas.rows import Movie, MovieDetail, MoviePage
from api.listings.as_of import AsOf, later_than, require_known
from api.listings.movie_pages import Start, read_page
from api.listings.paging import MAX_ID, Cursor, PageNumber, PageSize, address_with, link_header, offset_of
from shared.catalog.tables.movies import TABLE
from shared.database.queries.movies import Listing, SortBy, movie_by_id, source_of
from shared.database.tenancy import tenant_reading
from shared.errors import NotFound

router = APIRouter(prefix="/api/v1", tags=["movies"])

Year = Annotated[int | None, Query(ge=1800, le=2200, description="Only movies of this year.", examples=[1927])]
Language = Annotated[
    str | None,
    Query(
        pattern="^[A-Za-z]{2,3}$",
        description="Only movies with this original language: a code of two or three letters.",
        examples=["de"],
    ),
]
CursorText = Annotated[
    str | None,
    Query(max_length=512, description="`next_cursor` of the previous page. With a cursor, `page` is ignored."),
]

_MOVIE_FIELDS = tuple(Movie.model_fields)
_NO_SUCH_MOVIE = "There is no movie with this id."

_PAGE_RESPONSES: Responses = {
    200: {
        "description": "A page of movies.",
        "headers": LINK_HEADER,
        "links": MOVIE_PAGE_LINKS,
    },
    **problems(404, 409, 410, 503),
}


@router.get("/movies", response_model=MoviePage, responses=_PAGE_RESPONSES, summary="List movies")
async def list_movies(
    *,
    request: Request,
    runtime: RuntimeDep,
    tenant: TenantDep,
    page: PageNumber = 1,
    page_size: PageSize = 20,
    release_year: Year = None,
    language: Language = None,
    sort_by: Annotated[SortBy, Query(description="The field to sort by; ties are sorted by id.")] = "release_date",
    sort_order: Annotated[
        Literal["asc", "desc"], Query(description="Movies without a value come last in both orders.")
    ] = "desc",
    as_of: AsOf = None,
    cursor: CursorText = None,
) -> Response:
    """Movies of completed uploads. Pages by number end after 100,000 rows; with `cursor` there is no such limit."""
    language = language.lower() if language else None
    later = await later_than(runtime.read_engine, tenant.name, TABLE.name, as_of)
    listing = Listing(tenant.name, release_year, language, sort_by, sort_order == "desc", later)
    start, page = _start(listing, page, page_size, cursor)
    rows, total = await read_page(runtime.read_engine, listing, start, page_size + 1)
    await require_known(runtime.read_engine, tenant.name, TABLE.name, as_of, later)
    next_cursor = _next_cursor(listing, rows[page_size - 1], page + 1) if len(rows) > page_size else None
    body = {
        "items": [_movie(row) for row in rows[:page_size]],
        "total": total,
        "page": page,
        "page_size": page_size,
        "next_cursor": next_cursor,
    }
    return _json(body, link_header(_links(request, page, next_cursor, is_numbered=cursor is None)))


@router.get(
    "/movies/{movie_id}",
    response_model=MovieDetail,
    responses={**linked(MOVIE_LINKS), **problems(404, 503)},
    summary="Show a movie and where it came from",
)
async def get_movie(
    movie_id: Annotated[int, Path(ge=0, le=MAX_ID, examples=[73014444047])], runtime: RuntimeDep, tenant: TenantDep
) -> Response:
    """The movie, with the upload, the file and the line that it came from."""
    async with tenant_reading(runtime.read_engine, tenant.name) as connection:
        source = (await connection.execute(source_of(movie_id, tenant.name))).one_or_none()
        if source is None or source.collection is None:
            raise NotFound(_NO_SUCH_MOVIE)
        found = await connection.execute(movie_by_id(movie_id, tenant.name, source.collection))
        movie = found.mappings().one_or_none()
    if movie is None:
        raise NotFound(_NO_SUCH_MOVIE)
    came_from = {
        "upload_id": str(source.upload_id),
        "upload_number": source.upload_number,
        "filename": source.filename,
        "line_number": movie_id - source.first_id,
    }
    return _json({**_movie(movie), "source": came_from}, {})


def _start(listing: Listing, page: int, page_size: int, cursor: str | None) -> tuple[Start, int]:
    if cursor is None:
        return Start(offset=offset_of(page, page_size)), page
    decoded = Cursor.decode(cursor, listing)
    return Start(after_id=decoded.id, after_key=decoded.key), decoded.page


def _next_cursor(listing: Listing, last: RowMapping, next_page: int) -> str:
    return Cursor.after(listing, last[listing.sort_name], last["id"], next_page).encode()


def _links(request: Request, page: int, next_cursor: str | None, *, is_numbered: bool) -> dict[str, str]:
    links = {}
    if page > 1:
        links["first"] = address_with(request, page=None, cursor=None)
    if page > 1 and is_numbered:
        links["prev"] = address_with(request, page=page - 1)
    if next_cursor is not None:
        links["next"] = address_with(request, page=None, cursor=next_cursor)
    return links


def _movie(row: RowMapping) -> dict[str, Any]:
    return {name: row[name] for name in _MOVIE_FIELDS}


def _json(body: dict[str, Any], headers: dict[str, str]) -> Response:
    # Straight from the row: a model would validate every movie of every page again, which the loader has done already.
    return Response(orjson.dumps(body), headers=headers, media_type="application/json")
