"""POST /uploads/{id}/rejects: a client sends rejected records back, corrected; they become records of that upload."""

import asyncio
import uuid
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, Query, Request, Response
from sqlalchemy import Connection, Engine

from api.dependencies import RuntimeDep, Tenant, TenantDep
from api.description.openapi import CORRECTION_BODY, Responses, problems
from api.description.openapi_links import UPLOAD_LINKS
from api.description.schemas.uploads import Upload
from api.intake.streaming import stage_file
from api.intake.text_parameters import TextParameters
from api.intake.upload_intake import Filename, IdempotencyKey, Member, intake_upload
from api.intake.upload_quota import ByteMeter
from api.runtime import Runtime
from api.tenant_datasets import registry_of
from shared.database.tenancy import tenant_transaction
from shared.errors import TooLarge
from shared.ingest.corrections.correction_intake import (
    Correctable,
    CorrectionHeader,
    find_correctable,
    limited,
    register_correction,
)
from shared.ingest.intake.file_intake import StagedFile
from shared.ingest.intake.idempotency import Reservation, fingerprint_of
from shared.ingest.intake.registration import Registered, UploadOptions
from shared.messaging import Transport

router = APIRouter(prefix="/api/v1", tags=["uploads"])

_RESPONSES: Responses = {
    202: {
        "description": "Stored and committed: an upload of its own, whose records will go into the corrected upload.",
        "headers": {
            "Location": {"description": "Address of the correction.", "required": True, "schema": {"type": "string"}}
        },
        "links": UPLOAD_LINKS,
    },
    **problems(400, 404, 409, 410, 413, 415, 431, 503, 507),
}


@dataclass(frozen=True)
class CorrectionOptions:
    """The options of a correction. They are query parameters, so that the API knows them before the first byte."""

    text: Annotated[TextParameters, Depends()]
    use_celery: Annotated[
        bool | None,
        Query(
            description="true: a Celery worker loads it; false: a background loader of the API. Default: as for the"
            " corrected upload."
        ),
    ] = None
    filename: Filename = None
    member: Member = None
    idempotency_key: IdempotencyKey = None


@dataclass(frozen=True)
class Correction:
    """One request for a correction."""

    request: Request
    runtime: Runtime
    tenant: Tenant
    options: CorrectionOptions
    correctable: Correctable

    @property
    def transport(self) -> Transport:
        """The transport that the client chose, else that of the corrected upload."""
        chosen = self.options.use_celery
        return self.correctable.transport if chosen is None else Transport.of(use_celery=chosen)

    @property
    def idempotency_key(self) -> str | None:
        """The client's key, if it sent one."""
        return self.options.idempotency_key

    async def stage(self, meter: ByteMeter, reservation: Reservation | None) -> StagedFile:
        """See `stage_file`."""
        limits = limited(self.runtime.settings)
        text = self.options.text.options
        has_dialect = text.delimiter is not None or text.quoting is not None
        text = replace(text, like=None if has_dialect else self.correctable.dialect)
        registry = await registry_of(self.runtime, self.tenant.name)
        matcher = CorrectionHeader(
            registry, self.correctable.dataset, self.correctable.mapping, self.correctable.schema
        )
        try:
            return await stage_file(
                self.request,
                self.runtime,
                self.options.filename,
                text,
                matcher,
                meter,
                reservation,
                limits,
                self.options.member,
            )
        except TooLarge as error:
            message = (
                f"A file of corrected records may have at most {limits.max_upload_bytes:,} bytes: send them in parts."
            )
            raise TooLarge(message, error.fields) from error

    def register(self, connection: Connection, staged: StagedFile) -> Registered:
        """See `register_correction`."""
        options = UploadOptions(self.tenant.name, self.transport, str(self.request.state.trace_id))
        return register_correction(connection, staged, options, self.correctable)

    def fingerprint(self, staged: StagedFile) -> str:
        """Equal for equal requests."""
        asked = {name: getattr(self.options, name) for name in ("use_celery", "filename", "member")}
        text = self.options.text.asked(staged.named_encoding)
        return fingerprint_of(staged.sha256, {**asked, **text, "corrects": str(self.correctable.id)})


@router.post(
    "/uploads/{upload_id}/rejects",
    status_code=202,
    responses=_RESPONSES,
    openapi_extra=CORRECTION_BODY,
    summary="Send rejected records back, corrected",
)
async def correct_rejects(
    *,
    upload_id: uuid.UUID,
    request: Request,
    runtime: RuntimeDep,
    tenant: TenantDep,
    options: Annotated[CorrectionOptions, Depends()],
    response: Response,
    background: BackgroundTasks,
) -> Upload:
    """Send the CSV of the rejects back with its records corrected; `_line` identifies each record.

    Records that are valid now are loaded into the upload, as if they had been valid from the beginning: its `rejected`
    goes down and its `loaded` goes up. The answer is an upload of its own; follow `Location`. Records that are still
    invalid are rejected there, and also stay among the rejects of the corrected upload, where you can download them
    again.
    """
    correctable = await asyncio.to_thread(_correctable, runtime.request_engine, upload_id, tenant.name)
    return await intake_upload(Correction(request, runtime, tenant, options, correctable), response, background)


def _correctable(engine: Engine, upload_id: uuid.UUID, tenant: str) -> Correctable:
    with tenant_transaction(engine, tenant) as connection:
        return find_correctable(connection, upload_id, tenant)
