"""Genres by decade, and the movies with the most votes in each of them.

The kept sums know how many movies each of these cells has, and so which index leads to the best of them soonest:

    few movies    all of the cell, by the indexes of genres and years, then sorted
    many          the indexes of votes, of movies and of ratings, from their ends, until enough movies are of the cell
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)

from shared.catalog.tables.movies import TABLE
from shared.catalog.tables.ratings import TABLE as RATINGS
from shared.database.models import CollectionTotal
from shared.database.queries.browsing.breakdowns import kept_of, summed
from shared.database.row_tables import sql_table
from shared.database.timing.statement_names import named, planner_setting

_MOVIES: Final = sql_table(TABLE).c
_RATINGS: Final = sql_table(RATINGS).c
_NAMES: Final = ("id", "title", "release_year", "vote_count", "source_id")

# To read them all costs as much as to find 20 of a cell with more of them by votes, among ten million movies.
FEW: Final = 2_000
# How many movies, or ratings, with the most votes are looked at for one cell.
_MOST_LOOKED_AT: Final = 100_000

# For `top_of_large_cells`, in its transaction: as a parameter, any genre seems rare.
BY_VOTES: Final = planner_setting(
    "SELECT set_config('enable_bitmapscan', 'off', true), set_config('enable_hashjoin', 'off', true),"
    " set_config('enable_mergejoin', 'off', true)",
)


@named
def genre_decades(
    tenant: str, genre: str | None, decade: int | None, collection: int | None, at_most: int
) -> Select[*tuple[Any, ...]]:
    """Rows of `genre`, `decade` (null if the year is unknown) and `movies`, ordered by both."""
    facets = CollectionTotal.facets
    mine = kept_of(tenant, "genre", collection)
    if genre is not None:
        mine.append(facets["genre"].astext == genre)
    if decade is not None:
        mine.append(facets["decade"].astext == str(decade))
    genres, decades = facets["genre"].astext.label("genre"), facets["decade"].as_integer().label("decade")
    kept = select(genres, decades, CollectionTotal.row_count).where(*mine).subquery()
    movies = summed(kept.c.row_count)
    return (
        select(kept.c.genre, kept.c.decade, movies.label("movies"))
        .group_by(kept.c.genre, kept.c.decade)
        .having(movies > 0)
        .order_by(kept.c.genre.collate("C"), kept.c.decade.nulls_last())
        .limit(at_most)
    )


@named
def top_of_small_cells(
    tenant: str, genre: str, decades: Sequence[int | None], collection: int | None, top: int
) -> Select[*tuple[Any, ...]]:
    """Rows of `decade`, `id`, `title`, `release_year`, `vote_count` and `source_id`: of each decade the first `top`.

    `decades`: cells with few movies. A movie whose own file has no votes has those of its latest rating; movies without
    any are left out.
    """
    of_cells = or_(*(_is_of(decade, _MOVIES.release_year) for decade in decades))
    latest = (
        select(_RATINGS.vote_count)
        .where(_RATINGS.tenant == _literal(tenant), _RATINGS.source_id == _MOVIES.source_id)
        .order_by(_RATINGS.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    votes = case((_has_no_own_votes(), latest), else_=_MOVIES.vote_count)
    decade = (_MOVIES.release_year - _MOVIES.release_year % 10).label("decade")
    movies = select(decade, *_shown(votes)).where(*_mine(tenant, collection), _has(genre, _MOVIES.genres), of_cells)
    return _first_of_each_decade(movies, top)


@named
def top_of_large_cells(
    tenant: str, genre: str, decades: Sequence[int | None], collection: int | None, top: int
) -> Select[*tuple[Any, ...]]:
    """The same of cells with many movies, after `BY_VOTES`: among the 100,000 movies with the most votes of their own,
    and the 100,000 ratings with the most.
    """
    first = bindparam("top", top, Integer, literal_execute=True)
    parts = [
        top_of(tenant, genre, decade, collection).limit(first)
        for decade in decades
        for top_of in (_by_own_votes, _by_ratings)
    ]
    return _first_of_each_decade(union_all(*(select(part.subquery()) for part in parts)), top)


def _first_of_each_decade(movies: Select[Any] | CompoundSelect[Any], top: int) -> Select[*tuple[Any, ...]]:
    found = movies.subquery().c
    order = (found.vote_count.desc().nulls_last(), found.id.desc())
    rank = func.row_number().over(partition_by=found.decade, order_by=order).label("rank")
    ranked = select(*found, rank).subquery().c
    shown = (ranked[column.name] for column in found)
    is_first = ranked.rank <= top, ranked.vote_count.is_not(None)
    return select(*shown).where(*is_first).order_by(ranked.decade, ranked.rank)


def _by_own_votes(tenant: str, genre: str, decade: int | None, collection: int | None) -> Select[*tuple[Any, ...]]:
    has_votes = _MOVIES.vote_count.is_not(None)
    most_voted = select(*_shown(_MOVIES.vote_count), _MOVIES.genres).where(*_mine(tenant, collection), has_votes)
    movies = most_voted.order_by(_MOVIES.vote_count.desc(), _MOVIES.id.desc()).limit(_most_looked_at()).subquery().c
    return (
        select(_decade(decade), *(movies[name] for name in _NAMES))
        .where(_has(genre, movies.genres), _is_of(decade, movies.release_year))
        .order_by(movies.vote_count.desc(), movies.id.desc())
    )


def _by_ratings(tenant: str, genre: str, decade: int | None, collection: int | None) -> Select[*tuple[Any, ...]]:
    has_votes = _RATINGS.tenant == _literal(tenant), _RATINGS.vote_count.is_not(None)
    most_voted = select(_RATINGS.id, _RATINGS.source_id, _RATINGS.vote_count).where(*has_votes)
    rated = most_voted.order_by(_RATINGS.vote_count.desc(), _RATINGS.id.desc()).limit(_most_looked_at()).subquery().c
    later = sql_table(RATINGS).alias().c
    is_superseded = exists(later.id).where(
        later.tenant == _literal(tenant), later.source_id == rated.source_id, later.id > rated.id
    )
    return (
        select(_decade(decade), *_shown(rated.vote_count))
        .where(*_mine(tenant, collection), _MOVIES.source_id == rated.source_id, _has_no_own_votes(), ~is_superseded)
        .where(_has(genre, _MOVIES.genres), _is_of(decade, _MOVIES.release_year))
        .order_by(rated.vote_count.desc(), _MOVIES.id.desc())
    )


def _shown(votes: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    return [votes.label(name) if name == "vote_count" else _MOVIES[name] for name in _NAMES]


def _decade(decade: int | None) -> ColumnElement[Any]:
    return literal(decade, Integer).label("decade")


def _has_no_own_votes() -> ColumnElement[bool]:
    """A mean belongs to its number of votes: a movie that has one of the two takes neither from its rating."""
    return and_(_MOVIES.vote_count.is_(None), _MOVIES.vote_average.is_(None))


def _most_looked_at() -> ColumnElement[int]:
    return bindparam("most_looked_at", _MOST_LOOKED_AT, Integer, literal_execute=True)


def _literal(tenant: str) -> ColumnElement[str]:
    """The planner opens the partitions of this tenant only."""
    return bindparam("tenant", tenant, literal_execute=True)


def _mine(tenant: str, collection: int | None) -> list[ColumnElement[bool]]:
    mine = [_MOVIES.tenant == _literal(tenant)]
    if collection is not None:
        mine.append(_MOVIES.collection == bindparam("collection", collection, literal_execute=True))
    return mine


def _has(genre: str, genres: ColumnElement[Any]) -> ColumnElement[bool]:
    return genres.contains([genre])


def _is_of(decade: int | None, year: ColumnElement[Any]) -> ColumnElement[bool]:
    """Literals, too: the planner must know how many years there are."""
    if decade is None:
        return year.is_(None)
    first, last = (literal_column(str(int(each)), Integer) for each in (decade, decade + 9))
    return year.between(first, last)
