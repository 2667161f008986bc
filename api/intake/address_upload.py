"""An upload by address: the request names where the file is, and a pull is what it gets."""

import asyncio
import uuid
from typing import Final

from fastapi import Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.requests import Request

from api.description.schemas.sources import AddressBody, Pull
from api.http_errors import BodyTooLarge, FilenameRequired
from api.intake.filenames import clean_filename
from api.intake.request_body import RequestBody
from api.intake.upload_quota import pull_slot
from api.intake.upload_request import UploadRequest, require_dataset
from api.pulling.documents import load_pull
from api.tenant_datasets import registry_of
from shared.database.tenancy import tenant_transaction
from shared.fetching.address import last_segment
from shared.ingest.pulling.asking import Asked, pull_once
from shared.ingest.pulling.options import PullOptions

JSON_TYPE: Final = "application/json"
_MOST_BYTES: Final = 16 * 1024


def names_address(request: Request) -> bool:
    """Whether the body is a JSON document, which no file is."""
    media_type: str = request.headers.get("content-type", "")
    return media_type.partition(";")[0].strip().lower() == JSON_TYPE


def filename_at(address: str, given: str | None) -> str:
    """The name of the file at an address; raises `FilenameRequired`."""
    name = clean_filename(given or last_segment(address))
    if not name:
        raise FilenameRequired("The address ends with no file name: say it, as filename=movies.csv.")
    return name


async def ask_for_pull(upload: UploadRequest, response: Response) -> Pull:
    """Register a pull of the address in the body.

    Raises `PullingOff`, `AddressForbidden`, `LimitReached`, and what an upload raises before its first byte.
    """
    body = _parsed(await _read(upload.request))
    tenant, runtime = upload.tenant, upload.runtime
    require_dataset(await registry_of(runtime, tenant.name), upload.dataset)
    options = PullOptions(
        filename=filename_at(body.url, upload.filename),
        reading=upload.reading,
        mode=upload.mode,
        plan=upload.plan,
        force=upload.force,
        on_error=upload.on_error,
        max_rejects=upload.max_rejects,
    )
    asked = Asked(tenant.name, body.url, options, upload.transport)
    await asyncio.to_thread(asked.require_possible, runtime.settings)

    def ask() -> uuid.UUID:
        with tenant_transaction(runtime.request_engine, tenant.name) as connection:
            return pull_once(connection, asked, str(upload.request.state.trace_id), upload.idempotency_key)

    async with pull_slot(upload.request, runtime, tenant.name):
        pull_id = await asyncio.to_thread(ask)
    pull = await load_pull(runtime.read_engine, pull_id, tenant)
    response.headers["Location"] = pull.links.self
    return pull


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in RequestBody(request).chunks():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise BodyTooLarge(f"The document with the address may have at most {_MOST_BYTES} bytes.")
    return bytes(body)


def _parsed(body: bytes) -> AddressBody:
    try:
        return AddressBody.model_validate_json(body)
    except ValidationError as error:
        details = [{**detail, "loc": ("body", *detail["loc"])} for detail in error.errors(include_context=False)]
        raise RequestValidationError(details) from error
