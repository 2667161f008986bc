"""Search over everything that has a title or a name."""

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query, Request, Response

from api.dependencies import RuntimeDep, TenantDep
from api.description.openapi import LINK_HEADER, Responses, problems
from api.description.schemas.search import SearchPage
from api.listings.paging import PageSize, address_with, link_header
from api.search.engine import HitType, Search

router = APIRouter(prefix="/api/v1", tags=["search"])

_DESCRIPTION: Final = """
Movies by their title, original title, alternative titles and overview, people by their name, and genres. All words must
match, the last one may be only begun, as one types it. Case, accents and punctuation do not count. What is called
exactly so comes first, then what most people have voted for: of a person, the best known title.

If 200 titles begin with the last word, it is looked for among those with the most votes, at the beginnings of titles,
and beside other words as a complete one. Rows of a large upload are found by the beginnings of their titles and names
as soon as it is completed, and by all words once these have an index, some seconds later for each million rows. In both
cases `total_is_exact` is false.

If nothing has the words as they are typed, mistakes in words of four letters or more are forgiven: one of them,
and mostly a second one in words of eight or more. `corrected` says what was searched instead.
"""
# Nobody reads further; who wants all rows lists them.
_MOST_PAGES: Final = 10
_RESPONSES: Responses = {200: {"headers": LINK_HEADER}, **problems(503)}

Text = Annotated[
    str,
    Query(min_length=1, max_length=200, pattern="^[^\\x00]*$", description="What to find.", examples=["metropolis"]),
]
Type = Annotated[HitType | None, Query(description="Only hits of this type.", examples=["movie"])]
PageOfHits = Annotated[int, Query(ge=1, le=_MOST_PAGES, description="Number of the page, from 1.")]


@router.get(
    "/search",
    response_model=SearchPage,
    responses=_RESPONSES,
    summary="Search movies, people and genres",
    description=_DESCRIPTION,
)
async def search(
    *,
    request: Request,
    runtime: RuntimeDep,
    tenant: TenantDep,
    q: Text,
    type: Type = None,  # noqa: A002  the parameter's public name
    page: PageOfHits = 1,
    page_size: PageSize = 20,
) -> Response:
    """See `_DESCRIPTION`."""
    types = frozenset([type] if type else HitType)
    found = await runtime.search.search(Search(tenant.name, q, types, page_size, (page - 1) * page_size))
    body: dict[str, Any] = {
        "items": found.hits,
        "total": found.total,
        "total_is_exact": found.is_exact,
        "corrected": found.corrected,
        "page": page,
        "page_size": page_size,
    }
    links = {"prev": address_with(request, page=page - 1)} if page > 1 else {}
    if page < _MOST_PAGES and page * page_size < found.total:
        links["next"] = address_with(request, page=page + 1)
    return Response(orjson.dumps(body, default=dict), headers=link_header(links), media_type="application/json")
