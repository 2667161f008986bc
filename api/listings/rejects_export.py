"""The rejected records of an upload as a streamed file, which a client can correct and send back."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

from fastapi import Response
from fastapi.responses import StreamingResponse
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import Receive, Scope, Send

from api.dependencies import Tenant
from api.listings.upload_documents import no_such_upload
from api.runtime import Runtime
from shared.csv.dialect import Dialect
from shared.csv.encodings.names import charset_of
from shared.database.queries.rejects import FOLLOW_THE_KEY, RejectFilter, rejected_records_behind
from shared.database.queries.uploads import stored_file
from shared.database.tenancy import tenant_reading
from shared.errors import FileExpired, StoredFileCorrupt
from shared.ingest.corrections.rejects_file import Reason, RejectedRecord, RejectsFile
from shared.ingest.corrections.rejects_spreadsheet import SheetFile
from shared.storage.protocol import Reader, Storage

# Records with their reasons that are in memory at a time.
_RECORDS: Final = 1000


async def download(
    runtime: Runtime,
    upload_id: uuid.UUID,
    tenant: Tenant,
    column: str | None,
    code: str | None,
    *,
    is_for_spreadsheet: bool = False,
) -> Response:
    """The file as an attachment; raises `NotFound`, `FileExpired` and errors of the storage."""
    async with tenant_reading(runtime.read_engine, tenant.name) as connection:
        upload = (await connection.execute(stored_file(upload_id, tenant.name))).one_or_none()
    if upload is None:
        raise no_such_upload()
    dialect = Dialect.from_json(upload.dialect)
    stored = await asyncio.to_thread(_open, runtime.storage, upload.storage_key)
    try:
        kind = SheetFile if is_for_spreadsheet else RejectsFile
        file = await asyncio.to_thread(kind, stored, upload.header_bytes, dialect, runtime.advisor)
    except BaseException:
        stored.close()
        raise
    wanted = RejectFilter(upload.number, column, code)
    is_tabs = file.dialect.delimiter == "\t"
    media_type = "text/tab-separated-values" if is_tabs else "text/csv"
    headers = {
        "Content-Disposition": f'attachment; filename="rejects-{upload.number}.{"tsv" if is_tabs else "csv"}"',
    }
    blocks = _blocks(runtime.read_engine, tenant, wanted, file)
    return _Download(
        blocks, stored, media_type=f"{media_type}; charset={charset_of(dialect.encoding)}", headers=headers
    )


class _Download(StreamingResponse):
    """It closes the stored file, also if the client leaves early or wants only the headers."""

    def __init__(
        self, blocks: AsyncIterator[bytes], stored: Reader, *, media_type: str, headers: dict[str, str]
    ) -> None:
        super().__init__(blocks, media_type=media_type, headers=headers)
        self._stored = stored

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._stored.close()


def _open(storage: Storage, key: str) -> Reader:
    try:
        return storage.open(key)
    except StoredFileCorrupt as error:
        raise FileExpired(
            "The stored file with the rejected records is no longer kept. The reasons are still available as JSON."
        ) from error


async def _blocks(engine: AsyncEngine, tenant: Tenant, wanted: RejectFilter, file: RejectsFile) -> AsyncIterator[bytes]:
    """The file in blocks. Each query takes a connection of its own, so a client that stalls keeps none from others."""
    yield file.header()
    line_number = 0
    while True:
        async with tenant_reading(engine, tenant.name, upload_number=wanted.upload_number) as connection:
            await connection.execute(FOLLOW_THE_KEY)
            records = rejected_records_behind(wanted, line_number).limit(_RECORDS)
            rows = (await connection.execute(records)).all()
        if not rows:
            return
        line_number = rows[-1].line_number
        lines = file.blocks(map(_record, rows))
        while block := await asyncio.to_thread(_next, lines):
            yield block


def _next(blocks: Iterator[bytes]) -> bytes:
    return next(blocks, b"")


def _record(row: Row[Any]) -> RejectedRecord:
    reasons = [Reason(*reason) for reason in zip(row.columns, row.codes, row.messages, row.values, strict=True)]
    return RejectedRecord(row.line_number, row.byte_start, row.byte_end, reasons)
