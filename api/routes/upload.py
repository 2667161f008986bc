"""POST and PUT /upload: the bytes are stored, the upload is committed, the bell rings, then comes the answer."""

from dataclasses import asdict, dataclass, replace
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, Query, Request, Response
from sqlalchemy import Connection

from api.accepting import Filename, IdempotencyKey, accept_file
from api.admission import ByteMeter
from api.dependencies import RuntimeDep, TenantDep
from api.errors import UnknownDataset
from api.links import UPLOAD_LINKS
from api.openapi import UPLOAD_BODY, Responses, problems
from api.receiving import receive_file
from api.schemas import Upload
from api.text_options import TextOptions
from shared.datasets import DATASETS
from shared.ingest.accept import ReceivedFile, Registered, UploadOptions, register
from shared.ingest.budget import Budget, OnError
from shared.ingest.idempotency import Reservation, fingerprint_of
from shared.ingest.mend import recognise_upload

router = APIRouter(prefix="/api/v1", tags=["upload"])

_LOCATION = {"Location": {"description": "Address of the upload.", "required": True, "schema": {"type": "string"}}}
_RESPONSES: Responses = {
    200: {
        "description": "The same bytes were sent before; this is that upload.",
        "model": Upload,
        "headers": _LOCATION,
        "links": UPLOAD_LINKS,
    },
    202: {
        "description": "Stored and committed: it will be loaded whatever happens now.",
        "headers": _LOCATION,
        "links": UPLOAD_LINKS,
    },
    **problems(400, 409, 413, 415, 503, 507),
}


@dataclass(frozen=True)
class UploadRequest:
    """One upload as it was asked for; options stand in the query only, so they are known before the first byte."""

    request: Request
    runtime: RuntimeDep
    tenant: TenantDep
    text: Annotated[TextOptions, Depends()]
    use_celery: Annotated[
        bool, Query(description="true: a Celery worker loads it; false: the API's own background loader.")
    ] = False
    dataset: Annotated[
        str | None,
        Query(
            max_length=63,
            description="Name from GET /datasets; by default the header decides.",
            json_schema_extra={"enum": sorted(DATASETS)},  # what is none of them has a code of its own
        ),
    ] = None
    filename: Filename = None
    force: Annotated[bool, Query(description="Load the file even though the same bytes were loaded before.")] = False
    on_error: Annotated[
        OnError | None, Query(description="abort: the first rejected record fails the upload. Default: skip.")
    ] = None
    max_rejects: Annotated[
        str | None,
        Query(
            pattern=r"^([0-9]{1,15}|[0-9]{1,3}(\.[0-9]{1,6})?%)$",
            description="More rejected records fail the upload: a count or a percentage.",
            examples=["100", "2.5%"],
        ),
    ] = None
    idempotency_key: IdempotencyKey = None

    @property
    def options(self) -> UploadOptions:
        """What the use case needs of it."""
        settings = self.runtime.settings
        return UploadOptions(
            tenant=self.tenant.name,
            use_celery=self.use_celery,
            trace_id=str(self.request.state.trace_id),
            forced=self.force,
            budget=Budget.parse(self.on_error or settings.on_error, self.max_rejects or settings.max_rejects),
        )

    async def receive(self, meter: ByteMeter, reservation: Reservation | None) -> ReceivedFile:
        """See `receive_file`; raises `UnknownDataset` and `UnknownEncoding` before the first byte."""
        if self.dataset is not None and self.dataset not in DATASETS:
            raise UnknownDataset("There is no dataset of this name.", {"known": sorted(DATASETS)})
        wanted = replace(self.text.wanted(self.dataset), recognise=recognise_upload)
        return await receive_file(self.request, self.runtime, self.filename, wanted, meter, reservation)

    def register(self, connection: Connection, received: ReceivedFile) -> Registered:
        """See `accept.register`."""
        return register(connection, received, self.options)

    def fingerprint(self, received: ReceivedFile) -> str:
        """Equal for equal requests."""
        asked = ("use_celery", "dataset", "filename", "force", "on_error", "max_rejects")
        return fingerprint_of(received.sha256, {name: getattr(self, name) for name in asked} | asdict(self.text))


UploadDep = Annotated[UploadRequest, Depends()]


@router.post(
    "/upload",
    status_code=202,
    responses=_RESPONSES,
    openapi_extra=UPLOAD_BODY,
    summary="Upload a file, as a form or as the raw body",
)
async def post_upload(upload: UploadDep, response: Response, background: BackgroundTasks) -> Upload:
    """Stream a file in; it is loaded afterwards. Follow `Location` until `state` is neither queued nor loading.

    `curl -F file=@movies.csv http://127.0.0.1:8000/api/v1/upload`
    """
    return await accept_file(upload, response, background)


@router.put(
    "/upload",
    status_code=202,
    responses=_RESPONSES,
    openapi_extra=UPLOAD_BODY,
    summary="Upload a file as the raw body",
)
async def put_upload(upload: UploadDep, response: Response, background: BackgroundTasks) -> Upload:
    """The same as POST, for clients that put: `curl -T movies.csv '.../api/v1/upload?filename=movies.csv'`."""
    return await accept_file(upload, response, background)
