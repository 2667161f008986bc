"""The changes of an upload as a streamed file: CSV, or JSON lines."""

import json
import uuid
from collections.abc import AsyncIterator, Iterable
from datetime import date, datetime
from typing import Any, Final, Literal

import orjson
from fastapi.responses import StreamingResponse

from api.listings.row_export import MEDIA_TYPES
from api.listings.upload_changes import Change, ChangeSource, changes_of, read_changes
from api.runtime import Runtime
from shared.catalog.export_formats import ExportFormat
from shared.catalog.table import Table
from shared.errors import StateConflict

ChangesFormat = Literal["csv", "jsonl"]

# Changes that are in memory at a time. Each query takes a connection of its own, so a client that stalls keeps none.
_BLOCK: Final = 1000


async def export_changes(
    runtime: Runtime, upload_id: uuid.UUID, tenant: str, file_format: ChangesFormat
) -> StreamingResponse:
    """The file as an attachment; raises what `changes_of` raises.

    If the changes become others meanwhile, the connection ends without the end of the answer.
    """
    source = await changes_of(runtime, upload_id, tenant)
    name = f"changes-{source.changing.number}.{file_format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    blocks = _blocks(runtime, upload_id, tenant, source, file_format)
    return StreamingResponse(blocks, media_type=MEDIA_TYPES[ExportFormat(file_format)], headers=headers)


async def _blocks(
    runtime: Runtime, upload_id: uuid.UUID, tenant: str, source: ChangeSource, file_format: ChangesFormat
) -> AsyncIterator[bytes]:
    table, cursor, is_more = source.changing.table, None, True
    if file_format == "csv":
        yield _csv_line(_names(table))
    while is_more:
        changes, cursor = await read_changes(runtime, source, cursor, _BLOCK)
        if (await changes_of(runtime, upload_id, tenant)).tag != source.tag:
            raise StateConflict("the changes of the upload have been counted anew while they were read")
        yield b"".join(_csv_line(_cells(change)) if file_format == "csv" else _json_line(change) for change in changes)
        is_more = cursor is not None


def _json_line(change: Change) -> bytes:
    return orjson.dumps(change.document()) + b"\n"


def _names(table: Table) -> list[str]:
    return [*map(table.free_name, ("change", "line")), *table.readable, *map(table.free_name, ("extra", "before"))]


def _cells(change: Change) -> list[Any]:
    """The record after the change, or before it if it is removed; `_before` has the former values of what differs."""
    row = change.before if change.after is None else change.after
    if row is None:  # it is kept no longer
        values = [None] * (len(change.table.readable) + 1)
    else:
        values = [*(row[field.name] for field in change.table.readable.values()), row["extra"]]
    return [change.kind, change.line, *values, change.former or None]


def _csv_line(cells: Iterable[Any]) -> bytes:
    return (",".join(map(_cell, cells)) + "\n").encode()


def _cell(value: Any) -> str:
    """As in exports of rows: null is an empty cell, an empty text is `""`."""
    if value is None:
        return ""
    text = _text(value)
    is_plain = text and not any(mark in text for mark in ',"\r\n')
    return text if is_plain else '"' + text.replace('"', '""') + '"'


def _text(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case date() | datetime():
            return value.isoformat()
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, default=_text)
        case _:
            return str(value)
