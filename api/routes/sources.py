"""Sources: name addresses, let them be pulled by schedule or now, and see what came of it."""

import asyncio
import uuid
from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import Connection

from api.dependencies import RuntimeDep, TenantDep
from api.description.openapi import LINK_HEADER, Responses, problems
from api.description.openapi_links import PULL_LINKS, linked
from api.description.schemas.sources import Pull, PullPage, Source, SourceBody, SourceChanges, SourceFile, Sources
from api.http_errors import ScheduleIncomplete
from api.intake.address_upload import filename_at
from api.intake.upload_quota import pull_slot
from api.intake.upload_request import require_dataset
from api.listings.paging import PageNumber, PageSize, link_header, offset_of, page_links
from api.pulling.documents import load_pull, load_source, pull_of, source_of
from api.runtime import Runtime
from api.tenant_datasets import registry_of
from shared.database.queries.pulling.sources import pulls_count, pulls_of, sources_of
from shared.database.tenancy import tenant_reading, tenant_transaction
from shared.ingest.intake.default_files import ReadingOptions
from shared.ingest.pulling.asking import Asked, Schedule, change_source, create_source, delete_source, pull_source
from shared.ingest.pulling.options import PullOptions
from shared.messaging import Transport

router = APIRouter(prefix="/api/v1", tags=["sources"])

Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$", examples=["imdb-title-basics"])]

_LOCATION: Final[dict[str, Any]] = {
    "Location": {"description": "Address of what was made.", "required": True, "schema": {"type": "string"}}
}
_CREATED: Responses = {201: {"headers": _LOCATION}, **problems(400, 403, 409, 413, 415, 503)}
_ASKED: Responses = {202: {"headers": _LOCATION, "links": PULL_LINKS}, **problems(403, 404, 503)}


@router.get("/sources", responses=problems(503), summary="List sources")
async def list_sources(runtime: RuntimeDep, tenant: TenantDep) -> Sources:
    """The tenant's sources by name: at most a thousand."""
    async with tenant_reading(runtime.read_engine, tenant.name) as connection:
        rows = (await connection.execute(sources_of(tenant.name))).all()
    return Sources(items=[source_of(row, tenant) for row in rows])


@router.post("/sources", status_code=201, responses=_CREATED, summary="Name an address that is pulled by schedule")
async def add_source(runtime: RuntimeDep, tenant: TenantDep, body: SourceBody, response: Response) -> Source:
    """The file at the address is fetched every so many minutes, and loaded if it has changed since.

    A server that gives its files an `ETag` or a date is asked for changes only; of any other, the same bytes are not
    loaded twice.
    """
    asked = await _asked(runtime, tenant.name, body.url, body)
    schedule = _schedule(body.every_minutes, body.starts_at)
    await _write(runtime, tenant.name, lambda connection: create_source(connection, body.name, asked, schedule))
    source = source_of(await load_source(runtime.read_engine, body.name, tenant), tenant)
    response.headers["Location"] = source.links.self
    return source


@router.get("/sources/{name}", responses=problems(404, 503), summary="Show a source")
async def get_source(runtime: RuntimeDep, tenant: TenantDep, name: Name) -> Source:
    """Its address and schedule, and what was fetched last."""
    return source_of(await load_source(runtime.read_engine, name, tenant), tenant)


@router.patch("/sources/{name}", responses=problems(400, 403, 404, 413, 415, 503), summary="Change a source")
async def patch_source(runtime: RuntimeDep, tenant: TenantDep, name: Name, body: SourceChanges) -> Source:
    """What the document names changes, and the rest stays. A pull that waits already is not changed."""
    before = source_of(await load_source(runtime.read_engine, name, tenant), tenant)
    changes = body.model_dump(exclude_unset=True)
    url = changes.get("url") or before.url
    # a name that came of the former address is none of the new one
    if url != before.url:
        changes.setdefault("filename", None)
    file = SourceFile.model_validate(before.model_dump(include=set(SourceFile.model_fields)) | _named(changes))
    asked = await _asked(runtime, tenant.name, url, file)
    is_scheduled = {"every_minutes", "starts_at"} & set(changes)
    every_minutes = changes.get("every_minutes", before.every_minutes)
    schedule = _schedule(every_minutes, changes.get("starts_at")) if is_scheduled else None
    await _write(runtime, tenant.name, lambda connection: change_source(connection, name, asked, schedule))
    return source_of(await load_source(runtime.read_engine, name, tenant), tenant)


