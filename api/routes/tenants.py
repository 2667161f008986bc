"""Tenants: whose data there is."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import Engine, Row

from api.dependencies import RuntimeDep
from api.openapi import problems
from api.runtime import Runtime
from api.schemas import Tenant, Tenants
from shared.database.queries import tenants
from shared.database.tenancy import everybodys_reading, tenant_reading

router = APIRouter(prefix="/api/v1", tags=["about"])


@router.get("/tenants", responses=problems(503), summary="List tenants")
async def list_tenants(request: Request, runtime: RuntimeDep) -> Tenants:
    """Whoever has uploaded something, with the number of uploads and of visible movies; with a key only its tenants."""
    client = getattr(request.state, "client", None)
    if client is not None:
        rows = [row for name in sorted(client.tenants) for row in await _of_one(runtime, name)]
    else:
        # Without keys whoever reaches the port may name any tenant, so the server listens on loopback only, and this
        # list tells nothing that could not be asked for. No tenant's connection sees all of them: it is the owner's.
        rows = await asyncio.to_thread(_of_all, runtime.engine)
    items = [Tenant(name=row.name, uploads=row.uploads, movies=row.movies) for row in rows]
    return Tenants(items=items, total=len(items))


async def _of_one(runtime: Runtime, name: str) -> list[Row[Any]]:
    async with tenant_reading(runtime.read_engine, name) as connection:
        return list((await connection.execute(tenants.tenants(name))).all())


def _of_all(engine: Engine) -> list[Row[Any]]:
    with everybodys_reading(engine) as connection:
        return list(connection.execute(tenants.tenants()).all())
