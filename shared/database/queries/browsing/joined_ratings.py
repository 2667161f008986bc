"""The votes of movies whose own file has none: from the rows of `ratings` with the same id.

A file that was appended may repeat the key of an earlier one; the latest row counts. A movie that has one of the two
values in its own file takes neither from here: a mean belongs to its number of votes.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    ScalarSelect,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import distinct_on

from shared.catalog.tables.ratings import TABLE
from shared.database.queries.kept_rows import Columns
from shared.database.row_tables import sql_table
from shared.database.timing.statement_names import named

RATINGS: Final = sql_table(TABLE)
VOTE_FIELDS: Final = ("vote_average", "vote_count")


@named
def latest_ratings(tenant: str, source_ids: Collection[str]) -> Select[Any]:
    """`source_id`, `collection`, `vote_average` and `vote_count` of each of these titles that has a rating."""
    columns = RATINGS.c
    return (
        select(columns.source_id, columns.collection, *(columns[name] for name in VOTE_FIELDS))
        .ext(distinct_on(columns.source_id))
        .where(of_tenant(columns, tenant), columns.source_id == any_(cast(list(source_ids), ARRAY(Text))))
        .order_by(columns.source_id, columns.id.desc())
    )


def has_no_own_votes(movies: Columns) -> ColumnElement[bool]:
    """Whether the file of a movie says nothing about votes."""
    return and_(*(movies[name].is_(None) for name in VOTE_FIELDS))


def joined(movies: Columns, tenant: str, field: str) -> ScalarSelect[Any]:
    """A field of the latest rating with a movie's id; `id` is that of the rating."""
    latest = RATINGS.alias()
    return (
        select(latest.c[field])
        .where(of_tenant(latest.c, tenant), latest.c.source_id == movies.source_id)
        .order_by(latest.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def latest_rating(movies: Columns, tenant: str) -> FromClause:
    """The same rating as a row to join: `id` and the votes."""
    latest = RATINGS.alias()
    statement = select(latest.c.id, *(latest.c[name] for name in VOTE_FIELDS))
    is_theirs = of_tenant(latest.c, tenant), latest.c.source_id == movies.source_id
    return statement.where(*is_theirs).order_by(latest.c.id.desc()).limit(1).lateral("latest_rating")


def is_latest(ratings: Columns, movies: Columns, tenant: str) -> ColumnElement[bool]:
    """Whether no later rating has the id of the movie that has this one.

    About both, and no condition of a join, so the database looks it up only where all others hold.
    """
    found: ColumnElement[bool] = joined(movies, tenant, "id") == ratings.id
    return found


def has_votes(movies: Columns, tenant: str, least: int, *, is_rated: bool) -> ColumnElement[bool]:
    """Whether a movie has at least so many votes; `is_rated`: the tenant has ratings."""
    own: ColumnElement[bool] = movies.vote_count >= least
    if not is_rated:
        return own
    return or_(own, and_(has_no_own_votes(movies), joined(movies, tenant, "vote_count") >= least))


def by_votes(movies: Columns, tenant: str, least: int) -> Sequence[list[ColumnElement[bool]]]:
    """The same as conditions of two kinds of movies: each kind is a range of an index."""
    ratings = RATINGS.alias()
    well_known = select(ratings.c.source_id).where(of_tenant(ratings.c, tenant), ratings.c.vote_count >= least)
    own = [movies.vote_count >= least]
    others = [movies.source_id.in_(well_known), has_no_own_votes(movies), joined(movies, tenant, "vote_count") >= least]
    return own, others


def of_tenant(columns: Columns, tenant: str) -> ColumnElement[bool]:
    """A literal, so that the planner opens the partitions of this tenant only."""
    is_theirs: ColumnElement[bool] = columns.tenant == bindparam("tenant", tenant, literal_execute=True)
    return is_theirs
