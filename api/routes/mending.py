"""POST /uploads/{id}/rejects: rejected records come back mended, and become records of the upload they are from."""

import asyncio
import uuid
from dataclasses import asdict, dataclass, replace
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, Query, Request, Response
from sqlalchemy import Connection, Engine

from api.accepting import Filename, IdempotencyKey, accept_file
from api.admission import ByteMeter
from api.dependencies import RuntimeDep, Tenant, TenantDep
from api.links import UPLOAD_LINKS
from api.openapi import MEND_BODY, Responses, problems
from api.receiving import receive_file
from api.runtime import Runtime
from api.schemas import Upload
from api.text_options import TextOptions
from shared.database.tenancy import tenant_transaction
from shared.errors import TooLarge
from shared.ingest.accept import ReceivedFile, Registered, UploadOptions
from shared.ingest.idempotency import Reservation, fingerprint_of
from shared.ingest.mend import Mendable, find_mendable, limited, recognise_mended, register_mending
from shared.ingest.sheet import written_for_a_sheet

router = APIRouter(prefix="/api/v1", tags=["uploads"])

_RESPONSES: Responses = {
    202: {
        "description": "Stored and committed: an upload of its own, whose records will be loaded into the mended one.",
        "headers": {
            "Location": {"description": "Address of the new upload.", "required": True, "schema": {"type": "string"}}
        },
        "links": UPLOAD_LINKS,
    },
    **problems(400, 404, 409, 413, 415, 503, 507),
}


@dataclass(frozen=True)
class MendOptions:
    """What the client asked for; in the query, so that it is known before the first byte."""

    text: Annotated[TextOptions, Depends()]
    use_celery: Annotated[
        bool | None, Query(description="Who loads it; by default as the mended upload was loaded.")
    ] = None
    filename: Filename = None
    idempotency_key: IdempotencyKey = None


@dataclass(frozen=True)
class Mending:
    """One mending as it was asked for."""

    request: Request
    runtime: Runtime
    tenant: Tenant
    options: MendOptions
    mendable: Mendable

    @property
    def use_celery(self) -> bool:
        """As asked for, or as the mended upload was loaded."""
        chosen = self.options.use_celery
        return self.mendable.use_celery if chosen is None else chosen

    @property
    def idempotency_key(self) -> str | None:
        """The client's, if it has one."""
        return self.options.idempotency_key

    async def receive(self, meter: ByteMeter, reservation: Reservation | None) -> ReceivedFile:
        """See `receive_file`."""
        limits = limited(self.runtime.settings)
        wanted = self.options.text.wanted(self.mendable.dataset)
        is_told = wanted.delimiter is not None or wanted.quoting is not None
        like = None if is_told else self.mendable.dialect
        wanted = replace(wanted, recognise=recognise_mended, written=written_for_a_sheet, like=like)
        try:
            return await receive_file(
                self.request, self.runtime, self.options.filename, wanted, meter, reservation, limits
            )
        except TooLarge as error:
            message = f"Mended records come in files of at most {limits.max_upload_bytes:,} bytes: send them in parts."
            raise TooLarge(message, error.fields) from error

    def register(self, connection: Connection, received: ReceivedFile) -> Registered:
        """See `mend.register_mending`."""
        options = UploadOptions(self.tenant.name, self.use_celery, str(self.request.state.trace_id))
        return register_mending(connection, received, options, self.mendable)

    def fingerprint(self, received: ReceivedFile) -> str:
        """Equal for equal requests."""
        asked = {"use_celery": self.options.use_celery, "filename": self.options.filename}
        return fingerprint_of(received.sha256, {**asked, **asdict(self.options.text), "mends": str(self.mendable.id)})


@router.post(
    "/uploads/{upload_id}/rejects",
    status_code=202,
    responses=_RESPONSES,
    openapi_extra=MEND_BODY,
    summary="Send rejected records back, mended",
)
async def mend_rejects(
    *,
    upload_id: uuid.UUID,
    request: Request,
    runtime: RuntimeDep,
    tenant: TenantDep,
    options: Annotated[MendOptions, Depends()],
    response: Response,
    background: BackgroundTasks,
) -> Upload:
    """Send the CSV of the rejects with its records mended; `_line` says which record each one is.

    What is sound now is loaded into the upload, as if it had been so from the beginning: fewer are rejected and more
    loaded. The answer is an upload of its own; follow `Location`. What is still wrong is rejected there, and stays
    among the rejects of the mended upload: take it from there again.
    """
    mendable = await asyncio.to_thread(_find, runtime.request_engine, upload_id, tenant.name)
    return await accept_file(Mending(request, runtime, tenant, options, mendable), response, background)


def _find(engine: Engine, upload_id: uuid.UUID, tenant: str) -> Mendable:
    with tenant_transaction(engine, tenant) as connection:
        return find_mendable(connection, upload_id, tenant)
