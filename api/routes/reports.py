"""Hierarchical reports, as JSON and as CSV."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Response

from api.browsing.report_tree import CSV_MEDIA_TYPE, csv_response, json_response
from api.browsing.series_report import SERIES_COLUMNS, read_series
from api.cache.routes import cached
from api.dependencies import RuntimeDep, TenantDep
from api.description.openapi import Responses, problems
from api.description.schemas.reports import SeriesReport

router = APIRouter(prefix="/api/v1/reports", tags=["reports"])

TitleId = Annotated[
    str,
    Path(
        pattern="^(tt[0-9]{1,20}|[0-9]{1,20})$",
        description="IMDb's tconst of the series, or the id of a movie.",
        examples=["tt0944947"],
    ),
]

_CSV: Final[Responses] = {
    200: {
        "description": "The file.",
        "content": {CSV_MEDIA_TYPE.partition(";")[0]: {"schema": {"type": "string"}}},
        "headers": {
            "Content-Disposition": {
                "description": "The name of the file.",
                "schema": {"type": "string"},
                "example": 'attachment; filename="series-tt0944947.csv"',
            }
        },
    }
}


# before the report as JSON, which would take the ending for a part of the id
@router.get(
    "/series/{title_id}.csv",
    response_class=Response,
    responses={**_CSV, **problems(404, 503)},
    summary="Report on a series as a file",
)
@cached()
async def export_series_report(title_id: TitleId, runtime: RuntimeDep, tenant: TenantDep) -> Response:
    """The report as RFC 4180 in UTF-8: a record for the series, then one for each season, each before its episodes.

    `level` says which it is, `path` where it is in the tree. Null is an empty cell.
    """
    report = await read_series(runtime.read_engine, runtime.registry, tenant.name, title_id)
    return await csv_response(report, SERIES_COLUMNS, f"series-{title_id}")


@router.get(
    "/series/{title_id}",
    response_model=SeriesReport,
    responses=problems(404, 503),
    summary="Report on a series, its seasons and its episodes",
)
@cached()
async def get_series_report(title_id: TitleId, runtime: RuntimeDep, tenant: TenantDep) -> Response:
    """The tree of the series: votes and runtimes of the episodes, summed for each season and for the series.

    Episodes whose season is unknown have a season of their own, the last one. Of episodes that have episodes
    themselves, all are episodes of the series. Each title counts once, and the series itself never does. A report has
    at most 20,000 episodes (`report_too_large`).
    """
    report = await read_series(runtime.read_engine, runtime.registry, tenant.name, title_id)
    return await json_response(report)