@router.delete("/sources/{name}", status_code=204, responses=problems(404, 503), summary="Delete a source")
async def remove_source(runtime: RuntimeDep, tenant: TenantDep, name: Name) -> None:
    """It is pulled no more, and the history of its pulls goes; what they have loaded stays."""
    await _write(runtime, tenant.name, lambda connection: delete_source(connection, tenant.name, name))


@router.post("/sources/{name}/run", status_code=202, responses=_ASKED, summary="Pull a source now")
async def run_source(
    *,
    request: Request,
    response: Response,
    runtime: RuntimeDep,
    tenant: TenantDep,
    name: Name,
    force: Annotated[bool, Query(description="Fetch and load the file even if it has not changed.")] = False,
) -> Pull:
    """Whatever its schedule is. If a pull of the source waits already, the answer is that one."""
    await load_source(runtime.read_engine, name, tenant)
    trace_id = str(request.state.trace_id)
    async with pull_slot(request, runtime, tenant.name):
        pull_id = await _write(
            runtime, tenant.name, lambda connection: pull_source(connection, tenant.name, name, trace_id, force=force)
        )
    pull = await load_pull(runtime.read_engine, pull_id, tenant)
    response.headers["Location"] = pull.links.self
    return pull


@router.get(
    "/sources/{name}/runs",
    responses={200: {"headers": LINK_HEADER}, **problems(404, 503)},
    summary="List the pulls of a source",
)
async def list_runs(
    *,
    request: Request,
    response: Response,
    runtime: RuntimeDep,
    tenant: TenantDep,
    name: Name,
    page: PageNumber = 1,
    page_size: PageSize = 20,
) -> PullPage:
    """The newest first: when it was pulled, and what came of it."""
    offset = offset_of(page, page_size)
    source = await load_source(runtime.read_engine, name, tenant)
    async with tenant_reading(runtime.read_engine, tenant.name, is_snapshot=True) as connection:
        total = (await connection.execute(pulls_count(tenant.name, source.id))).scalar_one()
        rows = (await connection.execute(pulls_of(tenant.name, source.id, page_size, offset))).all()
    response.headers.update(link_header(page_links(request, page, page_size, total)))
    return PullPage(items=[pull_of(row, tenant) for row in rows], total=total, page=page, page_size=page_size)


@router.get("/pulls/{pull_id}", responses={**linked(PULL_LINKS), **problems(404, 503)}, summary="Show a pull")
async def get_pull(runtime: RuntimeDep, tenant: TenantDep, pull_id: uuid.UUID) -> Pull:
    """A file that is fetched, or was. Poll it until `state` is not waiting or fetching; then `links.upload` goes on."""
    return await load_pull(runtime.read_engine, pull_id, tenant)


async def _asked(runtime: Runtime, tenant: str, url: str, file: SourceFile) -> Asked:
    """Raises `PullingOff`, `AddressForbidden`, `FilenameRequired`, `UnsupportedFile` and `UnknownDataset`."""
    require_dataset(await registry_of(runtime, tenant), file.dataset)
    options = PullOptions(
        filename=filename_at(url, file.filename),
        reading=ReadingOptions(dataset=file.dataset, member=file.member),
        mode=file.mode,
        on_error=file.on_error,
        max_rejects=file.max_rejects,
    )
    asked = Asked(tenant, url, options, Transport.of(use_celery=file.use_celery))
    await asyncio.to_thread(asked.require_possible, runtime.settings)
    return asked


def _named(changes: dict[str, Any]) -> dict[str, Any]:
    """Of the changes those of how files are read and loaded; a null is the default."""
    named = {name: value for name, value in changes.items() if name in SourceFile.model_fields}
    return {name: SourceFile.model_fields[name].default if value is None else value for name, value in named.items()}


def _schedule(every_minutes: int | None, starts_at: Any) -> Schedule:
    if every_minutes is None and starts_at is not None:
        raise ScheduleIncomplete("starts_at needs every_minutes.")
    return Schedule(every_minutes, starts_at)


async def _write(runtime: Runtime, tenant: str, write: Callable[[Connection], Any]) -> Any:
    def transaction() -> Any:
        with tenant_transaction(runtime.request_engine, tenant) as connection:
            return write(connection)

    return await asyncio.to_thread(transaction)
