"""Uploads: list them, show one with its progress or history, cancel, retry and undo."""

import asyncio
import uuid
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from api.dependencies import RuntimeDep, TenantDep
from api.description.openapi import ETAG_HEADER, LINK_HEADER, Responses, problems
from api.description.openapi_links import UPLOAD_LINKS, UPLOAD_PAGE_LINKS, linked
from api.description.schemas.rejects import Duplicate, DuplicatePage
from api.description.schemas.uploads import Upload, UploadEvent, UploadHistory, UploadPage
from api.intake.upload_quota import upload_slot
from api.listings.paging import PageNumber, PageSize, link_header, offset_of, page_links
from api.listings.plans import load_with_plan
from api.listings.upload_documents import load_upload, no_such_upload, upload_of
from shared.database.models import UploadKind
from shared.database.queries.duplicates import duplicates_count, duplicates_page
from shared.database.queries.history import upload_events
from shared.database.queries.uploads import upload_number, uploads_count, uploads_page
from shared.database.state_machine import ACTIVE_STATES, UploadState
from shared.database.tenancy import tenant_reading
from shared.errors import PlanStale
from shared.ingest.lifecycle import actions, plans
from shared.ingest.lifecycle.undoing import undo

router = APIRouter(prefix="/api/v1", tags=["uploads"])

IfMatch = Annotated[
    str | None,
    Header(max_length=1000, description="The `etag` of the plan that was looked at: no other one is applied."),
]

_PAGE_RESPONSES: Responses = {200: {"headers": LINK_HEADER, "links": UPLOAD_PAGE_LINKS}, **problems(503)}
_ACTION_RESPONSES: Responses = {**linked(UPLOAD_LINKS), **problems(404, 409, 503)}


@router.get("/uploads", responses=_PAGE_RESPONSES, summary="List uploads, newest first")
async def list_uploads(
    *,
    request: Request,
    response: Response,
    runtime: RuntimeDep,
    tenant: TenantDep,
    page: PageNumber = 1,
    page_size: PageSize = 20,
    state: UploadState | None = None,
    kind: UploadKind | None = None,
) -> UploadPage:
    """A page of the tenant's uploads: all of them, or only those in one state or of one kind."""
    offset = offset_of(page, page_size)
    async with tenant_reading(runtime.read_engine, tenant.name, is_snapshot=True) as connection:
        total = (await connection.execute(uploads_count(tenant.name, state, kind))).scalar_one()
        rows = (await connection.execute(uploads_page(tenant.name, state, kind, page_size, offset))).all()
    response.headers.update(link_header(page_links(request, page, page_size, total)))
    return UploadPage(items=[upload_of(row, tenant) for row in rows], total=total, page=page, page_size=page_size)


@router.get(
    "/uploads/{upload_id}",
    responses={200: {"headers": ETAG_HEADER, "links": UPLOAD_LINKS}, **problems(404, 503)},
    summary="Show an upload and its progress",
)
async def get_upload(upload_id: uuid.UUID, response: Response, runtime: RuntimeDep, tenant: TenantDep) -> Upload:
    """The upload with its record counts, which always add up, and its progress; of a planned one also its plan."""
    upload = await load_with_plan(runtime, upload_id, tenant)
    if upload.plan is not None:
        response.headers["ETag"] = upload.plan.etag
    return upload


@router.get("/uploads/{upload_id}/history", responses=problems(404, 503), summary="Show the history of an upload")
async def get_history(upload_id: uuid.UUID, runtime: RuntimeDep, tenant: TenantDep) -> UploadHistory:
    """Each state with its time and reason, each batch that was taken over, each refused commit, each publishing."""
    async with tenant_reading(runtime.read_engine, tenant.name) as connection:
        number = await connection.scalar(upload_number(upload_id, tenant.name))
        if number is None:
            raise no_such_upload()
        rows = (await connection.execute(upload_events(number))).all()
    return UploadHistory(items=[UploadEvent(at=row.at, event=row.event, reason=row.reason) for row in rows])


