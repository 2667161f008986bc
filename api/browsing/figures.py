"""The figures of a tenant's datasets, in three statements."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from api.description.schemas.figures import (
    DatasetFigures,
    Figures,
    LoadsOfDay,
    MovieFigures,
    NamedCount,
    RatingCount,
    RejectedByCode,
    TypeCount,
    YearCount,
)
from shared.catalog.tables.movies import TABLE
from shared.database.models import REJECTED, ROWS
from shared.database.queries.browsing.figures import kept_figures, loads_by_day, uploads_by_state
from shared.database.tenancy import tenant_reading

_MOST_VALUES = 1_000

# By dataset and breakdown: values, and how many records have each.
_Kept = dict[str, dict[str, list[tuple[Any, int]]]]


async def read_figures(engine: AsyncEngine, tenant: str, dataset: str | None) -> Figures:
    """The figures of each dataset that has uploads, or of one."""
    async with tenant_reading(engine, tenant) as connection:
        kept = (await connection.execute(kept_figures(tenant, dataset, _MOST_VALUES))).all()
        uploads = await connection.execute(uploads_by_state(tenant, dataset))
        loads = await connection.execute(loads_by_day(tenant, dataset))
    counts, states, days = _kept(kept), _states(uploads), _days(loads)
    movies = {row.dataset for row in kept if row.table_name == TABLE.name}
    names = sorted(counts.keys() | states.keys())
    items = [_figures(name, counts[name], states[name], days[name], has_movies=name in movies) for name in names]
    return Figures(items=items)


def _kept(rows: Iterable[Row[Any]]) -> _Kept:
    kept: _Kept = defaultdict(lambda: defaultdict(list))
    for row in rows:
        kept[row.dataset][row.breakdown].append((row.value, row.records))
    return kept


def _states(rows: Iterable[Row[Any]]) -> dict[str, dict[str, int]]:
    states: dict[str, dict[str, int]] = defaultdict(dict)
    for row in rows:
        states[row.dataset][row.state] = row.uploads
    return states


def _days(rows: Iterable[Row[Any]]) -> dict[str, list[LoadsOfDay]]:
    days: dict[str, list[LoadsOfDay]] = defaultdict(list)
    for row in rows:
        days[row.dataset].append(LoadsOfDay(day=row.day, uploads=row.uploads, loaded=row.loaded, rejected=row.rejected))
    return days


def _figures(
    name: str,
    kept: dict[str, list[tuple[Any, int]]],
    states: dict[str, int],
    loads: list[LoadsOfDay],
    *,
    has_movies: bool,
) -> DatasetFigures:
    return DatasetFigures(
        dataset=name,
        rows=sum(records for _, records in kept[ROWS]),
        uploads=states,
        rejected=[RejectedByCode(code=code, records=records) for code, records in kept[REJECTED]],
        loads=loads,
        movies=_movies(kept) if has_movies else None,
    )


def _movies(kept: dict[str, list[tuple[Any, int]]]) -> MovieFigures:
    years = [YearCount(year=year, movies=movies) for year, movies in kept[ROWS]]
    ratings = [RatingCount(rating=rating, movies=movies) for rating, movies in kept["rating"]]
    return MovieFigures(
        by_year=sorted(years, key=lambda each: (each.year is None, each.year)),
        by_genre=[NamedCount(name=name, movies=movies) for name, movies in kept["genre"]],
        by_rating=sorted(ratings, key=lambda each: each.rating),
        by_type=[TypeCount(title_type=name, movies=movies) for name, movies in kept["title_type"]],
    )
