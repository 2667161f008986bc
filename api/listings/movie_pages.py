"""Reading one page of movies: the first segment, across the border, the second (see `queries.movies`)."""

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

# Uploads of one tenant that end while a page is read; more than this in a row is not to be expected.
_TRIES: Final = 5


@dataclass(frozen=True)
class Start:
    """Where a page begins: `offset` rows into the listing, or behind the movie `after_id` with its sort key."""

    offset: int = 0
    after_id: int | None = None
    after_key: float | None = None

    @property
    def is_behind_keys(self) -> bool:
        """Whether the movie before the page has no sort key: the first segment is over."""
        return self.after_id is not None and self.after_key is None


async def read_page(engine: AsyncEngine, listing: Listing, start: Start, limit: int) -> tuple[list[RowMapping], int]:
    """At most `limit` rows and the listing's total, of one moment: no upload is seen in part.

    Not by a snapshot: attaching and dropping a partition take effect for one that is older, too. But both change the
    total in the same transaction, so a page between two equal totals is of one moment: each statement sees what is
    committed when it begins. Each try is a transaction of its own: one that has asked `movies` before keeps its lock,
    and with it its plan, in which a partition that was attached meanwhile is missing.
    """
    for _ in range(_TRIES):
        async with tenant_reading(engine, listing.tenant) as connection:
            total_before = await _total(connection, listing)
            rows = await _rows(connection, listing, start, limit)
            total = await _total(connection, listing)
        if total == total_before:
            break
    return rows, total


async def _total(connection: AsyncConnection, listing: Listing) -> int:
    return int((await connection.execute(movies_total(listing))).scalar_one())


async def _rows(connection: AsyncConnection, listing: Listing, start: Start, limit: int) -> list[RowMapping]:
    rows = await _first_segment(connection, listing, start, limit)
    if len(rows) < limit and listing.has_movies_without_key:
        rows += await _second_segment(connection, listing, start, limit - len(rows), has_crossed=bool(rows))
    return rows


async def _first_segment(connection: AsyncConnection, listing: Listing, start: Start, limit: int) -> list[RowMapping]:
    if start.is_behind_keys:
        return []
    after = None if start.after_id is None or start.after_key is None else (start.after_key, start.after_id)
    return list((await connection.execute(movies_with_key(listing, after, limit, start.offset))).mappings().all())


async def _second_segment(
    connection: AsyncConnection, listing: Listing, start: Start, limit: int, *, has_crossed: bool
) -> list[RowMapping]:
    offset = 0
    if start.offset and not has_crossed:
        # The whole page lies behind the border, so the first segment is not longer than the offset: how long is it?
        offset = start.offset - (await connection.execute(count_with_key(listing, start.offset))).scalar_one()
    after_id = start.after_id if start.is_behind_keys else None
    return list((await connection.execute(movies_without_key(listing, after_id, limit, offset))).mappings().all())
