"""One page of a listing of movies, in one of three ways, whichever reads few rows whatever the data.

* The order is a range of an index (`Listing.is_one_range`): read it.
* Few movies pass the filters: find them all by an index, and put them in order (`collected_movies`).
* Many do: look at the entries of the order's index until the page is full (`bounded_scans`). If some thousands do not
  fill it, the movies that pass are rare where the page begins, and then one of the other ways is taken.

Kept sums tell whether they are few, and how many entries are to be expected. A listing of an earlier moment has one way
only: the rows of then are in several tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf, log2
from typing import Final

from sqlalchemy import RowMapping, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.http_errors import NeedsIndex
from api.listings.movie_pages import Start, read_earlier_page, read_range
from api.listings.row_pages import QUERY_CANCELED
from shared.catalog.tables.movies import TABLE
from shared.database.queries.browsing.bounded_scans import (
    POSITION,
    SORT_KEY,
    Position,
    count_with_key,
    counted,
    entries_of_other_order,
    entries_with_key,
    entries_without_key,
    voted,
    with_key,
    without_key,
)
from shared.database.queries.browsing.collected_movies import FOR_MANY_ROWS, collected
from shared.database.queries.browsing.joined_ratings import latest_ratings
from shared.database.queries.browsing.kept_movie_counts import Kept, are_all_counted, kept_counts, kept_version
from shared.database.queries.browsing.listing import Listing
from shared.database.tenancy import tenant_reading

# Each try fails only if an upload of the tenant ends while the page is read.
_TRIES: Final = 5

# If the first entries are not enough, so many times as many are looked at, or more, if more are to be expected.
_FURTHER: Final = 4
# So many entries are looked at in the time in which a movie is found, read, and joined to its rating.
_ENTRIES_A_ROW: Final = 2
# If the number of movies cannot be told exactly, so few of those that may be counted are.
_SHARE_OF_COUNTED: Final = 10

_VOTES: Final = ("vote_average", "vote_count")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many rows each way may read.

    `few` rows are found and put in order at once, within some ten milliseconds; `many` within a second, so only if the
    order's index does not lead to them sooner. `first_entries` of it may always be looked at. `counted`: of movies that
    no kept sum counts.
    """

    few: int = 5_000
    many: int = 300_000
    first_entries: int = 2_000
    counted: int = 10_000


BOUNDS: Final = Bounds()


@dataclass(frozen=True, slots=True)
class Total:
    """How many movies a listing has, or at least how many."""

    count: int
    is_exact: bool = True


@dataclass(frozen=True, slots=True)
class ListedPage:
    """Rows of a page and of what follows; `ratings`: by the ids of movies without votes of their own.

    `datasets`: the name of each collection's dataset, by its number as text.
    """

    rows: Sequence[RowMapping]
    total: Total
    ratings: dict[str, RowMapping]
    datasets: dict[str, str]


async def read_listing(
    engine: AsyncEngine, listing: Listing, start: Start, limit: int, bounds: Bounds = BOUNDS
) -> ListedPage:
    """At most `limit` rows from one moment, see `movie_pages`.

    If the database takes too long, it raises `NeedsIndex`, or the database's error where an index serves the listing.
    """
    try:
        for _ in range(_TRIES):
            async with tenant_reading(engine, listing.tenant) as connection:
                if listing.later is not None:
                    rows, total = await read_earlier_page(connection, listing, start, limit)
                    datasets = (await connection.execute(kept_counts(listing))).one().datasets
                    return ListedPage(rows, Total(total), {}, datasets or {})
                row = (await connection.execute(kept_counts(listing))).one()
                kept = Kept.of(row)
                page = await _page(connection, kept.told(listing), kept, start, limit, bounds)
                if await connection.scalar(kept_version(listing.tenant)) == row.version:
                    break
    except DBAPIError as error:
        # no index would help a listing that is a range of one: the database is slow for now
        if listing.is_one_range or getattr(error.orig, "sqlstate", None) != QUERY_CANCELED:
            raise
        raise _needs_index(listing) from error
    return page


def position_of(listing: Listing, row: RowMapping) -> Position:
    """Where a row is in the order of its listing."""
    return row.get(SORT_KEY, row[listing.sort_name]), row.get(POSITION, row["id"]), row["id"]


async def _page(
    connection: AsyncConnection, listing: Listing, kept: Kept, start: Start, limit: int, bounds: Bounds
) -> ListedPage:
    rows, total = await _rows(connection, listing, kept, start, limit, bounds)
    if total is None:
        is_countable = kept.in_range(listing) < bounds.counted
        at_most = bounds.counted if is_countable else bounds.counted // _SHARE_OF_COUNTED
        total = await _counted(connection, listing, start.offset + len(rows), at_most)
    wanted = {row["source_id"] for row in rows if row["source_id"] and all(row[name] is None for name in _VOTES)}
    found = []
    if listing.is_rated and wanted:
        found = (await connection.execute(latest_ratings(listing.tenant, wanted))).mappings().all()
    return ListedPage(rows, total, {row["source_id"]: row for row in found}, kept.datasets)


