"""The datasets that can be loaded, with their rules."""

from fastapi import APIRouter

from api.dependencies import RuntimeDep
from api.description.openapi import problems
from api.description.schemas import Datasets

router = APIRouter(prefix="/api/v1", tags=["about"])


@router.get("/datasets", responses=problems(), summary="List datasets with their columns and rules")
async def list_datasets(runtime: RuntimeDep) -> Datasets:
    """The declarations that the loader uses to check rows. They are the same for every tenant."""
    return Datasets(items=[dataset.describe() for dataset in runtime.registry])
