"""How long the database takes for an export, without the time in which the client takes its bytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from shared.database.exports.protocol import Write
from shared.database.queries.rows import RowListing
from shared.database.timing.query_times import Origin, measured

_NAME: Final = "row_exports.rows_exported"
# As in the session of an export.
_ONE_CORE: Final = "SET LOCAL max_parallel_workers_per_gather = 0"


@contextmanager
def measured_export(listing: RowListing, statement: str, write: Write) -> Iterator[Write]:
    """What is to be called instead of `write`; the block is the statement, of which `statement` is the text."""
    origin = Origin(statement, 0, None, listing.tenant, settings=(_ONE_CORE,))
    with measured(_NAME, origin) as stopwatch:

        async def write_meanwhile(block: bytes) -> None:
            with stopwatch.paused():
                await write(block)

        yield write_meanwhile
