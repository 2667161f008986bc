"""POST and PUT /upload: the API stores the bytes, commits the upload, notifies a loader, then answers."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, Response

from api.description.openapi import FILE_OR_ADDRESS_BODY, UPLOAD_BODY, Responses, problems
from api.description.openapi_links import UPLOAD_LINKS
from api.description.schemas.sources import Pull
from api.description.schemas.uploads import Upload
from api.intake.address_upload import ask_for_pull, names_address
from api.intake.upload_intake import intake_upload
from api.intake.upload_request import UploadRequest

router = APIRouter(prefix="/api/v1", tags=["upload"])

LOCATION = {"Location": {"description": "Address of the upload.", "required": True, "schema": {"type": "string"}}}
_RESPONSES: Responses = {
    200: {
        "description": "The same bytes were uploaded before; this is the earlier upload.",
        "model": Upload,
        "headers": LOCATION,
        "links": UPLOAD_LINKS,
    },
    202: {
        "description": "Stored and committed: the upload will be loaded, even after a crash.",
        "headers": LOCATION,
        "links": UPLOAD_LINKS,
    },
    **problems(400, 403, 409, 413, 415, 431, 503, 507),
}


UploadDep = Annotated[UploadRequest, Depends()]


@router.post(
    "/upload",
    status_code=202,
    responses=_RESPONSES,
    openapi_extra=FILE_OR_ADDRESS_BODY,
    summary="Upload a file as a form, as the raw body, or by its address",
)
async def post_upload(upload: UploadDep, response: Response, background: BackgroundTasks) -> Upload | Pull:
    """Upload a file, which is then loaded in the background. Poll `Location` until `state` is not queued or loading.

    `curl -F file=@movies.csv http://127.0.0.1:8000/api/v1/upload`

    A JSON document with a `url` is an upload by address: the service fetches the file itself. The answer is a pull,
    which leads to the upload as soon as the bytes are there.
    """
    if names_address(upload.request):
        return await ask_for_pull(upload, response)
    return await intake_upload(upload, response, background)


@router.put(
    "/upload",
    status_code=202,
    responses=_RESPONSES,
    openapi_extra=UPLOAD_BODY,
    summary="Upload a file as the raw body",
)
async def put_upload(upload: UploadDep, response: Response, background: BackgroundTasks) -> Upload:
    """The same as POST, for clients that use PUT: `curl -T movies.csv '.../api/v1/upload?filename=movies.csv'`."""
    return await intake_upload(upload, response, background)
