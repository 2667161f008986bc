"""What operators see and do, for any tenant. Keys of tenants do not get here, see `api.middleware.authentication`."""

import asyncio
import uuid
from collections.abc import Callable
from typing import Annotated, TypeVar

import structlog
from fastapi import APIRouter, Path, Request, Response
from sqlalchemy import Connection

from api.dependencies import RuntimeDep
from api.description.openapi import LINK_HEADER, problems
from api.description.public_names import ADMIN_PATH
from api.description.schemas.admin import (
    ActiveUpload,
    ActiveUploadPage,
    OperatedTenant,
    OperatedTenantPage,
    TenantChanges,
)
from api.listings.paging import PageNumber, PageSize, link_header, offset_of, page_links
from api.runtime import Runtime
from shared.database.models import TENANT_NAME
from shared.database.tenancy import all_tenants_reading, all_tenants_transaction
from shared.ingest.operating import queue, tenant_settings
from shared.ingest.operating.known_tenants import KnownTenant, known_tenant, known_tenants, known_tenants_count

router = APIRouter(prefix=ADMIN_PATH, tags=["admin"])
log = structlog.get_logger()

T = TypeVar("T")

TenantName = Annotated[str, Path(pattern=f"^{TENANT_NAME}$", description="The tenant's name.", examples=["films"])]


@router.get(
    "/tenants", responses={200: {"headers": LINK_HEADER}, **problems(503)}, summary="List all tenants, for operators"
)
async def list_all_tenants(
    request: Request, response: Response, runtime: RuntimeDep, page: PageNumber = 1, page_size: PageSize = 20
) -> OperatedTenantPage:
    """By name: those with uploads, and those about which something is decided; with their limits."""
    offset = offset_of(page, page_size)

    def read(connection: Connection) -> tuple[int, list[KnownTenant]]:
        return known_tenants_count(connection), known_tenants(connection, page_size, offset)

    total, found = await _read(runtime, read)
    response.headers.update(link_header(page_links(request, page, page_size, total)))
    items = [OperatedTenant.model_validate(each) for each in found]
    return OperatedTenantPage(items=items, total=total, page=page, page_size=page_size)


@router.get("/tenants/{tenant}", responses=problems(503), summary="Show any tenant")
async def get_tenant(runtime: RuntimeDep, tenant: TenantName) -> OperatedTenant:
    """What it has, and what is decided about it. A tenant that nobody has used yet has nothing."""
    found = await _read(runtime, lambda connection: known_tenant(connection, tenant))
    return OperatedTenant.model_validate(found)


@router.patch("/tenants/{tenant}", responses=problems(400, 413, 415, 503), summary="Decide about a tenant")
async def patch_tenant(runtime: RuntimeDep, tenant: TenantName, body: TenantChanges) -> OperatedTenant:
    """What the document names changes, and the rest stays. Limits are in force within five seconds.

    While a tenant is paused, its files are taken in and none is loaded; what loads stops within seconds.
    """
    changes = body.model_dump(exclude_unset=True)

    def change(connection: Connection) -> KnownTenant:
        tenant_settings.decide(connection, tenant, changes)
        return known_tenant(connection, tenant)

    found = await _change(runtime, change)
    log.info("tenant_settings_changed", changed=sorted(changes))
    return OperatedTenant.model_validate(found)


@router.get(
    "/queue",
    responses={200: {"headers": LINK_HEADER}, **problems(503)},
    summary="List uploads of all tenants that wait or load",
)
async def list_queue(
    request: Request, response: Response, runtime: RuntimeDep, page: PageNumber = 1, page_size: PageSize = 20
) -> ActiveUploadPage:
    """The oldest first: whose they are, since when they wait, and whether a loader works on them."""
    offset = offset_of(page, page_size)

    def read(connection: Connection) -> tuple[int, list[queue.ActiveUpload]]:
        return queue.active_count(connection), queue.active_uploads(connection, page_size, offset)

    total, found = await _read(runtime, read)
    response.headers.update(link_header(page_links(request, page, page_size, total)))
    items = [ActiveUpload.model_validate(each) for each in found]
    return ActiveUploadPage(items=items, total=total, page=page, page_size=page_size)


@router.post(
    "/uploads/{upload_id}/notify",
    status_code=204,
    responses=problems(404, 409, 503),
    summary="Notify a loader of any upload again",
)
async def notify_again(runtime: RuntimeDep, upload_id: uuid.UUID) -> None:
    """Of an upload that waits or loads, however short ago the last time was. A loader learns of it within seconds."""
    await _change(runtime, lambda connection: queue.notify_again(connection, upload_id))
    log.info("operator_notified", upload_id=str(upload_id))


@router.post(
    "/uploads/{upload_id}/cancel", status_code=204, responses=problems(404, 409, 503), summary="Cancel any upload"
)
async def cancel_any_upload(runtime: RuntimeDep, upload_id: uuid.UUID) -> None:
    """As its client could: a queued, loading or planned upload becomes `cancelled`; none of its rows remain."""
    await asyncio.to_thread(queue.cancel, runtime.engine, upload_id)
    log.info("operator_cancelled", upload_id=str(upload_id))


async def _read(runtime: Runtime, work: Callable[[Connection], T]) -> T:
    """What the work returns, which a thread does on a connection that sees all tenants."""

    def run() -> T:
        with all_tenants_reading(runtime.engine) as connection:
            return work(connection)

    return await asyncio.to_thread(run)


async def _change(runtime: Runtime, work: Callable[[Connection], T]) -> T:
    """The same in a transaction that changes what is any tenant's."""

    def run() -> T:
        with all_tenants_transaction(runtime.engine) as connection:
            return work(connection)

    return await asyncio.to_thread(run)
