"""The report of genres and decades."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.browsing.chosen_collection import ChosenDataset, require_dataset
from api.browsing.genre_report import Asked, as_csv, read_report
from api.browsing.value_counts import ANY_CASE
from api.cache.routes import cached
from api.dependencies import RuntimeDep, TenantDep
from api.description.openapi import Responses, problems
from api.description.schemas.figures import GenreReport

router = APIRouter(prefix="/api/v1", tags=["movies"])

Genre = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00]+$",
        description="Only this genre, with its movies." + ANY_CASE,
        examples=["Drama"],
    ),
]
Decade = Annotated[
    int | None,
    Query(ge=0, le=9990, multiple_of=10, description="Only this decade, by its first year.", examples=[1990]),
]
Top = Annotated[int, Query(ge=0, le=20, description="How many movies of each decade, if `genre` is given.")]

_CSV_RESPONSES: Responses = {
    200: {"description": "The report.", "content": {"text/csv": {"schema": {"type": "string"}}}},
    **problems(404, 503),
}


@router.get("/reports/genres", responses=problems(404, 503), summary="Report genres by decade")
@cached(dataset="dataset")
async def report_genres(
    *,
    runtime: RuntimeDep,
    tenant: TenantDep,
    genre: Genre = None,
    decade: Decade = None,
    dataset: ChosenDataset = None,
    top: Top = 5,
) -> GenreReport:
    """How many visible movies there are of each genre, and of each of its decades. With `genre`, also the movies with
    the most votes in each decade: votes of their own file, or of the latest rating with their id. Movies without
    any are not among them.
    """
    await require_dataset(runtime, tenant.name, dataset)
    return await read_report(runtime.read_engine, tenant.name, Asked(genre, decade, dataset, top))


@router.get(
    "/reports/genres.csv",
    response_class=Response,
    responses=_CSV_RESPONSES,
    summary="Report genres by decade, as CSV",
)
@cached(dataset="dataset")
async def export_genres(
    *,
    runtime: RuntimeDep,
    tenant: TenantDep,
    genre: Genre = None,
    decade: Decade = None,
    dataset: ChosenDataset = None,
    top: Top = 5,
) -> Response:
    """The same with a line for each genre, each decade and each movie, in the order of the tree; `level` says which."""
    await require_dataset(runtime, tenant.name, dataset)
    report = await read_report(runtime.read_engine, tenant.name, Asked(genre, decade, dataset, top))
    return Response(as_csv(report), media_type="text/csv")