@router.get(
    "/uploads/{upload_id}/duplicates",
    responses={200: {"headers": LINK_HEADER}, **problems(404, 503)},
    summary="List records that repeat a key",
)
async def list_duplicates(
    *,
    upload_id: uuid.UUID,
    request: Request,
    response: Response,
    runtime: RuntimeDep,
    tenant: TenantDep,
    page: PageNumber = 1,
    page_size: PageSize = 20,
) -> DuplicatePage:
    """Records that were not loaded because an earlier record of the file has the same key, each with both lines."""
    offset = offset_of(page, page_size)
    async with tenant_reading(runtime.read_engine, tenant.name, is_snapshot=True) as connection:
        number = await connection.scalar(upload_number(upload_id, tenant.name))
        if number is None:
            raise no_such_upload()
        total = (await connection.execute(duplicates_count(number))).scalar_one()
        rows = (await connection.execute(duplicates_page(number, page_size, offset))).mappings()
        items = [Duplicate(**row) for row in rows]
    response.headers.update(link_header(page_links(request, page, page_size, total)))
    return DuplicatePage(items=items, total=total, page=page, page_size=page_size)


@router.post(
    "/uploads/{upload_id}/apply",
    status_code=202,
    responses={**linked(UPLOAD_LINKS, 202), **problems(404, 409, 412, 503)},
    summary="Apply a plan",
)
async def apply_plan(upload_id: uuid.UUID, runtime: RuntimeDep, tenant: TenantDep, if_match: IfMatch = None) -> Upload:
    """A planned upload is published: it changes what its plan says, or nothing.

    If something else was published into its dataset since, or the plan is not the one that If-Match names, the answer
    is `plan_stale`: the changes are counted anew, and the upload is `planned` again when they are.
    """
    is_fresh = await asyncio.to_thread(plans.apply, runtime.engine, upload_id, tenant.name, if_match)
    upload = await load_upload(runtime.read_engine, upload_id, tenant)
    if upload.state in ACTIVE_STATES:
        await asyncio.to_thread(runtime.notifiers.notify, upload_id, upload.transport)
    if not is_fresh:
        raise PlanStale("The dataset has changed since the plan was made; its changes are being counted anew.")
    return upload


@router.post("/uploads/{upload_id}/cancel", responses=_ACTION_RESPONSES, summary="Cancel an unpublished upload")
async def cancel_upload(upload_id: uuid.UUID, runtime: RuntimeDep, tenant: TenantDep) -> Upload:
    """A queued, loading or planned upload becomes `cancelled`; none of its rows remain."""
    await asyncio.to_thread(actions.cancel, runtime.engine, upload_id, tenant.name)
    return await load_upload(runtime.read_engine, upload_id, tenant)


@router.post(
    "/uploads/{upload_id}/retry",
    status_code=202,
    responses={**linked(UPLOAD_LINKS, 202), **problems(404, 409, 503)},
    summary="Load a failed or cancelled upload again",
)
async def retry_upload(request: Request, upload_id: uuid.UUID, runtime: RuntimeDep, tenant: TenantDep) -> Upload:
    """The upload becomes `queued` again. The service still has its file."""
    async with upload_slot(request, runtime, tenant.name):
        await asyncio.to_thread(actions.retry, runtime.engine, upload_id, tenant.name)
    upload = await load_upload(runtime.read_engine, upload_id, tenant)
    await asyncio.to_thread(runtime.notifiers.notify, upload_id, upload.transport)
    return upload


@router.post("/uploads/{upload_id}/undo", responses=_ACTION_RESPONSES, summary="Take back a completed upload")
async def undo_upload(upload_id: uuid.UUID, runtime: RuntimeDep, tenant: TenantDep) -> Upload:
    """All rows of a completed upload disappear at once; it becomes `undone`."""
    await asyncio.to_thread(undo, runtime.engine, runtime.registry, upload_id, tenant.name)
    return await load_upload(runtime.read_engine, upload_id, tenant)
