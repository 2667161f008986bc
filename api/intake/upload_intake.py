"""A request with a file: the API stores the bytes, commits the upload, notifies a loader, then answers."""

import asyncio
from typing import Annotated, Any, Protocol

import structlog
from fastapi import BackgroundTasks, Header, Query, Request, Response
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from api.dependencies import Tenant
from api.description.schemas.uploads import Upload
from api.intake.upload_quota import ByteMeter, upload_quota
from api.listings.upload_documents import load_upload, upload_path
from api.runtime import Runtime
from shared.csv.compression.registry import ENDINGS_IN_WORDS, FILENAME_PATTERN
from shared.database.tenancy import tenant_transaction
from shared.failpoints import reach
from shared.ingest.intake import idempotency
from shared.ingest.intake.file_intake import StagedFile
from shared.ingest.intake.idempotency import Reservation
from shared.ingest.intake.registration import Registered
from shared.messaging import Transport
from shared.observability.spans import Kind, span, span_of_upload
from shared.storage.protocol import remove_object

log = structlog.get_logger()

Filename = Annotated[
    str | None,
    Query(
        max_length=1024,
        description=f"Name of the file: it ends with {ENDINGS_IN_WORDS}. Takes precedence over any other name.",
        examples=["movies.csv"],
        # Documented but not enforced here: other names get an error code of their own.
        json_schema_extra={"pattern": FILENAME_PATTERN},
    ),
]
Member = Annotated[
    str | None,
    Query(
        max_length=1024,
        description="Which member of an archive is the table, by its whole name. By default the only .csv or .tsv; if"
        " there is none, the only member with another ending of tables.",
        examples=["data/movies.csv"],
    ),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        pattern=r"^[\x21-\x7e]{1,255}$",
        description="A client that repeats a request with the same key within a week gets the same upload and answer."
        " A key has up to 255 visible ASCII characters and no space.",
    ),
]


class FileRequest(Protocol):
    """A request with a file, and its options."""

    @property
    def request(self) -> Request:
        """The HTTP request."""

    @property
    def runtime(self) -> Runtime:
        """The application's runtime."""

    @property
    def tenant(self) -> Tenant:
        """The owner of the file."""

    @property
    def transport(self) -> Transport:
        """How loaders are notified of the upload."""

    @property
    def idempotency_key(self) -> str | None:
        """The client's key, if it sent one."""

    async def stage(self, meter: ByteMeter, reservation: Reservation | None) -> StagedFile:
        """Store the file."""

    def register(self, connection: Connection, staged: StagedFile) -> Registered:
        """Insert the upload in the caller's transaction."""

    def fingerprint(self, staged: StagedFile) -> str:
        """Equal for equal requests."""


async def intake_upload(upload: FileRequest, response: Response, background: BackgroundTasks) -> Upload:
    """Store, commit, notify and answer; with an idempotency key only once. Raises `IngestError`, `UnreadableFile`."""
    async with upload_quota(upload.request, upload.runtime, upload.tenant.name) as meter:
        return await _intake_once(upload, meter, response, background)


async def _intake_once(
    upload: FileRequest, meter: ByteMeter, response: Response, background: BackgroundTasks
) -> Upload:
    if upload.idempotency_key is None:
        with span("intake"):
            staged = await upload.stage(meter, None)
        return await _finish(upload, staged, None, response, background)
    reservation = await asyncio.to_thread(
        idempotency.reserve, upload.runtime.request_engine, upload.tenant.name, upload.idempotency_key
    )
    if reservation.upload_id is not None:
        return await _answer_again(upload, meter, reservation, response)
    try:
        with span("intake"):
            staged = await upload.stage(meter, reservation)
        return await _finish(upload, staged, reservation, response, background)
    except BaseException:
        await asyncio.shield(asyncio.to_thread(_release, upload, reservation))
        raise


async def _finish(
    upload: FileRequest,
    staged: StagedFile,
    reservation: Reservation | None,
    response: Response,
    background: BackgroundTasks,
) -> Upload:
    """The steps after the last byte: commit, notify, answer."""
    reach("intake.stored")
    with span("register") as registering:
        registered = await asyncio.to_thread(_register, upload, staged, reservation)
        if registering is not None and not registered.deduplicated:  # what loads it names this span as its parent
            registering.span_id = span_of_upload(registered.upload_id)
    reach("intake.registered")
    if registered.deduplicated:
        await asyncio.to_thread(remove_object, upload.runtime.storage, staged.storage_key)
        response.status_code = 200
    else:
        await _notify(upload, registered, background)
        reach("intake.notified")
    answer = await load_upload(upload.runtime.read_engine, registered.upload_id, upload.tenant)
    answer.deduplicated = registered.deduplicated
    if reservation is not None:
        document = {"status": response.status_code or 202, "body": answer.model_dump(mode="json")}
        await asyncio.to_thread(idempotency.keep_answer, upload.runtime.request_engine, reservation, document)
    response.headers["Location"] = upload.tenant.address(upload_path(registered.upload_id))
    return answer


def _register(upload: FileRequest, staged: StagedFile, reservation: Reservation | None) -> Registered:
    """Commit the upload; remove the file if an error occurs before the COMMIT.

    If the answer to the COMMIT is lost, the API cannot know whether PostgreSQL carried it out, so it keeps the file. If
    it did, the upload will be loaded, and a client that sends the file again gets that upload. If it did not, the sweep
    removes the file as an orphan.
    """
    is_committing = False
    try:
        with tenant_transaction(upload.runtime.request_engine, upload.tenant.name) as connection:
            registered = upload.register(connection, staged)
            if reservation is not None:
                fingerprint = upload.fingerprint(staged)
                idempotency.complete(connection, reservation, fingerprint, registered.upload_id)
            is_committing = True
    except Exception:
        if not is_committing:
            remove_object(upload.runtime.storage, staged.storage_key)
        raise
    return registered


async def _answer_again(upload: FileRequest, meter: ByteMeter, reservation: Reservation, response: Response) -> Upload:
    """Answer a request whose key was used before: read its file only to compare it, then repeat the earlier answer."""
    staged = await upload.stage(meter, None)
    await asyncio.to_thread(remove_object, upload.runtime.storage, staged.storage_key)
    reservation.verify(upload.fingerprint(staged))
    assert reservation.upload_id is not None
    response.headers["Location"] = upload.tenant.address(upload_path(reservation.upload_id))
    stored: dict[str, Any] | None = reservation.answer
    if stored is None:  # the API died between its commit and its answer
        return await load_upload(upload.runtime.read_engine, reservation.upload_id, upload.tenant)
    response.status_code = stored["status"]
    return Upload.model_validate(stored["body"])


def _release(upload: FileRequest, reservation: Reservation) -> None:
    try:
        idempotency.release(upload.runtime.request_engine, reservation)
    except SQLAlchemyError as error:  # its lease ends by itself
        log.warning("idempotency_key_not_released", error=type(error).__name__)


async def _notify(upload: FileRequest, registered: Registered, background: BackgroundTasks) -> None:
    # The API notifies a background loader after the answer, in a background task of the request. It sends a Celery
    # message before the answer, within notify_timeout_seconds. If either is lost, the sweep notifies again.
    notifiers, transport = upload.runtime.notifiers, upload.transport
    if transport is Transport.CELERY:
        with span("notify", Kind.PRODUCER):
            await asyncio.to_thread(notifiers.notify, registered.upload_id, transport)
    else:
        background.add_task(notifiers.notify, registered.upload_id, transport)
