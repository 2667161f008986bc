"""Datasets: what can be loaded, and by which rules."""

from fastapi import APIRouter

from api.openapi import problems
from api.schemas import Datasets
from shared.datasets import DATASETS

router = APIRouter(prefix="/api/v1", tags=["about"])


@router.get("/datasets", responses=problems(), summary="Columns and rules of each dataset")
async def list_datasets() -> Datasets:
    """The same declarations that the loader checks by: the same for every tenant."""
    return Datasets(items=[dataset.describe() for dataset in DATASETS.values()])
