"""A request that brings a file: the bytes are stored, the upload is committed, the bell rings, then it answers."""

import asyncio
from typing import Annotated, Any, Protocol

import structlog
from fastapi import BackgroundTasks, Header, Query, Request, Response
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from api.admission import ByteMeter, admitted
from api.dependencies import Tenant
from api.runtime import Runtime
from api.schemas import Upload
from api.uploads_view import load_upload, upload_path
from shared.database.tenancy import tenant_transaction
from shared.failpoints import reach
from shared.ingest import idempotency
from shared.ingest.accept import ReceivedFile, Registered
from shared.ingest.idempotency import Reservation

log = structlog.get_logger()

Filename = Annotated[
    str | None,
    Query(
        max_length=1024,
        description="Name of the file: .csv, .tsv, or either with .gz. Counts more than any other name.",
        examples=["movies.csv"],
        # What is none of these names has a code of its own, and may still be the name of what is in it.
        json_schema_extra={"pattern": r"[^/\\.\s]\.([Cc][Ss][Vv]|[Tt][Ss][Vv])(\.[Gg][Zz])?\s*$"},
    ),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        pattern=r"^[\x21-\x7e]{1,255}$",
        description="The same key and the same request give the same upload and answer again, for a week.",
    ),
]


class FileRequest(Protocol):
    """A request that brings a file, and what it wants of it."""

    @property
    def request(self) -> Request:
        """The request itself."""

    @property
    def runtime(self) -> Runtime:
        """The application's."""

    @property
    def tenant(self) -> Tenant:
        """Whose file it is."""

    @property
    def use_celery(self) -> bool:
        """Who loads it."""

    @property
    def idempotency_key(self) -> str | None:
        """The client's, if it has one."""

    async def receive(self, meter: ByteMeter, reservation: Reservation | None) -> ReceivedFile:
        """Store the file."""

    def register(self, connection: Connection, received: ReceivedFile) -> Registered:
        """Write the upload, in the caller's transaction."""

    def fingerprint(self, received: ReceivedFile) -> str:
        """Equal for equal requests."""


async def accept_file(upload: FileRequest, response: Response, background: BackgroundTasks) -> Upload:
    """Receive, commit, ring, answer; with an idempotency key all of it once. Raises what its parts raise."""
    async with admitted(upload.request, upload.runtime, upload.tenant.name) as meter:
        return await _accept(upload, meter, response, background)


async def _accept(upload: FileRequest, meter: ByteMeter, response: Response, background: BackgroundTasks) -> Upload:
    if upload.idempotency_key is None:
        received = await upload.receive(meter, None)
        return await _finish(upload, received, None, response, background)
    reservation = await asyncio.to_thread(
        idempotency.reserve, upload.runtime.request_engine, upload.tenant.name, upload.idempotency_key
    )
    if reservation.upload_id is not None:
        return await _answer_again(upload, meter, reservation, response)
    try:
        received = await upload.receive(meter, reservation)
        return await _finish(upload, received, reservation, response, background)
    except BaseException:
        await asyncio.shield(asyncio.to_thread(_release, upload, reservation))
        raise


async def _finish(
    upload: FileRequest,
    received: ReceivedFile,
    reservation: Reservation | None,
    response: Response,
    background: BackgroundTasks,
) -> Upload:
    """Everything after the last byte: commit, ring, answer."""
    reach("accept.stored")
    registered = await asyncio.to_thread(_register, upload, received, reservation)
    reach("accept.registered")
    if registered.deduplicated:
        await asyncio.to_thread(upload.runtime.storage.delete, received.storage_key)
        response.status_code = 200
    else:
        await _ring(upload, registered, background)
        reach("accept.rung")
    answer = await load_upload(upload.runtime.read_engine, registered.upload_id, upload.tenant)
    answer.deduplicated = registered.deduplicated
    if reservation is not None:
        document = {"status": response.status_code or 202, "body": answer.model_dump(mode="json")}
        await asyncio.to_thread(idempotency.keep_answer, upload.runtime.request_engine, reservation, document)
    response.headers["Location"] = upload.tenant.address(upload_path(registered.upload_id))
    return answer


def _register(upload: FileRequest, received: ReceivedFile, reservation: Reservation | None) -> Registered:
    """Commit the upload; the file is removed only if that was not even tried.

    When the answer to a COMMIT is lost, nobody knows whether it was carried out: then the file stays. Either the upload
    is there and will be loaded, and a client that sends its file again is told so, or the file is removed as an orphan.
    """
    is_committing = False
    try:
        with tenant_transaction(upload.runtime.request_engine, upload.tenant.name) as connection:
            registered = upload.register(connection, received)
            if reservation is not None:
                fingerprint = upload.fingerprint(received)
                idempotency.complete(connection, reservation, fingerprint, registered.upload_id)
            is_committing = True
    except Exception:
        if not is_committing:
            upload.runtime.storage.delete(received.storage_key)
        raise
    return registered


async def _answer_again(upload: FileRequest, meter: ByteMeter, reservation: Reservation, response: Response) -> Upload:
    """The key was used before: receive the bytes only to see that they are the same, and say the same again."""
    received = await upload.receive(meter, None)
    await asyncio.to_thread(upload.runtime.storage.delete, received.storage_key)
    reservation.verify(upload.fingerprint(received))
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


async def _ring(upload: FileRequest, registered: Registered, background: BackgroundTasks) -> None:
    # The background loader is rung after the reply, as a background task of the request; a Celery message is sent
    # before it, within ring_timeout_seconds. If either is lost, the sweep rings again.
    bells = upload.runtime.bells
    if upload.use_celery:
        await asyncio.to_thread(bells.ring, registered.upload_id, use_celery=True)
    else:
        background.add_task(bells.ring, registered.upload_id, use_celery=False)
