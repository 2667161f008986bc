"""One movie with all that belongs to it: the upload it came from, ratings, credits, other titles, episodes."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import orjson
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.browsing.credits import read_credits
from api.browsing.publications import find_collections
from api.browsing.record_tags import tag_of
from api.description.schemas.movie_details import AlternativeTitle
from api.description.schemas.rows import Movie
from shared.catalog.publisher import publisher_of
from shared.catalog.registry import Registry
from shared.catalog.tables.alternative_titles import TABLE as ALTERNATIVE_TITLES
from shared.catalog.tables.episodes import TABLE as EPISODES
from shared.catalog.tables.ratings import TABLE as RATINGS
from shared.database.queries.browsing.publications import Collections
from shared.database.queries.browsing.titles import (
    alternative_titles_of,
    episode_counts,
    episode_of,
    ratings_of,
    titles_by_source,
)
from shared.database.queries.movies import movie_by_id, source_of
from shared.database.tenancy import tenant_reading
from shared.errors import NotFound

SERIES_REPORTS_PATH: Final = "/api/v1/reports/series"
MOST_ALTERNATIVE_TITLES: Final = 100

_MOVIE_FIELDS: Final = tuple(Movie.model_fields)
_ALTERNATIVE_TITLE_FIELDS: Final = tuple(AlternativeTitle.model_fields)
_NO_SUCH_MOVIE: Final = "There is no movie with this id."


@dataclass(frozen=True)
class FoundMovie:
    """A visible movie: its row, the dataset that it belongs to, and the document of `GET /movies/{id}`."""

    row: RowMapping
    dataset: str
    document: dict[str, Any]

    @cached_property
    def body(self) -> bytes:
        """The document as JSON."""
        return orjson.dumps(self.document)

    @property
    def tag(self) -> str:
        """The entity tag of the document."""
        return tag_of(self.body)


def movie_fields(row: RowMapping) -> dict[str, Any]:
    """The fields of `Movie`, straight from the row: the loader has validated them."""
    return {name: row[name] for name in _MOVIE_FIELDS}


async def find_movie(engine: AsyncEngine, registry: Registry, tenant: str, movie_id: int) -> FoundMovie:
    """The movie as it is now; its document is the same for equal data, whoever asks. Raises `NotFound`.

    It takes a dozen statements at most, however much belongs to the movie.
    """
    async with tenant_reading(engine, tenant) as connection:
        source, movie = await read_movie(connection, tenant, movie_id)
        source_id = movie["source_id"]
        dataset = registry.find(source["dataset"])
        publisher = publisher_of(source_id, dataset.publisher if dataset else None)
        where = await find_collections(connection, registry, tenant, publisher)
        document = {
            **movie_fields(movie),
            "source": _came_from(source, movie_id),
            "ratings": await _ratings(connection, where, movie, source["dataset"]),
            "credits": await read_credits(connection, where, source_id),
            "alternative_titles": await _alternative_titles(connection, where, source_id),
            "episodes": await _episodes(connection, where, movie),
            "episode_of": await _episode_of(connection, where, source_id),
        }
    return FoundMovie(movie, source["dataset"], document)


async def read_movie(connection: AsyncConnection, tenant: str, movie_id: int) -> tuple[RowMapping, RowMapping]:
    """The row of `source_of` and that of the movie; raises `NotFound`."""
    source = (await connection.execute(source_of(movie_id, tenant))).mappings().one_or_none()
    if source is None or source["collection"] is None:
        raise NotFound(_NO_SUCH_MOVIE)
    found = await connection.execute(movie_by_id(movie_id, tenant, source["collection"]))
    movie = found.mappings().one_or_none()
    if movie is None:
        raise NotFound(_NO_SUCH_MOVIE)
    return source, movie


def _came_from(source: RowMapping, movie_id: int) -> dict[str, Any]:
    return {
        "upload_id": str(source["upload_id"]),
        "upload_number": source["upload_number"],
        "filename": source["filename"],
        "line_number": movie_id - source["first_id"],
    }


async def _ratings(
    connection: AsyncConnection, where: Collections, movie: RowMapping, dataset: str
) -> dict[str, Any] | None:
    """Those of the movie's own file, else those of a file of ratings."""
    if movie["vote_average"] is not None or movie["vote_count"] is not None:
        return _votes(movie, dataset)
    if not where.has(RATINGS):
        return None
    found = await connection.execute(ratings_of(where, [movie["source_id"]]))
    rating = found.mappings().one_or_none()
    return None if rating is None else _votes(rating, where.dataset_of(RATINGS, rating["collection"]))


def _votes(row: RowMapping, dataset: str) -> dict[str, Any]:
    return {"vote_average": row["vote_average"], "vote_count": row["vote_count"], "source": dataset}


async def _alternative_titles(connection: AsyncConnection, where: Collections, source_id: str) -> dict[str, Any]:
    if not where.has(ALTERNATIVE_TITLES):
        return {"total": 0, "items": []}
    found = await connection.execute(alternative_titles_of(where, source_id, MOST_ALTERNATIVE_TITLES))
    rows = found.mappings().all()
    items = [{name: row[name] for name in _ALTERNATIVE_TITLE_FIELDS} for row in rows]
    return {"total": rows[0]["total"] if rows else 0, "items": items}


async def _episodes(connection: AsyncConnection, where: Collections, movie: RowMapping) -> dict[str, Any] | None:
    """How many the title has, if it is a series."""
    if not where.has(EPISODES):
        return None
    counts = (await connection.execute(episode_counts(where, movie["source_id"]))).one()
    if not counts.episodes:
        return None
    report = f"{SERIES_REPORTS_PATH}/{movie['id']}"
    return {"seasons": counts.seasons, "total": counts.episodes, "report": report}


async def _episode_of(connection: AsyncConnection, where: Collections, source_id: str) -> dict[str, Any] | None:
    """The series that the title is an episode of, even if there is no movie of that id."""
    if not where.has(EPISODES):
        return None
    episode = (await connection.execute(episode_of(where, source_id))).one_or_none()
    if episode is None or episode.series_id is None:
        return None
    series = (await connection.execute(titles_by_source(where, [episode.series_id]))).one_or_none()
    return {
        "id": None if series is None else series.id,
        "source_id": episode.series_id,
        "title": None if series is None else series.title,
        "season_number": episode.season_number,
        "episode_number": episode.episode_number,
    }
