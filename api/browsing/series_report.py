"""The report of a series: its seasons and episodes, with votes and runtimes summed at each level."""

import asyncio
from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.browsing.movie_details import read_movie
from api.browsing.publications import find_collections
from api.browsing.report_tree import Node
from api.http_errors import ReportTooLarge
from api.listings.paging import MAX_ID
from shared.catalog.publisher import Publisher, publisher_of
from shared.catalog.registry import Registry
from shared.catalog.tables.episodes import TABLE as EPISODES
from shared.catalog.tables.movies import TABLE as MOVIES
from shared.catalog.tables.ratings import TABLE as RATINGS
from shared.database.queries.browsing.publications import Collections
from shared.database.queries.browsing.series import EPISODE_FIELDS, episodes_of_series
from shared.database.queries.browsing.titles import ratings_of, titles_by_source
from shared.database.tenancy import tenant_reading
from shared.errors import NotFound

MOST_EPISODES: Final = 20_000
SERIES_COLUMNS: Final = (
    *("id", "source_id", "series_id", "title", "title_type", "release_year", "season_number", "episode_number"),
    *("episodes", "vote_average", "vote_count", "runtime", "own_vote_average", "own_vote_count"),
)

_UNKNOWN: Final = "unknown"
_NO_SUCH_SERIES: Final = "There is no title with this id, and no episode names it as its series."
_MEAN: Final = Decimal("0.0001")

Episode = dict[str, Any]


async def read_series(engine: AsyncEngine, registry: Registry, tenant: str, title_id: str) -> Node:
    """The report of the title with this id, which is that of a movie (`123`) or one of IMDb's (`tt123`).

    A title that names one of the episodes as its series counts as an episode, too; each counts once, and the series
    itself never does. Raises `NotFound` and `ReportTooLarge`.
    """
    async with tenant_reading(engine, tenant) as connection:
        if title_id.isdecimal():
            root, where = await _by_id(connection, registry, tenant, int(title_id))
        else:
            where = await find_collections(connection, registry, tenant, Publisher.IMDB)
            root = await _by_source_id(connection, where, title_id)
        votes = await _own_votes(connection, where, root)
        rows = await _rows(connection, where, root["source_id"])
    if not rows and root["id"] is None:
        raise NotFound(_NO_SUCH_SERIES)
    if len(rows) > MOST_EPISODES:
        raise ReportTooLarge(f"A report has at most {MOST_EPISODES:,} episodes.", {"max_episodes": MOST_EPISODES})
    # 20,000 episodes keep a core busy for half a second, in which other requests are answered
    return await asyncio.to_thread(_report, root, votes, rows)


async def _by_id(
    connection: AsyncConnection, registry: Registry, tenant: str, movie_id: int
) -> tuple[dict[str, Any], Collections]:
    if movie_id > MAX_ID:
        raise NotFound(_NO_SUCH_SERIES)
    source, movie = await read_movie(connection, tenant, movie_id)
    dataset = registry.find(source["dataset"])
    publisher = publisher_of(movie["source_id"], dataset.publisher if dataset else None)
    where = await find_collections(connection, registry, tenant, publisher)
    names = "id", "source_id", "title", "title_type", "release_year", "vote_average", "vote_count"
    return {name: movie[name] for name in names}, where


async def _by_source_id(connection: AsyncConnection, where: Collections, source_id: str) -> dict[str, Any]:
    """What is known of the title; without a movie of this id, its episodes may be there all the same."""
    if where.has(MOVIES):
        found = (await connection.execute(titles_by_source(where, [source_id]))).mappings().one_or_none()
        if found is not None:
            return dict(found)
    unknown = dict.fromkeys(("id", "title", "title_type", "release_year", "vote_average", "vote_count"))
    return {**unknown, "source_id": source_id}


async def _own_votes(connection: AsyncConnection, where: Collections, root: Mapping[str, Any]) -> dict[str, Any]:
    """The votes for the series itself: those of its own file, else those of a file of ratings."""
    votes = root
    if root["vote_average"] is None and root["vote_count"] is None and where.has(RATINGS):
        found = await connection.execute(ratings_of(where, [root["source_id"]]))
        votes = found.mappings().one_or_none() or root
    return {"own_vote_average": votes["vote_average"], "own_vote_count": votes["vote_count"]}


async def _rows(connection: AsyncConnection, where: Collections, source_id: str | None) -> list[Row[Any]]:
    if source_id is None or not where.has(EPISODES):
        return []
    return list((await connection.execute(episodes_of_series(where, source_id, MOST_EPISODES + 1))).all())


def _report(root: Mapping[str, Any], votes: Mapping[str, Any], rows: Iterable[Row[Any]]) -> Node:
    episodes = _episodes(rows, root["source_id"])
    names = "id", "source_id", "title", "title_type", "release_year"
    values = {**{name: root[name] for name in names}, **votes, **_sums(episodes)}
    by_season = groupby(episodes, key=lambda episode: episode["season_number"])
    return Node("series", root["source_id"] or str(root["id"]), values, [_season(*each) for each in by_season])


def _episodes(rows: Iterable[Row[Any]], root: str) -> list[Episode]:
    """Each title once, in the order of seasons and numbers; those that have none come last."""
    found: dict[str, Episode] = {}
    for row in sorted(rows, key=_position):
        if row.source_id != root and row.source_id not in found:
            found[row.source_id] = dict(zip(EPISODE_FIELDS, row, strict=True))
    return list(found.values())


def _position(row: Row[Any]) -> tuple[Any, ...]:
    season, number, source_id = row.season_number, row.episode_number, row.source_id
    return season is None, season or 0, number is None, number or 0, len(source_id), source_id


def _season(number: int | None, of_season: Iterable[Episode]) -> Node:
    episodes = list(of_season)
    key = _UNKNOWN if number is None else str(number)
    leaves = [Node("episode", episode["source_id"], episode) for episode in episodes]
    return Node("season", key, {"season_number": number, **_sums(episodes)}, leaves)


def _sums(episodes: list[Episode]) -> dict[str, Any]:
    """Null where no episode has a value."""
    counts = [each["vote_count"] for each in episodes if each["vote_count"] is not None]
    runtimes = [each["runtime"] for each in episodes if each["runtime"] is not None]
    return {
        "episodes": len(episodes),
        "vote_average": _mean(episodes),
        "vote_count": sum(counts) if counts else None,
        "runtime": sum(runtimes) if runtimes else None,
    }


def _mean(episodes: list[Episode]) -> float | None:
    """The mean of the episodes' votes, each with the weight of its count; in decimals, so that 8.1 is no 8.0999."""
    rated = [
        (Decimal(repr(each["vote_average"])), each["vote_count"])
        for each in episodes
        if each["vote_average"] is not None and each["vote_count"]
    ]
    weight = sum(count for _, count in rated)
    if not weight:
        return None
    return float((sum((average * count for average, count in rated), Decimal()) / weight).quantize(_MEAN))
