"""Genre, decade, movies: as a tree, and as CSV."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.browsing.chosen_collection import chosen_collection
from api.browsing.value_counts import as_spelled
from api.description.schemas.figures import GenreReport, RankedMovie, ReportedDecade, ReportedGenre
from shared.database.queries.browsing.genre_report import (
    BY_VOTES,
    FEW,
    genre_decades,
    top_of_large_cells,
    top_of_small_cells,
)
from shared.database.tenancy import tenant_reading

# All genres of a tidy tenant, in all decades, are some hundred.
MOST_CELLS: Final = 5_000
# Decades whose movies are listed: more than there are with films.
_MOST_LISTED: Final = 30

CSV_HEADER: Final = ("level", "genre", "decade", "movies", "rank", "id", "title", "release_year", "vote_count")


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the report is wanted; None means all. `top`: how many movies of each decade, if `genre` is given."""

    genre: str | None
    decade: int | None
    dataset: str | None
    top: int


async def read_report(engine: AsyncEngine, tenant: str, asked: Asked) -> GenreReport:
    """The report, in at most six statements."""
    async with tenant_reading(engine, tenant) as connection:
        collection = await chosen_collection(connection, tenant, asked.dataset)
        genre = await as_spelled(connection, tenant, "genre", asked.genre)
        statement = genre_decades(tenant, genre, asked.decade, collection, MOST_CELLS + 1)
        cells = list(await connection.execute(statement))
        is_complete, cells = len(cells) <= MOST_CELLS, cells[:MOST_CELLS]
        top: dict[int | None, list[RankedMovie]] = {}
        if genre is not None:
            top = await _top_movies(connection, tenant, genre, cells[-_MOST_LISTED:], collection, asked.top)
    genres = [_genre(name, list(decades), top) for name, decades in groupby(cells, key=lambda cell: str(cell.genre))]
    return GenreReport(genres=genres, is_complete=is_complete)


async def _top_movies(
    connection: AsyncConnection, tenant: str, genre: str, cells: list[Row[Any]], collection: int | None, top: int
) -> dict[int | None, list[RankedMovie]]:
    """By decade, those with the most votes."""
    few = [cell.decade for cell in cells if cell.movies <= FEW]
    many = [cell.decade for cell in cells if cell.movies > FEW]
    found: list[Row[Any]] = []
    if few:
        found += await connection.execute(top_of_small_cells(tenant, genre, few, collection, top))
    if many:
        await connection.execute(BY_VOTES)
        found += await connection.execute(top_of_large_cells(tenant, genre, many, collection, top))
    movies: dict[int | None, list[RankedMovie]] = defaultdict(list)
    for row in found:
        named = {name: getattr(row, name) for name in RankedMovie.model_fields}
        movies[row.decade].append(RankedMovie(**named))
    return movies


def _genre(name: str, cells: list[Row[Any]], top: dict[int | None, list[RankedMovie]]) -> ReportedGenre:
    decades = [ReportedDecade(decade=cell.decade, movies=cell.movies, top=top.get(cell.decade, [])) for cell in cells]
    return ReportedGenre(genre=name, movies=sum(cell.movies for cell in cells), decades=decades)


def as_csv(report: GenreReport) -> str:
    """A line for each genre, each decade and each movie, in the order of the tree. Unknown values are empty cells."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(CSV_HEADER)
    writer.writerows(_lines(report))
    return text.getvalue()


def _lines(report: GenreReport) -> Iterator[tuple[object, ...]]:
    nothing = (None,) * 5
    for genre in report.genres:
        yield "genre", genre.genre, None, genre.movies, *nothing
        for decade in genre.decades:
            yield "decade", genre.genre, decade.decade, decade.movies, *nothing
            for rank, movie in enumerate(decade.top, start=1):
                shown = (movie.id, movie.title, movie.release_year, movie.vote_count)
                yield "movie", genre.genre, decade.decade, None, rank, *shown
