"""The tenants of a client."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import Engine, Row

from api.client import client_of
from api.dependencies import RuntimeDep
from api.description.openapi import problems
from api.description.schemas.service import Tenant, Tenants
from api.runtime import Runtime
from shared.database.queries import tenants
from shared.database.tenancy import all_tenants_reading, tenant_reading

router = APIRouter(prefix="/api/v1", tags=["about"])


@router.get("/tenants", responses=problems(503), summary="List tenants")
async def list_tenants(request: Request, runtime: RuntimeDep) -> Tenants:
    """The tenants of the key, or without keys all tenants with uploads: how many uploads and visible movies each has.

    The list does not depend on the tenant that the request names.
    """
    client = client_of(request)
    if client is not None:
        items = [await _tenant_named(runtime, name) for name in sorted(client.tenants)]
        return Tenants(items=items, total=len(items))
    # Without keys every client may name any tenant (and the server listens only on loopback), so this list reveals
    # nothing new. A tenant's connection does not see other tenants, so the query runs as the owner.
    items = [_shown(row) for row in await asyncio.to_thread(_all_tenants, runtime.engine)]
    return Tenants(items=items, total=len(items))


async def _tenant_named(runtime: Runtime, name: str) -> Tenant:
    async with tenant_reading(runtime.read_engine, name) as connection:
        row = (await connection.execute(tenants.tenants(name))).one_or_none()
    return Tenant(name=name, uploads=0, movies=0) if row is None else _shown(row)


def _all_tenants(engine: Engine) -> list[Row[Any]]:
    with all_tenants_reading(engine) as connection:
        return list(connection.execute(tenants.tenants()).all())


def _shown(row: Row[Any]) -> Tenant:
    return Tenant(name=row.name, uploads=row.uploads, movies=row.movies)
