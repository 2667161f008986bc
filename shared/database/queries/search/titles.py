"""Movies by the words of their titles and overviews.

Popularity is the number of votes: the movie's own, or that of the table of ratings, where IMDb keeps them. A word that
thousands of titles have is looked for among those with the most votes (`popular` and `popular_by_ratings`), because
reading all that match would take long. Each statement reads a bounded number of rows.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    Text,
    false,
    func,
    select,
    true,
)

from shared.catalog.tables.alternative_titles import TABLE as ALTERNATIVE_TITLES
from shared.catalog.tables.movies import TABLE
from shared.catalog.tables.ratings import TABLE as RATINGS
from shared.database.queries.search.matching import (
    MOST_CANDIDATES,
    TEXT,
    at_most,
    begins_with,
    given,
    has_words,
    of_tenant,
    rows_of,
    text_has_words,
)
from shared.database.queries.search.unindexed import Ranges, outside
from shared.database.timing.statement_names import made_once

_MOVIES: Final = rows_of(TABLE).c
_RATINGS: Final = rows_of(RATINGS).c
_ALTERNATIVES: Final = rows_of(ALTERNATIVE_TITLES).c
# id, source_id, title_key, vote_count: what ranking needs of a candidate.
_CANDIDATE: Final = (_MOVIES.id, _MOVIES.source_id, _MOVIES.title_key, _MOVIES.vote_count)


@made_once
def count_beginning() -> Select[Any]:
    """How many titles begin with `text`, up to as many as there are candidates."""
    found = select(_MOVIES.id).where(of_tenant(TABLE), begins_with(_MOVIES.title_key, TEXT)).order_by(_MOVIES.title_key)
    return select(func.count()).select_from(_limited(found).subquery())


@made_once
def beginning() -> CompoundSelect[Any]:
    """Candidates whose titles begin with `text`, those with exactly this title first.

    Also those with exactly this alternative title: `is_alternative`.
    """
    is_named = of_tenant(TABLE), begins_with(_MOVIES.title_key, TEXT)
    own = select(*_CANDIDATE, false().label("is_alternative")).where(*is_named)
    is_called = _ALTERNATIVES.title_key == TEXT
    titles = _limited(select(_ALTERNATIVES.title_id).where(of_tenant(ALTERNATIVE_TITLES), is_called)).subquery()
    movies = _with_source_id(titles.c.title_id)
    others = select(*_candidate(movies), true().label("is_alternative")).select_from(titles.join(movies, true()))
    return _limited(own.order_by(_MOVIES.title_key)).union_all(_limited(others))


@made_once
def with_words(unindexed: Ranges) -> Select[Any]:
    """Candidates by the full-text index, where it is: with the words of `query`."""
    found = select(*_CANDIDATE).where(of_tenant(TABLE), *outside(_MOVIES.id, unindexed))
    return _limited(found.where(has_words(TABLE)))


@made_once
def with_alternative_words(unindexed: Ranges) -> Select[Any]:
    """Candidates by the words of an alternative title, where these have an index."""
    is_found = has_words(ALTERNATIVE_TITLES), *outside(_ALTERNATIVES.id, unindexed)
    found = _limited(select(_ALTERNATIVES.title_id).where(of_tenant(ALTERNATIVE_TITLES), *is_found))
    titles = select(found.subquery().c.title_id).distinct().subquery()
    movies = _with_source_id(titles.c.title_id)
    return _limited(select(*_candidate(movies)).select_from(titles.join(movies, true())))


@made_once
def with_overview_words(unindexed: Ranges) -> Select[Any]:
    """Candidates by the words of their overviews, where these have an index."""
    is_found = text_has_words(TABLE, "overview"), *outside(_MOVIES.id, unindexed)
    return _limited(select(*_CANDIDATE).where(of_tenant(TABLE), *is_found))


@made_once
def popular(most: int) -> Select[Any]:
    """The movies with the most votes of their own, with all their words."""
    voted = of_tenant(TABLE), _MOVIES.vote_count.is_not(None)
    statement = select(*_CANDIDATE, _MOVIES.more_words).where(*voted)
    return statement.order_by(_MOVIES.vote_count.desc(), _MOVIES.id.desc()).limit(at_most(most))


@made_once
def popular_by_ratings(most: int) -> Select[Any]:
    """The ratings with the most votes, each with the movie that has these votes and none of its own, if there is one.

    `is_rating` is true.
    """
    rated = (
        select(_RATINGS.source_id, _RATINGS.vote_count, _RATINGS.vote_average)
        .where(of_tenant(RATINGS), _RATINGS.vote_count.is_not(None))
        .order_by(_RATINGS.vote_count.desc(), _RATINGS.id.desc())
        .limit(at_most(most))
        .subquery()
    )
    movies = _with_source_id(rated.c.source_id)
    columns = movies.c.id, movies.c.source_id, movies.c.title_key, movies.c.more_words
    votes = rated.c.vote_count, rated.c.vote_average, true().label("is_rating")
    return select(*columns, *votes).select_from(rated.outerjoin(movies, movies.c.vote_count.is_(None)))


@made_once
def votes_of() -> Select[Any]:
    """`source_id`, `vote_count` and `vote_average` in the table of ratings, of these `source_ids`; the latest rows."""
    wanted = given("source_id", Text)
    latest = (
        select(_RATINGS.vote_count, _RATINGS.vote_average)
        .where(of_tenant(RATINGS), _RATINGS.source_id == wanted.c.source_id)
        .order_by(_RATINGS.id.desc())
        .limit(at_most(1))
        .lateral()
    )
    columns = wanted.c.source_id, latest.c.vote_count, latest.c.vote_average
    return select(*columns).select_from(wanted.join(latest, true()))


@made_once
def shown() -> Select[Any]:
    """What readers see of the movies with these `ids` in a list of hits."""
    wanted = given("id", BigInteger)
    columns = (
        *(_MOVIES.id, _MOVIES.source_id, _MOVIES.title, _MOVIES.original_title, _MOVIES.title_type),
        *(_MOVIES.release_year, _MOVIES.genres, _MOVIES.vote_average, _MOVIES.vote_count),
    )
    movie = select(*columns).where(of_tenant(TABLE), _MOVIES.id == wanted.c.id).lateral()
    return select(movie).select_from(wanted.join(movie, true()))


def _with_source_id(source_id: ColumnElement[Any]) -> FromClause:
    """The movies with an id in the source, for each row of a join: by the index of the key and in no other way.

    OFFSET keeps the planner from choosing another index or another join, which it does where it has no statistics yet:
    for a collection that is new, each row would then be compared with all movies.
    """
    of_source = of_tenant(TABLE), _MOVIES.source_id == source_id
    return select(*_CANDIDATE, _MOVIES.more_words).where(*of_source).offset(0).lateral()


def _candidate(movies: FromClause) -> list[ColumnElement[Any]]:
    return [movies.c[column.name] for column in _CANDIDATE]


def _limited(found: Select[Any]) -> Select[Any]:
    return found.limit(at_most(MOST_CANDIDATES))
