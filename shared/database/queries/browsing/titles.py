"""What belongs to titles, by their ids in the source: names, ratings, credits, other titles, episodes.

A file that was appended may repeat the key of an earlier one; the latest row counts.
"""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Integer, Select, bindparam, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from shared.catalog.table import Table
from shared.catalog.tables.alternative_titles import TABLE as ALTERNATIVE_TITLES
from shared.catalog.tables.credits import TABLE as CREDITS
from shared.catalog.tables.crew import TABLE as CREW
from shared.catalog.tables.episodes import TABLE as EPISODES
from shared.catalog.tables.movies import TABLE as MOVIES
from shared.catalog.tables.people import TABLE as PEOPLE
from shared.catalog.tables.ratings import TABLE as RATINGS
from shared.database.queries.browsing.publications import Collections, one_of
from shared.database.row_tables import sql_table
from shared.database.timing.statement_names import named

_CREW_FIELDS: Final = ("directors", "writers", "cast_names", "cast_ids", "crew_names", "crew_ids")


@named
def titles_by_source(where: Collections, source_ids: Iterable[str]) -> Select[Any]:
    """Each of these titles that there is: `id`, `source_id`, `title`, `title_type`, `release_year` and the votes."""
    return _latest(where, MOVIES, source_ids, "title", "title_type", "release_year", "vote_average", "vote_count")


@named
def people_by_source(where: Collections, source_ids: Iterable[str]) -> Select[Any]:
    """`id`, `source_id` and `name` of each of these people that there is."""
    return _latest(where, PEOPLE, source_ids, "name")


@named
def ratings_of(where: Collections, source_ids: Iterable[str]) -> Select[Any]:
    """`id`, `source_id`, `collection`, `vote_average` and `vote_count` of each of these titles that has a rating."""
    return _latest(where, RATINGS, source_ids, "collection", "vote_average", "vote_count")


@named
def credits_of_title(where: Collections, source_id: str, limit: int) -> Select[Any]:
    """The first credits in their order, each with the `total` of all and the `category_total` of its category."""
    columns = sql_table(CREDITS).c
    fields = columns.ordering, columns.person_id, columns.category, columns.job, columns.characters
    total = func.count().over().label("total")
    of_category = func.count().over(partition_by=columns.category).label("category_total")
    return (
        select(*fields, total, of_category)
        .where(*where.conditions(CREDITS), columns.title_id == source_id)
        .order_by(columns.ordering, columns.id)
        .limit(_literal(limit))
    )


@named
def crew_of_title(where: Collections, source_id: str) -> Select[Any]:
    """The lists of people of the title's latest row."""
    columns = sql_table(CREW).c
    return (
        select(*(columns[name] for name in _CREW_FIELDS))
        .where(*where.conditions(CREW), columns.title_id == source_id)
        .order_by(columns.id.desc())
        .limit(_literal(1))
    )


@named
def alternative_titles_of(where: Collections, source_id: str, limit: int) -> Select[Any]:
    """The first alternative titles in their order, each with the `total` of all."""
    columns = sql_table(ALTERNATIVE_TITLES).c
    names = "title", "region", "language", "types", "attributes", "is_original"
    return (
        select(*(columns[name] for name in names), func.count().over().label("total"))
        .where(*where.conditions(ALTERNATIVE_TITLES), columns.title_id == source_id)
        .order_by(columns.ordering, columns.id)
        .limit(_literal(limit))
    )


@named
def episode_of(where: Collections, source_id: str) -> Select[Any]:
    """`series_id`, `season_number` and `episode_number` of a title that is an episode."""
    columns = sql_table(EPISODES).c
    return (
        select(columns.series_id, columns.season_number, columns.episode_number)
        .where(*where.conditions(EPISODES), columns.source_id == source_id)
        .order_by(columns.id.desc())
        .limit(_literal(1))
    )


@named
def episode_counts(where: Collections, series_id: str) -> Select[*tuple[Any, ...]]:
    """`seasons` and `episodes`: how many known seasons and how many episodes name this series."""
    columns = sql_table(EPISODES).c
    seasons = func.count(columns.season_number.distinct()).label("seasons")
    episodes = func.count(columns.source_id.distinct()).label("episodes")
    return select(seasons, episodes).where(*where.conditions(EPISODES), columns.series_id == series_id)


def _latest(where: Collections, table: Table, source_ids: Iterable[str], *names: str) -> Select[Any]:
    columns = sql_table(table).c
    return (
        select(columns.id, columns.source_id, *(columns[name] for name in names))
        .ext(distinct_on(columns.source_id))
        .where(*where.conditions(table), one_of(columns.source_id, source_ids))
        .order_by(columns.source_id, columns.id.desc())
    )


def _literal(limit: int) -> Any:
    """For an unknown number of rows the planner would assume a tenth of the table."""
    return bindparam("limit", limit, Integer, literal_execute=True)
