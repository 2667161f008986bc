"""Datasets: what can be loaded, and by which rules."""

from fastapi import APIRouter

from api.dependencies import RuntimeDep
from api.description.openapi import problems
from api.description.schemas import Datasets

router = APIRouter(prefix="/api/v1", tags=["about"])


@router.get("/datasets", responses=problems(), summary="Columns and rules of each dataset")
async def list_datasets(runtime: RuntimeDep) -> Datasets:
    """The same declarations that the loader checks by: the same for every tenant."""
    return Datasets(items=[dataset.describe() for dataset in runtime.registry])
