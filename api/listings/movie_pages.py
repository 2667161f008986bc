"""Read one page of movies from the two segments of a listing: with sort key, then without (see `queries.movies`)."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.database.queries.movies import (
    Listing,
    count_with_key,
    movies_total,
    movies_with_key,
    movies_without_key,
)
from shared.database.tenancy import tenant_reading

# Each try fails only if an upload of the tenant ends while the page is read; that hardly happens five times in a row.
_TRIES: Final = 5


@dataclass(frozen=True)
class Start:
    """Where a page begins: `offset` rows into the listing, or after movie `after_id` with the sort key `after_key`."""

    offset: int = 0
    after_id: int | None = None
    after_key: float | None = None

    @property
    def is_in_second_segment(self) -> bool:
        """Whether the movie before the page has no sort key, so that the first segment is over."""
        return self.after_id is not None and self.after_key is None


async def read_page(engine: AsyncEngine, listing: Listing, start: Start, limit: int) -> tuple[list[RowMapping], int]:
    """At most `limit` rows and the listing's total, both from the same moment: no upload is visible in part.

    A snapshot cannot ensure that, because attaching or dropping a partition also takes effect in older snapshots. But
    whatever changes rows makes another version of their collection in the same transaction, and each statement sees
    what was committed when it began. So a page that was read between two equal versions belongs to one moment. Each try
    is a transaction of its own: a transaction that has read `movies` keeps its lock, and with it a plan that lacks
    partitions attached since.
    """
    for _ in range(_TRIES):
        async with tenant_reading(engine, listing.tenant) as connection:
            before = (await connection.execute(movies_total(listing))).one()
            rows = await _rows(connection, listing, start, limit)
            if listing.later is not None:  # what was visible then does not change
                return rows, before.total
            after = (await connection.execute(movies_total(listing))).one()
        if after == before:
            break
    return rows, after.total


async def _rows(connection: AsyncConnection, listing: Listing, start: Start, limit: int) -> list[RowMapping]:
    rows = await _first_segment(connection, listing, start, limit)
    if len(rows) < limit and listing.has_movies_without_key:
        rows += await _second_segment(connection, listing, start, limit - len(rows), has_first_rows=bool(rows))
    return rows


async def _first_segment(connection: AsyncConnection, listing: Listing, start: Start, limit: int) -> list[RowMapping]:
    if start.is_in_second_segment:
        return []
    after = None if start.after_id is None or start.after_key is None else (start.after_key, start.after_id)
    return list((await connection.execute(movies_with_key(listing, after, limit, start.offset))).mappings().all())


async def _second_segment(
    connection: AsyncConnection, listing: Listing, start: Start, limit: int, *, has_first_rows: bool
) -> list[RowMapping]:
    offset = 0
    if start.offset and not has_first_rows:
        # The whole page is in the second segment, so the first one is not longer than the offset. Count its rows.
        offset = start.offset - (await connection.execute(count_with_key(listing, start.offset))).scalar_one()
    after_id = start.after_id if start.is_in_second_segment else None
    return list((await connection.execute(movies_without_key(listing, after_id, limit, offset))).mappings().all())
