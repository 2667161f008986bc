"""What of a tenant is kept in memory: the movies with the most votes, and the genres.

A word that thousands of titles have is looked for in these movies. To read them takes as long as all the rest of a
search. They are kept by the version of all that the tenant sees, which each publication changes, and read in the
transaction that says the version: so nobody finds what is not there.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from api.search.word_index import WordIndex
from shared.catalog.search_words import plain
from shared.database.queries.browsing.breakdowns import value_counts
from shared.database.queries.search import titles
from shared.database.queries.search.matching import Query

# Of those with votes of their own, and as many of those that the table of ratings has votes for.
_MOST: Final = 2000
# About a megabyte each.
_TENANTS: Final = 16


@dataclass(frozen=True, slots=True)
class Genre:
    """`key`: its name as search compares it; `movies`: how many have it."""

    key: str
    name: str
    movies: int


class Remembered:
    """Of one tenant, at one version."""

    def __init__(self, movies: Sequence[RowMapping], genres: Sequence[Genre]) -> None:
        """`movies`: with votes of their own or of the table of ratings, and with `more_words`."""
        self._movies = movies
        self._movie_words = WordIndex([f"{row['title_key'] or ''} {row['more_words'] or ''}" for row in movies])
        self._genres = genres
        self._genre_words = WordIndex([genre.key for genre in genres])

    def movies_with(self, query: Query) -> Iterator[RowMapping]:
        """Those of the movies that have the words of a query. Any other movie of the tenant has fewer votes."""
        return (self._movies[number] for number in self._movie_words.matching(query))

    def genres_with(self, query: Query) -> Iterator[tuple[int, Genre]]:
        """The genres with the words of a query, each with its number in the order of how many movies they have."""
        return ((number, self._genres[number]) for number in self._genre_words.matching(query))


class Memory:
    """Of the tenants that were asked for last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[Any, Remembered]] = OrderedDict()

    async def of(self, connection: AsyncConnection, tenant: str, version: Any) -> Remembered:
        """What is kept of this version. All statements of the transaction must see the moment of the version."""
        kept_version, remembered = self._kept.get(tenant, (None, None))
        if remembered is None or kept_version != version:
            remembered = await _read(connection, tenant)
            self._kept[tenant] = version, remembered
        self._kept.move_to_end(tenant)
        while len(self._kept) > _TENANTS:
            self._kept.popitem(last=False)
        return remembered


async def _read(connection: AsyncConnection, tenant: str) -> Remembered:
    found = []
    least = 0
    for statement in (titles.popular(_MOST), titles.popular_by_ratings(_MOST)):
        rows = (await connection.execute(statement, {"tenant": tenant})).mappings().all()
        found += rows
        # a list of all ends nowhere; behind the end of another one, there may be movies that are better known
        if len(rows) >= _MOST:
            least = max(least, min(row["vote_count"] for row in rows))
    movies = [row for row in found if row["id"] is not None and row["vote_count"] >= least]
    counts = (await connection.execute(value_counts(tenant, "genre", None, "-movies"))).mappings()
    genres = [Genre(plain(row["name"]), row["name"], row["movies"]) for row in counts]
    return Remembered(movies, genres)
