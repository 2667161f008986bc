"""A request that edits one record: quotas, the idempotency key, and the process that carries it out."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import structlog
from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError

from api.intake.upload_quota import upload_quota
from api.runtime import Runtime
from shared.database.queries.uploads import upload_by_id
from shared.database.tenancy import tenant_reading
from shared.ingest.intake import idempotency
from shared.ingest.intake.idempotency import Reservation, fingerprint_of
from shared.ingest.manual.edit import FIRST_LINE, Edit, Edited

log = structlog.get_logger()


@dataclass(frozen=True)
class Written:
    """The answer to an edit: its status, its headers, and its body."""

    status: int
    headers: dict[str, str]
    body: Any


async def apply_edit(request: Request, runtime: Runtime, edit: Edit) -> Edited:
    """Carry the edit out within the quotas of the client; raises what `Edits.apply` and `upload_quota` raise."""
    async with upload_quota(request, runtime, edit.tenant) as meter:
        await meter.add(len(await request.body()))
        await meter.settle()
        return await runtime.edits.apply(edit)


async def apply_once(
    request: Request, runtime: Runtime, edit: Edit, key: str, answer: Callable[[Edited], Awaitable[Written]]
) -> Written:
    """The same for a request with an idempotency key: a second one gets the answer of the first.

    `answer` makes it. Raises `KeyInUse` and `KeyReused` as well.
    """
    fingerprint = _fingerprint(edit)
    reservation = await asyncio.to_thread(idempotency.reserve, runtime.request_engine, edit.tenant, key)
    if reservation.upload_id is not None:
        reservation.verify(fingerprint)
        return await _answer_again(runtime, reservation, answer)
    try:
        edited = await apply_edit(request, runtime, replace(edit, reservation=reservation, fingerprint=fingerprint))
    except BaseException:
        await asyncio.shield(asyncio.to_thread(_release, runtime, reservation))
        raise
    written = await answer(edited)
    document = {"status": written.status, "headers": written.headers, "body": written.body}
    await asyncio.to_thread(idempotency.keep_answer, runtime.request_engine, reservation, document)
    return written


async def _answer_again(
    runtime: Runtime, reservation: Reservation, answer: Callable[[Edited], Awaitable[Written]]
) -> Written:
    stored, upload_id = reservation.answer, reservation.upload_id
    if stored is not None:
        return Written(stored["status"], stored.get("headers", {}), stored["body"])
    assert upload_id is not None
    # The API died between the commit and its answer.
    async with tenant_reading(runtime.read_engine, reservation.tenant) as connection:
        upload = (await connection.execute(upload_by_id(upload_id, reservation.tenant))).one()
    return await answer(Edited(upload_id, upload.first_id + FIRST_LINE))


def _fingerprint(edit: Edit) -> str:
    content = json.dumps(edit.values, sort_keys=True)  # ASCII, whatever the texts are
    return fingerprint_of(hashlib.sha256(content.encode()).hexdigest(), {"dataset": edit.dataset, "edit": "new"})


def _release(runtime: Runtime, reservation: Reservation) -> None:
    try:
        idempotency.release(runtime.request_engine, reservation)
    except SQLAlchemyError as error:  # its lease ends by itself
        log.warning("idempotency_key_not_released", error=type(error).__name__)
