"""Arrow and Parquet: ADBC's driver turns PostgreSQL's binary COPY into Arrow batches, in a thread."""

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Generator
from contextlib import ExitStack, asynccontextmanager, suppress
from typing import Final

import pyarrow as pa
from adbc_driver_manager import AdbcStatement, Error
from adbc_driver_postgresql import StatementOptions
from pyarrow import parquet
from typing_extensions import Buffer, override

from shared.catalog.export_formats import ExportFormat
from shared.database.exports.measuring import measured_export
from shared.database.exports.protocol import Export, Write
from shared.database.queries.row_exports import as_text, exported_names, locking, rows_exported
from shared.database.queries.rows import RowListing
from shared.database.tenancy import result_of, tenant_batches
from shared.errors import Unavailable

_MIB: Final = 1024 * 1024
# A batch is a row group of Parquet, which is smaller with more rows in it; of Arrow it is what is sent at once.
_BATCH_BYTES: Final = {ExportFormat.ARROW: _MIB, ExportFormat.PARQUET: 8 * _MIB}


@asynccontextmanager
async def columnar_export(address: str, listing: RowListing, file_format: ExportFormat) -> AsyncIterator[Export]:
    """An export that is ready to begin, in a connection of its own, which is closed at the end of the block.

    Raises `Unavailable` if the database does not answer.
    """
    statement = as_text(rows_exported(listing, file_format))
    try:
        reading = await asyncio.to_thread(_Reading, address, listing, statement, file_format)
    except Error as error:
        raise Unavailable("The database does not answer; try again in a few seconds.") from error

    async def export(write: Write) -> None:
        with measured_export(listing, statement, write) as write_measured:
            while block := await asyncio.to_thread(reading.next_block):
                await write_measured(block)

    try:
        yield export
    finally:
        await asyncio.shield(asyncio.to_thread(reading.close))


def export_schema(listing: RowListing) -> pa.Schema:
    """The columns of the file."""
    types = [*(field.type.arrow for field in listing.fields), pa.int64(), pa.string(), pa.int64(), pa.string()]
    return pa.schema(list(zip(exported_names(listing), types, strict=True)))


class _Reading:
    """The file of one export, block by block. It blocks; `close` may be called while another thread waits for a block.

    Raises `Error` or an error of Arrow if the connection fails.
    """

    def __init__(self, address: str, listing: RowListing, statement: str, file_format: ExportFormat) -> None:
        self._busy = threading.Lock()
        with ExitStack() as stack:
            self._statement = stack.enter_context(tenant_batches(address, listing.tenant))
            hint = {StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(_BATCH_BYTES[file_format])}
            self._statement.set_options(**hint)
            self._blocks = _blocks(self._statement, listing, statement, file_format)
            self._stack = stack.pop_all()

    def next_block(self) -> bytes:
        """The next bytes of the file; none at its end."""
        with self._busy:
            return next(self._blocks, b"")

    def close(self) -> None:
        """Stop the statement and close the connection."""
        if self._busy.locked():
            with suppress(Error):  # then the other thread waits until the server notices that it is alone
                self._statement.cancel()
        with self._busy, suppress(Error, pa.ArrowException, OSError):
            self._blocks.close()
            self._stack.close()


def _blocks(opened: AdbcStatement, listing: RowListing, statement: str, file_format: ExportFormat) -> Generator[bytes]:
    schema, output = export_schema(listing), _Output()
    opened.set_sql_query(as_text(locking(listing)))
    with result_of(opened) as nothing:
        nothing.read_all()
    opened.set_sql_query(statement)
    with result_of(opened) as batches, _writer(file_format, output, schema) as writer:
        for batch in batches:
            writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
            if block := output.taken():
                yield block
    yield output.taken()


def _writer(
    file_format: ExportFormat, output: "_Output", schema: pa.Schema
) -> "pa.RecordBatchStreamWriter | parquet.ParquetWriter":
    if file_format is ExportFormat.PARQUET:
        return parquet.ParquetWriter(output, schema, compression="zstd")
    return pa.ipc.new_stream(output, schema)


class _Output(io.RawIOBase):
    """The bytes that a writer has written and nobody has taken yet."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    @override
    def writable(self) -> bool:
        """Always true."""
        return True

    @override
    def write(self, piece: Buffer, /) -> int:
        """Keep a copy of the piece."""
        self._pieces.append(bytes(piece))
        return len(self._pieces[-1])

    def taken(self) -> bytes:
        """All that was written since the last time."""
        block, self._pieces = b"".join(self._pieces), []
        return block
