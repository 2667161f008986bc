"""POST /reload: the tenant's default file, or the one in the body, takes the rows of its dataset over."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, Request, Response

from api.dependencies import RuntimeDep, TenantDep
from api.description.openapi import RELOAD_BODY, Responses, problems
from api.description.openapi_links import UPLOAD_LINKS
from api.description.schemas.uploads import Upload
from api.intake.default_file import DefaultFileRequest, has_file
from api.intake.table_parameters import TableParameters
from api.intake.text_parameters import TextParameters
from api.intake.upload_intake import Filename, IdempotencyKey, Member, intake_upload
from api.intake.upload_request import DatasetName, IsPlan, MaxRejects, UploadRequest, UseCelery, WhenRejected
from api.routes.upload import LOCATION
from shared.catalog.write_mode import WriteMode

router = APIRouter(prefix="/api/v1", tags=["upload"])

_RESPONSES: Responses = {
    202: {
        "description": "Stored and committed: the upload will be loaded, even after a crash.",
        "headers": LOCATION,
        "links": UPLOAD_LINKS,
    },
    **problems(400, 404, 409, 413, 415, 431, 503, 507),
}


@dataclass(frozen=True)
class ReloadRequest:
    """The parameters of an upload, but for what a reload decides: it replaces, and the same bytes are loaded again."""

    request: Request
    runtime: RuntimeDep
    tenant: TenantDep
    text: Annotated[TextParameters, Depends()]
    table: Annotated[TableParameters, Depends()]
    use_celery: UseCelery = False
    dataset: DatasetName = None
    filename: Filename = None
    member: Member = None
    on_error: WhenRejected = None
    max_rejects: MaxRejects = None
    plan: IsPlan = False
    idempotency_key: IdempotencyKey = None

    @property
    def upload(self) -> UploadRequest:
        """The upload of the file that the request brings, otherwise of the default file."""
        kind = UploadRequest if has_file(self.request) else DefaultFileRequest
        return kind(**vars(self), force=True, mode=WriteMode.REPLACE)


@router.post(
    "/reload",
    status_code=202,
    responses=_RESPONSES,
    openapi_extra=RELOAD_BODY,
    summary="Load the default file again, or a file instead of it",
)
async def reload(asked: Annotated[ReloadRequest, Depends()], response: Response, background: BackgroundTasks) -> Upload:
    """Load the file that an operator has set for the tenant, with `mode=replace`, whatever the mode of its dataset.

    A file in the body is loaded instead, once: it does not become the default. The same bytes are loaded again with
    each request; send an `Idempotency-Key` to repeat one. Parameters that say how a file is read count more than those
    that were set with the default file. Answer, quotas and errors are those of `POST /upload`.

    `curl -X POST http://127.0.0.1:8000/api/v1/reload`
    """
    return await intake_upload(asked.upload, response, background)
