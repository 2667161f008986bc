"""People: the list, single people, and what they were credited for."""

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Path, Query, Request, Response

from api.browsing.people import person_document, read_movies_of_person, read_people
from api.cache.routes import cached
from api.dependencies import RuntimeDep, TenantDep
from api.description.openapi import LINK_HEADER, Responses, problems
from api.description.openapi_links import PEOPLE_PAGE_LINKS, linked
from api.description.schemas.people import PeoplePage, PersonDetail, PersonMoviesPage
from api.listings.opaque_cursors import decoded, encoded
from api.listings.paging import MAX_ID, PageSize, address_with, link_header
from shared.catalog.search_words import key_of
from shared.database.queries.browsing.people import START, PeopleListing, Position

router = APIRouter(prefix="/api/v1", tags=["people"])

_PAGE: Final[Responses] = {200: {"headers": LINK_HEADER}}
_WITH_LINKS: Final[Responses] = {200: {**linked(PEOPLE_PAGE_LINKS)[200], "headers": LINK_HEADER}}
# Credits have one order only.
_PART: Final = ""

PersonId = Annotated[int, Path(ge=0, le=MAX_ID, examples=[73014444050])]
SourceId = Annotated[
    str | None,
    Query(pattern="^nm[0-9]{1,20}$", description="Only the person with IMDb's nconst.", examples=["nm0000485"]),
]
Name = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=200,
        pattern="^[^\\x00]*$",
        description="Only people whose name begins so, in the order of their names; accents, case, signs do not count.",
        examples=["fritz la"],
    ),
]
Profession = Annotated[
    str | None,
    Query(min_length=1, max_length=200, pattern="^[^\\x00]*$", description="Only of this one.", examples=["director"]),
]
BirthYear = Annotated[int | None, Query(ge=1, le=2200, description="Only people born in this year.", examples=[1890])]
CursorText = Annotated[str | None, Query(max_length=512, description="`next_cursor` of the previous page.")]


@router.get("/people", response_model=PeoplePage, responses={**_WITH_LINKS, **problems(503)}, summary="List people")
@cached()
async def list_people(
    *,
    request: Request,
    runtime: RuntimeDep,
    tenant: TenantDep,
    page_size: PageSize = 20,
    source_id: SourceId = None,
    birth_year: BirthYear = None,
    name: Name = None,
    profession: Profession = None,
    cursor: CursorText = None,
) -> Response:
    """People of completed uploads, in the order in which they were loaded, or of their names.

    `total` counts up to 10,000 for a name, and for a profession together with a year of birth.
    """
    name_key = None if name is None else key_of(name)
    listing = PeopleListing(tenant.name, source_id, birth_year, name_key, profession)
    after = START if cursor is None else decoded(cursor, listing.label)
    people = await read_people(runtime.read_engine, listing, (after[0], min(after[1], MAX_ID)), page_size + 1)
    total = {"total": people.total, "total_is_exact": people.is_exact}
    return _page(request, people.items, total, page_size, listing.label)


@router.get("/people/{person_id}", response_model=PersonDetail, responses=problems(404, 503), summary="Show a person")
@cached()
async def get_person(person_id: PersonId, runtime: RuntimeDep, tenant: TenantDep) -> Response:
    """The person, with the titles that it is known for."""
    return _json(await person_document(runtime.read_engine, runtime.registry, tenant.name, person_id))


@router.get(
    "/people/{person_id}/movies",
    response_model=PersonMoviesPage,
    responses={**_PAGE, **problems(404, 503)},
    summary="List what a person was credited for",
)
@cached()
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
    after_id = -1 if cursor is None else min(decoded(cursor, name)[1], MAX_ID)
    found, total = await read_movies_of_person(
        runtime.read_engine, runtime.registry, tenant.name, person_id, after_id, page_size + 1
    )
    items = [((_PART, credit_id), credit) for credit_id, credit in found]
    return _page(request, items, {"total": total}, page_size, name)


def _page(
    request: Request,
    found: list[tuple[Position, dict[str, Any]]],
    total: dict[str, Any],
    page_size: int,
    name: str,
) -> Response:
    """A page of the items found, which are one more if others follow, each with the position behind it."""
    shown = found[:page_size]
    next_cursor = encoded(name, shown[-1][0]) if len(found) > page_size else None
    items = [item for _, item in shown]
    links = {"first": address_with(request, cursor=None)} if "cursor" in request.query_params else {}
    links |= {"next": address_with(request, cursor=next_cursor)} if next_cursor else {}
    body = {"items": items, **total, "page_size": page_size, "next_cursor": next_cursor}
    return _json(body, link_header(links))


def _json(body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), headers=headers, media_type="application/json")
