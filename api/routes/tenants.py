"""Tenants: whose data there is."""

from fastapi import APIRouter

from api.dependencies import RuntimeDep
from api.openapi import problems
from api.schemas import Tenant, Tenants
from shared.database.queries import tenants

router = APIRouter(prefix="/api/v1", tags=["about"])


@router.get("/tenants", responses=problems(503), summary="List tenants")
async def list_tenants(runtime: RuntimeDep) -> Tenants:
    """Whoever has uploaded something, with the number of uploads and of visible movies."""
    async with runtime.read_engine.connect() as connection:
        rows = (await connection.execute(tenants.tenants())).all()
    items = [Tenant(name=row.name, uploads=row.uploads, movies=row.movies) for row in rows]
    return Tenants(items=items, total=len(items))
