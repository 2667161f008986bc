"""All episodes of a series, by a recursive statement."""

from typing import Any, Final

from sqlalchemy import Integer, Select, and_, bindparam, case, literal, null, select, true
from sqlalchemy import cast as sql_cast
from sqlalchemy.sql.selectable import CTE, LateralFromClause

from shared.catalog.table import Table
from shared.catalog.tables.episodes import TABLE as EPISODES
from shared.catalog.tables.movies import TABLE as MOVIES
from shared.catalog.tables.ratings import TABLE as RATINGS
from shared.database.queries.browsing.publications import Collections
from shared.database.row_tables import sql_table
from shared.database.timing.statement_names import named

EPISODE_FIELDS: Final = (
    *("id", "source_id", "series_id", "title", "title_type", "release_year", "season_number", "episode_number"),
    *("vote_average", "vote_count", "runtime"),
)
_TITLE: Final = ("id", "title", "title_type", "release_year", "runtime")
_VOTES: Final = ("vote_average", "vote_count")


@named
def episodes_of_series(where: Collections, series_id: str, limit: int) -> Select[Any]:
    """At most `limit` rows, in no order: titles that name the series as theirs, or such a title, or one of those.

    Their columns are `EPISODE_FIELDS`. The votes of the title's own file, if it has any, come before those of a file of
    ratings.
    """
    found = _descendants(where, series_id)
    title = _latest(where, MOVIES, (*_TITLE, *_VOTES), found.c.source_id)
    rating = _latest(where, RATINGS, _VOTES, found.c.source_id)
    has_no_votes = and_(*(title.c[name].is_(None) for name in _VOTES))
    votes = [case((has_no_votes, rating.c[name]), else_=title.c[name]).label(name) for name in _VOTES]
    columns = {column.name: column for column in (*found.c, *(title.c[name] for name in _TITLE), *votes)}
    return (
        select(*(columns[name] for name in EPISODE_FIELDS))
        .select_from(found.outerjoin(title, true()).outerjoin(rating, true()))
        .limit(bindparam("limit", limit, Integer, literal_execute=True))
    )


def _descendants(where: Collections, series_id: str) -> CTE:
    """A UNION, so no row is found twice, and dirty data in which a series is its own episode comes to an end."""
    columns = sql_table(EPISODES).c
    fields = [columns[name] for name in ("source_id", "series_id", "season_number", "episode_number")]
    of_publisher = where.conditions(EPISODES)
    found = select(*fields).where(*of_publisher, columns.series_id == series_id).cte("found", recursive=True)
    return found.union(select(*fields).where(*of_publisher, columns.series_id == found.c.source_id))


def _latest(where: Collections, table: Table, names: tuple[str, ...], source_id: Any) -> LateralFromClause:
    """The latest row of the title in a table; without a row that fits there is none."""
    if not where.has(table):
        return _nothing(table, names)
    columns = sql_table(table).c
    return (
        select(*(columns[name] for name in names))
        .where(*where.conditions(table), columns.source_id == source_id)
        .order_by(columns.id.desc())
        .limit(bindparam("one", 1, Integer, literal_execute=True))
        .lateral(f"latest_{table.name}")
    )


def _nothing(table: Table, names: tuple[str, ...]) -> LateralFromClause:
    columns = [sql_cast(null(), sql_table(table).c[name].type).label(name) for name in names]
    return select(*columns).where(literal(False)).lateral(f"latest_{table.name}")
