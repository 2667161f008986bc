"""Genres and countries of movies."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.browsing.chosen_collection import ChosenDataset, require_dataset
from api.browsing.value_counts import read_values
from api.cache.routes import cached
from api.dependencies import RuntimeDep, TenantDep
from api.description.openapi import problems
from api.description.schemas.figures import NamedCounts
from shared.database.queries.browsing.breakdowns import Order

router = APIRouter(prefix="/api/v1", tags=["movies"])

Sort = Annotated[Order, Query(description="By name, or by the number of movies in descending order.")]


@router.get("/genres", responses=problems(404, 503), summary="List the genres of movies")
@cached(dataset="dataset")
async def list_genres(
    *,
    runtime: RuntimeDep,
    tenant: TenantDep,
    dataset: ChosenDataset = None,
    sort: Sort = "-movies",
) -> NamedCounts:
    """How many visible movies each genre has: up to 1,000 genres. Names are those of the files, and `drama` is another
    one than `Drama`. A movie with several genres counts for each of them.
    """
    await require_dataset(runtime, tenant.name, dataset)
    return await read_values(runtime.read_engine, tenant.name, "genre", dataset, sort)


@router.get("/countries", responses=problems(404, 503), summary="List the countries of movies")
@cached(dataset="dataset")
async def list_countries(
    *,
    runtime: RuntimeDep,
    tenant: TenantDep,
    dataset: ChosenDataset = None,
    sort: Sort = "-movies",
) -> NamedCounts:
    """How many visible movies were produced in each country: up to 1,000 countries. Names are those of the files, in
    their spelling. A movie of several countries counts for each of them.
    """
    await require_dataset(runtime, tenant.name, dataset)
    return await read_values(runtime.read_engine, tenant.name, "country", dataset, sort)