async def _rows(
    connection: AsyncConnection, listing: Listing, kept: Kept, start: Start, limit: int, bounds: Bounds
) -> tuple[Sequence[RowMapping], Total | None]:
    """The rows, and the total if these tell it. How many are likely: as if one filter said nothing of another one."""
    most, likely = kept.most, kept.likely
    total = Total(most) if len(kept.counts) == 1 and are_all_counted(listing) else None
    if most == 0:
        return [], Total(0)
    if listing.is_one_range:
        return await read_range(connection, listing, start, limit), total
    in_range = kept.in_range(listing)
    first = bounds.first_entries + 2 * start.offset
    if listing.filters.min_votes is not None:
        first *= _FURTHER  # no kept sum tells how many have so many votes
    expected = (start.offset + limit) * in_range / likely
    are_many = likely > min(max(first, expected) / _ENTRIES_A_ROW, bounds.many)
    if listing.filters.name_few or not are_many or await _are_few(connection, listing, most, bounds.few):
        return await _collected(connection, listing, start, limit)
    has_words, rows, is_page = listing.filters.title is not None, list[RowMapping](), False
    if has_words or expected <= first:
        rows, is_page = await _scanned(connection, listing, start, limit, _rounded(first))
    if has_words and not is_page:  # no kept sum tells how many have them, but the first entries do
        share = (start.offset + len(rows)) / first if rows else 0
        expected = (start.offset + limit) / share if rows else inf
        are_many = share * in_range > expected / _ENTRIES_A_ROW
    if not is_page and are_many:
        further = _rounded(max(_FURTHER * first, 2 * expected))
        rows, is_page = await _scanned(connection, listing, start, limit, further)
    if is_page:
        return rows, total
    if likely <= bounds.many or has_words or listing.filters.min_votes is not None:
        return await _collected(connection, listing, start, limit)
    rows, _ = await _scanned(connection, listing, start, limit, None)
    return rows, total


def _rounded(entries: float) -> int:
    """Up to a power of two: a bound is a part of the statement, and few different ones are prepared again and again."""
    return 1 << ceil(log2(entries))


async def _are_few(connection: AsyncConnection, listing: Listing, most: int, few: int) -> bool:
    """Whether no more than `few` movies pass. Kept sums say nothing of votes, so these are counted, but not further."""
    if most <= few or listing.filters.min_votes is None:
        return most <= few
    return await _count(connection, voted(listing, few + 1)) <= few


async def _collected(
    connection: AsyncConnection, listing: Listing, start: Start, limit: int
) -> tuple[Sequence[RowMapping], Total]:
    if not listing.filters.name_few:
        await connection.execute(FOR_MANY_ROWS)
    rows = (await connection.execute(collected(listing, start.position, limit, start.offset))).mappings().all()
    return [row for row in rows if row["id"] is not None], Total(rows[0]["total"])


async def _scanned(
    connection: AsyncConnection, listing: Listing, start: Start, limit: int, bound: int | None
) -> tuple[list[RowMapping], bool]:
    """Rows, and whether they are those of the page: not if more than `bound` entries would have to be looked at."""
    rows: list[RowMapping] = []
    if not start.is_in_second_segment:
        statement = with_key(listing, start.position, limit, start.offset, bound)
        rows += (await connection.execute(statement)).mappings().all()
        if len(rows) == limit:
            return rows, await _is_certain(connection, listing, start.position, rows[-1], bound)
        is_over = bound is None or await _count(connection, entries_with_key(listing, start.position, bound)) < bound
        if not is_over:
            return rows, False
        if not listing.has_movies_without_key:
            return rows, True
    offset = 0
    if start.offset and not rows:
        offset = start.offset - await _count(connection, count_with_key(listing, start.offset, bound))
    after_id = start.after_id if start.is_in_second_segment else None
    statement = without_key(listing, after_id, limit - len(rows), offset, bound)
    rows += (await connection.execute(statement)).mappings().all()
    if len(rows) == limit or bound is None:
        return rows, True
    return rows, await _count(connection, entries_without_key(listing, after_id, bound)) < bound


async def _is_certain(
    connection: AsyncConnection, listing: Listing, after: Position | None, last: RowMapping, bound: int | None
) -> bool:
    """Whether no entry that was not looked at comes before the last row: each of two orders has its own bound.

    Of the order that the row is of, all entries before it were looked at.
    """
    if bound is None or not listing.is_joined:
        return True
    until = last[SORT_KEY], last[POSITION], last["id"]
    return await _count(connection, entries_of_other_order(listing, after, bound + 1, until)) <= bound


async def _count(connection: AsyncConnection, statement: Select[int]) -> int:
    return (await connection.execute(statement)).scalar_one()


async def _counted(connection: AsyncConnection, listing: Listing, shown: int, bound: int) -> Total:
    """What is counted, but never less than what the page shows."""
    found, seen = (await connection.execute(counted(listing, bound))).one()
    return Total(found) if seen < bound else Total(max(found, shown), is_exact=False)


def _needs_index(listing: Listing) -> NeedsIndex:
    names = [name for name in listing.filters.__slots__ if getattr(listing.filters, name) is not None]
    names += [name for name in ("release_year", "language") if getattr(listing, name) is not None]
    return NeedsIndex(
        f"the movies are too many for these filters ({', '.join(names)}) and this order; use fewer or narrower filters",
        {"index": [*names, listing.sort_by], "indexed": TABLE.public_indexes},
    )
