"""Tenants: whose data there is."""

from fastapi import APIRouter, Request

from api.client import client_of
from api.dependencies import RuntimeDep
from api.openapi import problems
from api.schemas import Tenant, Tenants
from shared.database.queries import tenants

router = APIRouter(prefix="/api/v1", tags=["about"])


@router.get("/tenants", responses=problems(503), summary="List tenants")
async def list_tenants(request: Request, runtime: RuntimeDep) -> Tenants:
    """The key's tenants, or without keys whoever has uploaded something: how many uploads and visible movies."""
    client = client_of(request)
    async with runtime.read_engine.connect() as connection:
        rows = (await connection.execute(tenants.tenants(None if client is None else client.tenants))).all()
    found = {row.name: Tenant(name=row.name, uploads=row.uploads, movies=row.movies) for row in rows}
    names = found if client is None else sorted(client.tenants)
    items = [found.get(name, Tenant(name=name, uploads=0, movies=0)) for name in names]
    return Tenants(items=items, total=len(items))
