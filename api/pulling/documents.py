"""Shapes rows of sources and pulls for a client."""

import uuid
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from api.dependencies import Tenant
from api.description.schemas.sources import Pull, PullLinks, Source, SourceLinks
from api.description.schemas.uploads import UploadError
from api.listings.upload_documents import upload_path
from shared.database.models import PullState
from shared.database.queries.pulling.sources import FETCHING, pull_by_id, source_by_name
from shared.database.tenancy import tenant_reading
from shared.errors import NotFound
from shared.ingest.pulling.asking import no_such_source
from shared.ingest.pulling.options import PullOptions
from shared.messaging import Transport

_SOURCES: Final = "/api/v1/sources"
_PULLS: Final = "/api/v1/pulls"


async def load_pull(engine: AsyncEngine, pull_id: uuid.UUID, tenant: Tenant) -> Pull:
    """The pull as it is now; raises `NotFound`."""
    async with tenant_reading(engine, tenant.name) as connection:
        row = (await connection.execute(pull_by_id(tenant.name, pull_id))).one_or_none()
    if row is None:
        raise NotFound("There is no pull with this id.")
    return pull_of(row, tenant)


async def load_source(engine: AsyncEngine, name: str, tenant: Tenant) -> Row[Any]:
    """The row of a source; raises `NotFound`."""
    async with tenant_reading(engine, tenant.name) as connection:
        row: Row[Any] | None = (await connection.execute(source_by_name(tenant.name, name))).one_or_none()
    if row is None:
        raise no_such_source()
    return row


def pull_of(row: Row[Any], tenant: Tenant) -> Pull:
    """Shape a row of `queries.pulling`."""
    waits = row.state in (PullState.WAITING, FETCHING)
    error = None if row.error_code is None else UploadError(code=row.error_code, message=row.error_message)
    upload = None if row.upload_id is None else tenant.address(upload_path(row.upload_id))
    return Pull(
        id=row.id,
        tenant=row.tenant,
        source=row.source,
        url=row.address,
        filename=PullOptions.from_json(row.parameters).filename,
        state=row.state,
        transport=row.transport,
        attempts=row.attempts,
        upload_id=row.upload_id,
        size_bytes=row.size_bytes,
        error=error,
        created_at=row.created_at,
        next_attempt_at=row.next_attempt_at if waits else None,
        ended_at=row.ended_at,
        links=PullLinks(self=tenant.address(f"{_PULLS}/{row.id}"), upload=upload),
    )


def source_of(row: Row[Any], tenant: Tenant) -> Source:
    """Shape a row of `queries.pulling`."""
    options, path = PullOptions.from_json(row.parameters), f"{_SOURCES}/{row.name}"
    links = SourceLinks(
        self=tenant.address(path), runs=tenant.address(f"{path}/runs"), run=tenant.address(f"{path}/run")
    )
    return Source(
        name=row.name,
        tenant=row.tenant,
        url=row.address,
        filename=options.filename,
        dataset=options.reading.dataset,
        member=options.reading.member,
        mode=options.mode,
        on_error=options.on_error,
        max_rejects=options.max_rejects,
        use_celery=row.transport == Transport.CELERY,
        every_minutes=row.every_minutes,
        next_run_at=row.next_run_at,
        etag=row.etag,
        last_modified=row.last_modified,
        upload_id=row.upload_id,
        created_at=row.created_at,
        links=links,
    )
