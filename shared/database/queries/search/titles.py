"""Movies by the words of their titles and overviews.

Popularity is the number of votes: the movie's own, or that of the table of ratings, where IMDb keeps them. A word that
thousands of titles have is looked for among the movies with the most votes, because reading all that match would take
long: `popular` and `popular_by_ratings`. Each statement reads a bounded number of rows.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, CompoundSelect, Select, Text, cast, func, literal, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from shared.catalog.tables.alternative_titles import TABLE as ALTERNATIVE_TITLES
from shared.catalog.tables.movies import TABLE
from shared.catalog.tables.ratings import TABLE as RATINGS
from shared.database.queries.search.matching import Query, begins_with, contains_words, has_words, of_tenant, rows_of

_MOVIES: Final = rows_of(TABLE).c
_RATINGS: Final = rows_of(RATINGS).c
_ALTERNATIVES: Final = rows_of(ALTERNATIVE_TITLES).c
# id, source_id, title_key, vote_count: what ranking needs of a candidate.
_CANDIDATE: Final = (_MOVIES.id, _MOVIES.source_id, _MOVIES.title_key, _MOVIES.vote_count)


def count_beginning_with(tenant: str, text: str, most: int) -> Select[Any]:
    """How many titles begin with a text; counts up to `most`."""
    found = select(_MOVIES.id).where(of_tenant(TABLE, tenant), begins_with(_MOVIES.title_key, text)).limit(most)
    return select(func.count()).select_from(found.subquery())


def called(tenant: str, key: str, most: int) -> CompoundSelect[Any]:
    """Candidates with exactly this title, or this alternative one."""
    own = select(*_CANDIDATE).where(of_tenant(TABLE, tenant), _MOVIES.title_key == key).limit(most)
    others = select(_ALTERNATIVES.title_id).where(of_tenant(ALTERNATIVE_TITLES, tenant), _ALTERNATIVES.title_key == key)
    titles = others.limit(most).subquery()
    of_title = _MOVIES.source_id == titles.c.title_id
    movies = select(*_CANDIDATE).where(of_tenant(TABLE, tenant), of_title).lateral()
    alternative = select(movies).select_from(titles.join(movies, true())).limit(most)
    return own.union_all(alternative)


def with_words(tenant: str, query: Query, most: int, *, is_begun_common: bool) -> Select[Any]:
    """Candidates by the full-text index.

    `is_begun_common`: it is not asked for the last word, which would mean to collect every row with it; there must be
    other words.
    """
    found = select(*_CANDIDATE).where(of_tenant(TABLE, tenant))
    found = found.where(has_words(TABLE, query.text_query(with_begun=not is_begun_common)))
    if is_begun_common:
        found = found.where(contains_words(query, _MOVIES.title_key, _MOVIES.more_words, only_begun=True))
    return found.limit(most)


def with_alternative_words(tenant: str, query: Query, most: int) -> Select[Any]:
    """Candidates by the words of an alternative title."""
    is_found = has_words(ALTERNATIVE_TITLES, query.text_query())
    found = select(_ALTERNATIVES.title_id).where(of_tenant(ALTERNATIVE_TITLES, tenant), is_found).limit(most)
    titles = select(found.subquery().c.title_id).distinct().subquery()
    of_title = _MOVIES.source_id == titles.c.title_id
    movies = select(*_CANDIDATE).where(of_tenant(TABLE, tenant), of_title).lateral()
    return select(movies).select_from(titles.join(movies, true())).limit(most)


def with_overview_words(tenant: str, query: Query, most: int) -> Select[Any]:
    """Candidates by the words of their overviews."""
    is_found = has_words(TABLE, query.overview_query)
    return select(*_CANDIDATE).where(of_tenant(TABLE, tenant), is_found).limit(most)


def popular(tenant: str, query: Query, looked_at: int, most: int) -> Select[Any]:
    """Candidates among the movies with the most votes of their own."""
    voted = (
        select(*_CANDIDATE, _MOVIES.more_words)
        .where(of_tenant(TABLE, tenant), _MOVIES.vote_count.is_not(None))
        .order_by(_MOVIES.vote_count.desc(), _MOVIES.id.desc())
        .limit(looked_at)
        .subquery()
        .c
    )
    columns = voted.id, voted.source_id, voted.title_key, voted.vote_count
    return select(*columns).where(contains_words(query, voted.title_key, voted.more_words)).limit(most)


def popular_by_ratings(tenant: str, query: Query, looked_at: int, most: int) -> Select[Any]:
    """Candidates among the movies without votes of their own that have the most in the table of ratings."""
    rated = (
        select(_RATINGS.source_id, _RATINGS.vote_count)
        .where(of_tenant(RATINGS, tenant))
        .order_by(_RATINGS.vote_count.desc(), _RATINGS.id.desc())
        .limit(looked_at)
        .subquery()
    )
    of_rating = _MOVIES.source_id == rated.c.source_id, _MOVIES.vote_count.is_(None)
    movies = select(*_CANDIDATE[:3], _MOVIES.more_words).where(of_tenant(TABLE, tenant), *of_rating).lateral()
    columns = movies.c.id, movies.c.source_id, movies.c.title_key, rated.c.vote_count
    is_found = contains_words(query, movies.c.title_key, movies.c.more_words)
    return select(*columns).select_from(rated.join(movies, true())).where(is_found).limit(most)


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
