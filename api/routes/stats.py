"""The figures of a tenant."""

from fastapi import APIRouter

from api.browsing.chosen_collection import ChosenDataset, require_dataset
from api.browsing.figures import read_figures
from api.dependencies import RuntimeDep, TenantDep
from api.description.openapi import problems
from api.description.schemas.figures import Figures

router = APIRouter(prefix="/api/v1", tags=["about"])


@router.get("/stats", responses=problems(404, 503), summary="Show the figures of a tenant")
async def get_stats(*, runtime: RuntimeDep, tenant: TenantDep, dataset: ChosenDataset = None) -> Figures:
    """For each dataset: rows, uploads by state, rejected records by code, loads by day, and movies by year, genre,
    rating and type. They are kept with the rows, so no row is counted: they are exact at every moment, and answered
    as quickly for millions of rows as for none.
    """
    await require_dataset(runtime, tenant.name, dataset)
    return await read_figures(runtime.read_engine, tenant.name, dataset)
