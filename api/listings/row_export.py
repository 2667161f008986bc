"""The answer that is a whole export: its bytes go from the database to the client, and none are kept."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.runtime import Runtime
from shared.catalog.export_formats import ExportFormat
from shared.database.engine import export_address
from shared.database.exports.columnar import columnar_export
from shared.database.exports.protocol import Export
from shared.database.exports.text import text_export
from shared.database.queries.rows import RowListing

MEDIA_TYPES: Final = {
    ExportFormat.CSV: "text/csv; charset=utf-8; header=present",
    ExportFormat.JSONL: "application/jsonl",
    ExportFormat.PARQUET: "application/vnd.apache.parquet",
    ExportFormat.ARROW: "application/vnd.apache.arrow.stream",
}

log = structlog.get_logger()


class RowExport(Response):
    """All rows of a listing as an attachment.

    The database waits while the client does not read. If the client goes away, the statement ends at once. If the
    statement fails, or `confirm` raises at the end, the connection ends in the middle of the answer, so that nobody
    takes a part for the whole.
    """

    def __init__(
        self,
        runtime: Runtime,
        listing: RowListing,
        dataset: str,
        file_format: ExportFormat,
        confirm: Callable[[], Awaitable[None]],
    ) -> None:
        self._runtime = runtime
        self._confirm = confirm
        self._listing = listing
        self._format = file_format
        name = f"{dataset}.{file_format}"  # a name of the registry: letters, digits, dots and underscores
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        super().__init__(headers=headers, media_type=MEDIA_TYPES[file_format])
        del self.headers["content-length"]

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI; raises `Unavailable` and errors of the database before the answer has begun."""
        with self._runtime.export_slots.held():
            async with self._opened() as export:
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                await send(_part(b""))  # the whole answer to HEAD
                if await _ends_before_client(export, receive, send):
                    await self._confirm()
                    await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _opened(self) -> AbstractAsyncContextManager[Export]:
        if self._format in (ExportFormat.CSV, ExportFormat.JSONL):
            return text_export(self._runtime.export_engine, self._listing, self._format)
        return columnar_export(export_address(self._runtime.settings), self._listing, self._format)


async def _ends_before_client(export: Export, receive: Receive, send: Send) -> bool:
    """Run the export; False if the client went away before its end."""
    exporting = asyncio.create_task(export(lambda block: send(_part(block))))
    leaving = asyncio.create_task(_until_gone(receive))
    try:
        await asyncio.wait((exporting, leaving), return_when=asyncio.FIRST_COMPLETED)
        if exporting.done():
            await exporting
            return True
        log.info("export_left")
        return False
    finally:
        for task in (exporting, leaving):
            task.cancel()
        await asyncio.gather(exporting, leaving, return_exceptions=True)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _part(block: bytes) -> dict[str, object]:
    return {"type": "http.response.body", "body": block, "more_body": True}
