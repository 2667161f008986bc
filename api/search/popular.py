"""The movies of a tenant with the most votes, in memory: a word that thousands of titles have is looked for in these.

To read them takes as long as all the rest of a search. They are kept by the version of all that the tenant sees, which
each publication changes, and read in the transaction that says the version: so nobody finds what is not there.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database.queries.search import titles
from shared.database.queries.search.matching import Query
from shared.database.queries.versions import VERSIONS

# Of those with votes of their own, and as many of those that the table of ratings has votes for.
_MOST: Final = 2000
# Some hundred kilobytes each.
_TENANTS: Final = 16


@dataclass(frozen=True, slots=True)
class PopularMovie:
    """`words`: those of its titles; `votes`: its own (`has_votes`), or those of the table of ratings."""

    id: int
    source_id: str | None
    key: str
    words: str
    votes: int
    has_votes: bool


class PopularMovies:
    """Those of the tenants that were asked for last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[str, Sequence[PopularMovie]]] = OrderedDict()

    async def matching(self, connection: AsyncConnection, tenant: str, query: Query) -> Iterator[PopularMovie]:
        """Those with the words of a query. All statements of the transaction must see the same moment."""
        version = repr(tuple((await connection.execute(VERSIONS, {"tenant": tenant, "dataset": None})).one()))
        kept_version, movies = self._kept.get(tenant, (None, ()))
        if kept_version != version:
            movies = await _read(connection, tenant)
            self._kept[tenant] = version, movies
        self._kept.move_to_end(tenant)
        while len(self._kept) > _TENANTS:
            self._kept.popitem(last=False)
        return (movie for movie in movies if query.is_in(movie.words))


async def _read(connection: AsyncConnection, tenant: str) -> list[PopularMovie]:
    own = (await connection.execute(titles.popular(tenant, _MOST))).mappings().all()
    rated = (await connection.execute(titles.popular_by_ratings(tenant, _MOST))).mappings().all()
    return [*(_movie(row, has_votes=True) for row in own), *(_movie(row, has_votes=False) for row in rated)]


def _movie(row: RowMapping, *, has_votes: bool) -> PopularMovie:
    words = " ".join(filter(None, (row["title_key"], row["more_words"])))
    return PopularMovie(row["id"], row["source_id"], row["title_key"], words, row["vote_count"], has_votes)
