"""Movies by the words of their titles and overviews.

Popularity is the number of votes: the movie's own, or that of the table of ratings, where IMDb keeps them. A word that
thousands of titles have is looked for among those with the most votes (`popular` and `popular_by_ratings`), because
reading all that match would take long. Each statement reads a bounded number of rows.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    Text,
    cast,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from shared.catalog.tables.alternative_titles import TABLE as ALTERNATIVE_TITLES
from shared.catalog.tables.movies import TABLE
from shared.catalog.tables.ratings import TABLE as RATINGS
from shared.database.queries.search.matching import (
    Query,
    begins_with,
    contains_words,
    has_words,
    of_tenant,
    rows_of,
    text_has_words,
)
from shared.database.queries.search.unindexed import Ranges, outside
from shared.database.timing.statement_names import named

_MOVIES: Final = rows_of(TABLE).c
_RATINGS: Final = rows_of(RATINGS).c
_ALTERNATIVES: Final = rows_of(ALTERNATIVE_TITLES).c
# id, source_id, title_key, vote_count: what ranking needs of a candidate.
_CANDIDATE: Final = (_MOVIES.id, _MOVIES.source_id, _MOVIES.title_key, _MOVIES.vote_count)


@named
def count_beginning_with(tenant: str, text: str, most: int) -> Select[Any]:
    """How many titles begin with a text; counts up to `most`."""
    found = select(_MOVIES.id).where(of_tenant(TABLE, tenant), begins_with(_MOVIES.title_key, text)).limit(most)
    return select(func.count()).select_from(found.subquery())


@named
def called(tenant: str, key: str, most: int) -> CompoundSelect[Any]:
    """Candidates with exactly this title, or this alternative one."""
    own = select(*_CANDIDATE).where(of_tenant(TABLE, tenant), _MOVIES.title_key == key).limit(most)
    others = select(_ALTERNATIVES.title_id).where(of_tenant(ALTERNATIVE_TITLES, tenant), _ALTERNATIVES.title_key == key)
    titles = others.limit(most).subquery()
    movies = _with_source_id(tenant, titles.c.title_id)
    alternative = _candidates(movies).select_from(titles.join(movies, true())).limit(most)
    return own.union_all(alternative)


@named
def with_words(tenant: str, query: Query, most: int, unindexed: Ranges, *, is_begun_common: bool) -> Select[Any]:
    """Candidates by the full-text index, where it is.

    `is_begun_common`: it is not asked for the last word, which would mean to collect every row with it; there must be
    other words.
    """
    found = select(*_CANDIDATE).where(of_tenant(TABLE, tenant), *outside(_MOVIES.id, unindexed))
    found = found.where(has_words(TABLE, query.text_query(with_begun=not is_begun_common)))
    if is_begun_common:
        found = found.where(contains_words(query, _MOVIES.title_key, _MOVIES.more_words, only_begun=True))
    return found.limit(most)


@named
def with_alternative_words(tenant: str, query: Query, most: int, unindexed: Ranges) -> Select[Any]:
    """Candidates by the words of an alternative title, where these have an index."""
    is_found = has_words(ALTERNATIVE_TITLES, query.text_query()), *outside(_ALTERNATIVES.id, unindexed)
    found = select(_ALTERNATIVES.title_id).where(of_tenant(ALTERNATIVE_TITLES, tenant), *is_found).limit(most)
    titles = select(found.subquery().c.title_id).distinct().subquery()
    movies = _with_source_id(tenant, titles.c.title_id)
    return _candidates(movies).select_from(titles.join(movies, true())).limit(most)


@named
def with_overview_words(tenant: str, query: Query, most: int, unindexed: Ranges) -> Select[Any]:
    """Candidates by the words of their overviews, where these have an index."""
    is_found = text_has_words(TABLE, "overview", query.text_query()), *outside(_MOVIES.id, unindexed)
    return select(*_CANDIDATE).where(of_tenant(TABLE, tenant), *is_found).limit(most)


@named
def popular(tenant: str, most: int) -> Select[Any]:
    """The movies with the most votes of their own, with all their words."""
    voted = of_tenant(TABLE, tenant), _MOVIES.vote_count.is_not(None)
    statement = select(*_CANDIDATE, _MOVIES.more_words).where(*voted)
    return statement.order_by(_MOVIES.vote_count.desc(), _MOVIES.id.desc()).limit(most)


@named
def popular_by_ratings(tenant: str, most: int) -> Select[Any]:
    """The movies without votes of their own among those with the most in the table of ratings; also their words."""
    rated = (
        select(_RATINGS.source_id, _RATINGS.vote_count)
        .where(of_tenant(RATINGS, tenant))
        .order_by(_RATINGS.vote_count.desc(), _RATINGS.id.desc())
        .limit(most)
        .subquery()
    )
    movies = _with_source_id(tenant, rated.c.source_id)
    columns = movies.c.id, movies.c.source_id, movies.c.title_key, movies.c.more_words, rated.c.vote_count
    return select(*columns).select_from(rated.join(movies, true())).where(movies.c.vote_count.is_(None))


@named
def votes_of(tenant: str, source_ids: Sequence[str]) -> Select[Any]:
    """`source_id`, `vote_count` and `vote_average` in the table of ratings; the latest row of each."""
    wanted = (
        func.unnest(cast(literal(list(source_ids), ARRAY(Text)), ARRAY(Text)))
        .table_valued("source_id")
        .render_derived()
    )
    latest = (
        select(_RATINGS.vote_count, _RATINGS.vote_average)
        .where(of_tenant(RATINGS, tenant), _RATINGS.source_id == wanted.c.source_id)
        .order_by(_RATINGS.id.desc())
        .limit(1)
        .lateral()
    )
    columns = wanted.c.source_id, latest.c.vote_count, latest.c.vote_average
    return select(*columns).select_from(wanted.join(latest, true()))


@named
def shown(tenant: str, ids: Sequence[int]) -> Select[Any]:
    """What readers see of these movies in a list of hits."""
    wanted = (
        func.unnest(cast(literal(list(ids), ARRAY(BigInteger)), ARRAY(BigInteger))).table_valued("id").render_derived()
    )
    columns = (
        *(_MOVIES.id, _MOVIES.source_id, _MOVIES.title, _MOVIES.original_title, _MOVIES.title_type),
        *(_MOVIES.release_year, _MOVIES.genres, _MOVIES.vote_average, _MOVIES.vote_count),
    )
    movie = select(*columns).where(of_tenant(TABLE, tenant), _MOVIES.id == wanted.c.id).lateral()
    return select(movie).select_from(wanted.join(movie, true()))


def _with_source_id(tenant: str, source_id: ColumnElement[Any]) -> FromClause:
    """The movies with an id in the source, for each row of a join: by the index of the key and in no other way.

    OFFSET keeps the planner from choosing another index or another join, which it does where it has no statistics yet:
    for a collection that is new, each row would then be compared with all movies.
    """
    of_source = of_tenant(TABLE, tenant), _MOVIES.source_id == source_id
    return select(*_CANDIDATE, _MOVIES.more_words).where(*of_source).offset(0).lateral()


def _candidates(movies: FromClause) -> Select[Any]:
    return select(*(movies.c[column.name] for column in _CANDIDATE))
