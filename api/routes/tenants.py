"""Tenants: whose data there is."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import Engine, Row

from api.dependencies import RuntimeDep
from api.description.openapi import problems
from api.description.schemas import Tenant, Tenants
from api.middleware.client import client_of
from api.runtime import Runtime
from shared.database.queries import tenants
from shared.database.tenancy import everybodys_reading, tenant_reading

router = APIRouter(prefix="/api/v1", tags=["about"])


@router.get("/tenants", responses=problems(503), summary="List tenants")
async def list_tenants(request: Request, runtime: RuntimeDep) -> Tenants:
    """The key's tenants, or without keys whoever has uploaded something: how many uploads and visible movies.

    All of them, whichever the request names.
    """
    client = client_of(request)
    if client is not None:
        items = [await _of_one(runtime, name) for name in sorted(client.tenants)]
        return Tenants(items=items, total=len(items))
    # Without keys whoever reaches the port may name any tenant, so the server listens on loopback only, and this list
    # tells nothing that could not be asked for. No tenant's connection sees all of them: it is the owner's.
    items = [_shown(row) for row in await asyncio.to_thread(_of_all, runtime.engine)]
    return Tenants(items=items, total=len(items))


async def _of_one(runtime: Runtime, name: str) -> Tenant:
    async with tenant_reading(runtime.read_engine, name) as connection:
        row = (await connection.execute(tenants.tenants(name))).one_or_none()
    return Tenant(name=name, uploads=0, movies=0) if row is None else _shown(row)


def _of_all(engine: Engine) -> list[Row[Any]]:
    with everybodys_reading(engine) as connection:
        return list(connection.execute(tenants.tenants()).all())


def _shown(row: Row[Any]) -> Tenant:
    return Tenant(name=row.name, uploads=row.uploads, movies=row.movies)
