"""CSV and JSON lines, which PostgreSQL writes: its COPY goes to the client as it comes."""

import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from asyncpg import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.catalog.export_formats import ExportFormat
from shared.database.exports.measuring import measured_export
from shared.database.exports.protocol import Export, Write
from shared.database.queries.row_exports import as_text, exported_names, locking, rows_exported
from shared.database.queries.rows import RowListing
from shared.database.tenancy import tenant_reading

_OPTIONS: Final[dict[ExportFormat, dict[str, Any]]] = {
    ExportFormat.CSV: {},
    # One cell of JSON needs no quotes: JSON escapes control characters, so neither of these is ever in it. COPY's own
    # format `text` would double each backslash.
    ExportFormat.JSONL: {"quote": "\x01", "delimiter": "\x02"},
}


@asynccontextmanager
async def text_export(engine: AsyncEngine, listing: RowListing, file_format: ExportFormat) -> AsyncIterator[Export]:
    """An export that is ready to begin; its connection is given back at the end of the block.

    If the export is cancelled, the server stops the statement before the connection is used again.
    """
    async with tenant_reading(engine, listing.tenant) as connection:
        statement = as_text(rows_exported(listing, file_format))
        driver: Connection[Any] = (await connection.get_raw_connection()).driver_connection

        async def export(write: Write) -> None:
            await connection.execute(locking(listing))
            if file_format is ExportFormat.CSV:
                await write(_header(exported_names(listing)))
            with measured_export(listing, statement, write) as output:
                await driver.copy_from_query(statement, output=output, format="csv", **_OPTIONS[file_format])

        yield export


def _header(names: list[str]) -> bytes:
    """The first line of a CSV. PostgreSQL would cut names of more than 63 bytes."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(names)
    return line.getvalue().encode()
