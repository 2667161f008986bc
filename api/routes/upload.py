"""POST and PUT /upload: the bytes are stored, the upload is committed, the bell rings, then comes the answer."""

import asyncio
import uuid
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, Query, Request, Response

from api.dependencies import RuntimeDep, TenantDep
from api.errors import UnknownDataset
from api.openapi import UPLOAD_BODY, Responses, problems
from api.receiving import receive_file
from api.schemas import Upload
from api.uploads_view import load_upload, upload_path
from shared.datasets import DATASETS
from shared.ingest.accept import ReceivedFile, register

router = APIRouter(prefix="/api/v1", tags=["upload"])

_RESPONSES: Responses = {
    202: {
        "description": "Stored and committed: it will be loaded whatever happens now.",
        "headers": {"Location": {"description": "Address of the upload.", "schema": {"type": "string"}}},
    },
    **problems(400, 413, 415, 503, 507),
}


@dataclass(frozen=True)
class UploadRequest:
    """One upload as it was asked for; options stand in the query only, so they are known before the first byte."""

    request: Request
    runtime: RuntimeDep
    tenant: TenantDep
    use_celery: Annotated[
        bool, Query(description="true: a Celery worker loads it; false: the API's own background loader.")
    ] = False
    dataset: Annotated[
        str | None, Query(max_length=63, description="Name from GET /datasets; by default the header decides.")
    ] = None
    filename: Annotated[
        str | None,
        Query(
            max_length=1024,
            description="Name of the file: .csv, .tsv, or either with .gz. Counts more than any other name.",
            examples=["movies.csv"],
        ),
    ] = None


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
    return await _accept(upload, response, background)


@router.put(
    "/upload",
    status_code=202,
    responses=_RESPONSES,
    openapi_extra=UPLOAD_BODY,
    summary="Upload a file as the raw body",
)
async def put_upload(upload: UploadDep, response: Response, background: BackgroundTasks) -> Upload:
    """The same as POST, for clients that put: `curl -T movies.csv '.../api/v1/upload?filename=movies.csv'`."""
    return await _accept(upload, response, background)


async def _accept(upload: UploadRequest, response: Response, background: BackgroundTasks) -> Upload:
    if upload.dataset is not None and upload.dataset not in DATASETS:
        raise UnknownDataset("There is no dataset of this name.", {"known": sorted(DATASETS)})
    received = await receive_file(upload.request, upload.runtime, upload.filename, upload.dataset)
    upload_id = await _register(upload, received)
    await _ring(upload, upload_id, background)
    response.headers["Location"] = upload.tenant.address(upload_path(upload_id))
    return await load_upload(upload.runtime.read_engine, upload_id, upload.tenant)


async def _register(upload: UploadRequest, received: ReceivedFile) -> uuid.UUID:
    runtime, trace_id = upload.runtime, str(upload.request.state.trace_id)
    try:
        return await asyncio.to_thread(
            register, runtime.engine, received, upload.tenant.name, upload.use_celery, trace_id
        )
    except Exception:
        # The client is told to try again. Should the commit have gone through after all, its upload fails for want of
        # the file: better than loading the same rows twice.
        await asyncio.to_thread(runtime.storage.delete, received.storage_key)
        raise


async def _ring(upload: UploadRequest, upload_id: uuid.UUID, background: BackgroundTasks) -> None:
    # The background loader is rung after the reply, as a background task of the request; a Celery message is sent
    # before it, within ring_timeout_seconds. If either is lost, the sweep rings again.
    bells = upload.runtime.bells
    if upload.use_celery:
        await asyncio.to_thread(bells.ring, upload_id, use_celery=True)
    else:
        background.add_task(bells.ring, upload_id, use_celery=False)
