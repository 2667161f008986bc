"""Read one page of movies from the two segments of a listing: with sort key, then without (see `queries.movies`).

A page belongs to one moment: no upload is visible in part. A snapshot cannot ensure that, because attaching or dropping
a partition also takes effect in older snapshots. But whatever changes rows makes another version of their collection in
the same transaction, and each statement sees what was committed when it began. So a page that was read between two
equal versions belongs to one moment. Each try is a transaction of its own: a transaction that has read `movies` keeps
its lock, and with it a plan that lacks partitions attached since.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database.queries.browsing.bounded_scans import Position
from shared.database.queries.browsing.listing import Listing
from shared.database.queries.movies import (
    count_with_key,
    movies_total,
    movies_with_key,
    movies_without_key,
)


@dataclass(frozen=True)
class Start:
    """Where a page begins: `offset` rows into the listing, or after the movie at `position`."""

    offset: int = 0
    position: Position | None = None

    @property
    def after_id(self) -> int | None:
        """The id of the movie before the page."""
        return None if self.position is None else self.position[-1]

    @property
    def is_in_second_segment(self) -> bool:
        """Whether the movie before the page has no sort key, so that the first segment is over."""
        return self.position is not None and self.position[0] is None


async def read_earlier_page(
    connection: AsyncConnection, listing: Listing, start: Start, limit: int
) -> tuple[Sequence[RowMapping], int]:
    """At most `limit` rows of an earlier moment and how many there were in all; what was visible does not change."""
    total = (await connection.execute(movies_total(listing))).one().total
    return await read_range(connection, listing, start, limit), total


async def read_range(connection: AsyncConnection, listing: Listing, start: Start, limit: int) -> Sequence[RowMapping]:
    """At most `limit` rows of a listing whose segments are ranges of an index."""
    rows = await _first_segment(connection, listing, start, limit)
    if len(rows) < limit and listing.has_movies_without_key:
        rows += await _second_segment(connection, listing, start, limit - len(rows), has_first_rows=bool(rows))
    return rows


async def _first_segment(connection: AsyncConnection, listing: Listing, start: Start, limit: int) -> list[RowMapping]:
    if start.is_in_second_segment:
        return []
    after = None if start.position is None else start.position[:2]
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
