"""Rows of large uploads whose indexes of words are still to be built: to look at each of them would take too long.

Until then, searches find them by the beginnings of their titles and among those with the most votes.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, column, func, or_, select, text

from shared.catalog.tables.alternative_titles import TABLE as ALTERNATIVE_TITLES
from shared.catalog.tables.movies import TABLE as MOVIES
from shared.catalog.tables.people import TABLE as PEOPLE
from shared.database.partitions import LEAVES_WITHOUT_WORDS
from shared.database.queries.versions import VERSIONS
from shared.database.record_ids import end_of
from shared.database.timing.statement_names import named

# First ids of ranges, each of one upload.
Ranges = tuple[int, ...]

UNINDEXED: Final = text(f"""
SELECT first_id
FROM (SELECT DISTINCT table_name, branch FROM collections WHERE tenant = :tenant AND table_name = ANY(:tables)) AS held
{LEAVES_WITHOUT_WORDS} AND uploads.tenant = :tenant
""").bindparams(tables=[MOVIES.name, ALTERNATIVE_TITLES.name, PEOPLE.name])


@named
def _moment() -> Select[Any]:
    unindexed = UNINDEXED.columns(column("first_id", BigInteger)).subquery()
    return VERSIONS.add_columns(func.array(select(unindexed.c.first_id).scalar_subquery()).label("unindexed"))


# What `VERSIONS` says of `tenant`, and these ranges in the same moment.
MOMENT: Final = _moment()


def outside(ids: ColumnElement[Any], unindexed: Iterable[int]) -> Iterator[ColumnElement[bool]]:
    """Not in these ranges; literals, so that the planner opens no partition of theirs."""
    for first_id in unindexed:
        bounds = (bindparam(None, each, BigInteger, literal_execute=True) for each in (first_id, end_of(first_id)))
        yield or_(ids < next(bounds), ids >= next(bounds))
