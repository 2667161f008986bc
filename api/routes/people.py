"""People: the list, single people, and what they were credited for."""

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Path, Query, Request, Response

from api.browsing.people import person_document, read_movies_of_person, read_people
from api.dependencies import RuntimeDep, TenantDep
from api.description.openapi import LINK_HEADER, Responses, problems
from api.description.openapi_links import PEOPLE_PAGE_LINKS, linked
from api.description.schemas.people import PeoplePage, PersonDetail, PersonMoviesPage
from api.listings.opaque_cursors import decoded, encoded
from api.listings.paging import MAX_ID, PageSize, address_with, link_header
from shared.database.queries.browsing.people import PeopleListing

router = APIRouter(prefix="/api/v1", tags=["people"])

_PAGE: Final[Responses] = {200: {"headers": LINK_HEADER}}
_WITH_LINKS: Final[Responses] = {200: {**linked(PEOPLE_PAGE_LINKS)[200], "headers": LINK_HEADER}}
# These lists have one part only.
_PART: Final = ""

PersonId = Annotated[int, Path(ge=0, le=MAX_ID, examples=[73014444050])]
SourceId = Annotated[
    str | None,
    Query(pattern="^nm[0-9]{1,20}$", description="Only the person with IMDb's nconst.", examples=["nm0000485"]),
]
BirthYear = Annotated[int | None, Query(ge=1, le=2200, description="Only people born in this year.", examples=[1890])]
CursorText = Annotated[str | None, Query(max_length=512, description="`next_cursor` of the previous page.")]


@router.get("/people", response_model=PeoplePage, responses={**_WITH_LINKS, **problems(503)}, summary="List people")
async def list_people(
    *,
    request: Request,
    runtime: RuntimeDep,
    tenant: TenantDep,
    page_size: PageSize = 20,
    source_id: SourceId = None,
    birth_year: BirthYear = None,
    cursor: CursorText = None,
) -> Response:
    """People of completed uploads, in the order in which they were loaded."""
    listing = PeopleListing(tenant.name, source_id, birth_year)
    people, total = await read_people(runtime.read_engine, listing, _after(cursor, listing.name), page_size + 1)
    last_id = people[page_size - 1]["id"] if len(people) > page_size else None
    return _page(request, people[:page_size], total, page_size, listing.name, last_id)


@router.get("/people/{person_id}", response_model=PersonDetail, responses=problems(404, 503), summary="Show a person")
async def get_person(person_id: PersonId, runtime: RuntimeDep, tenant: TenantDep) -> Response:
    """The person, with the titles that it is known for."""
    return _json(await person_document(runtime.read_engine, runtime.registry, tenant.name, person_id))


@router.get(
    "/people/{person_id}/movies",
    response_model=PersonMoviesPage,
    responses={**_PAGE, **problems(404, 503)},
    summary="List what a person was credited for",
)
async def list_movies_of_person(
    *,
    request: Request,
    runtime: RuntimeDep,
    tenant: TenantDep,
    person_id: PersonId,
    page_size: PageSize = 20,
    cursor: CursorText = None,
) -> Response:
    """The person's credits in the order in which they were loaded: that of IMDb's file is by the ids of the titles.

    A title comes once for each credit, with its rating, also if the title itself is not loaded.
    """
    name = f"people/{tenant.name}/{person_id}/movies"
    found, total = await read_movies_of_person(
        runtime.read_engine, runtime.registry, tenant.name, person_id, _after(cursor, name), page_size + 1
    )
    last_id = found[page_size - 1][0] if len(found) > page_size else None
    return _page(request, [item for _, item in found[:page_size]], total, page_size, name, last_id)


def _after(cursor: str | None, name: str) -> int:
    """The id that the page begins behind; raises `InvalidCursor`."""
    return -1 if cursor is None else min(decoded(cursor, name)[1], MAX_ID)


def _page(
    request: Request, items: list[dict[str, Any]], total: int | None, page_size: int, name: str, last_id: int | None
) -> Response:
    """A page; `last_id`: that of its last row, if there are rows behind it."""
    next_cursor = None if last_id is None else encoded(name, (_PART, last_id))
    links = {"first": address_with(request, cursor=None)} if "cursor" in request.query_params else {}
    links |= {"next": address_with(request, cursor=next_cursor)} if next_cursor else {}
    body = {"items": items, "total": total, "page_size": page_size, "next_cursor": next_cursor}
    return _json(body, link_header(links))


def _json(body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), headers=headers, media_type="application/json")
