"""What matches a query, of each type: a bounded number of candidates from indexes, to be ranked."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import CompoundSelect, RowMapping, Select
from sqlalchemy.ext.asyncio import AsyncConnection

from api.search.engine import HitType
from api.search.popular import PopularMovies
from shared.catalog.search_words import plain
from shared.database.queries.browsing.breakdowns import value_counts
from shared.database.queries.search import people, titles
from shared.database.queries.search.matching import Query
from shared.database.queries.search.unindexed import Ranges

# Of so many titles or names that begin with a word it is common: its rows are not collected.
_COMMON: Final = 1000
# How many candidates a statement returns: any of those that match. The best known ones are looked for beside them.
MOST_CANDIDATES: Final = 300
# Beside other words, the index is asked for a common one, too, unless less of it is there: then that would be too many.
_SHORTEST_BESIDE_OTHERS: Final = 3
# A shorter beginning of a word is in too many overviews.
_SHORTEST_IN_OVERVIEWS: Final = 4


# Ranks of what matches: its whole name, a genre, a title or a name, an overview.
_EXACT, _GENRE, _NAME, _OVERVIEW = range(4)


@dataclass(slots=True)
class Candidate:
    """Something that matches; smaller ranks come first, then more votes, then shorter keys."""

    type: HitType
    id: int
    key: str
    rank: int
    votes: int = 0
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def order(self) -> tuple[int, int, int, str, int]:
        """Sorts candidates, best first."""
        return self.rank, -self.votes, len(self.key), self.key, self.id

    @property
    def is_rated_elsewhere(self) -> bool:
        """Whether its votes can only be those of the table of ratings."""
        return self.type is HitType.MOVIE and bool(self.details["source_id"]) and not self.details["has_votes"]


@dataclass(slots=True)
class Candidates:
    """Those of one type, each once with its best rank; `is_complete`: there are no others."""

    found: dict[int, Candidate] = field(default_factory=dict)
    is_complete: bool = True

    def add(self, candidate: Candidate) -> None:
        """Once more found: with the better rank, and with the votes if it had none."""
        before = self.found.get(candidate.id)
        if before is None or candidate.rank < before.rank:
            self.found[candidate.id] = candidate
        elif candidate.votes > before.votes:
            before.votes = candidate.votes


@dataclass(frozen=True, slots=True)
class Asked:
    """What is being answered: the query, the types of hits, and how many of the best ones are `needed`.

    `unindexed`: rows whose words have no index yet.
    """

    connection: AsyncConnection
    tenant: str
    query: Query
    types: frozenset[HitType]
    popular: PopularMovies
    needed: int
    unindexed: Ranges

    async def rows(self, statement: Select[Any] | CompoundSelect[Any]) -> Sequence[RowMapping]:
        """What a statement finds."""
        found: Sequence[RowMapping] = (await self.connection.execute(statement)).mappings().all()
        return found

    async def is_common(self, counting: Select[Any]) -> bool:
        """Whether so many begin with a word that they are not collected."""
        return (await self.connection.scalar(counting) or 0) >= _COMMON


async def find_movies(asked: Asked) -> Candidates:
    """By their titles and overviews, with their votes."""
    tenant, query = asked.tenant, asked.query
    movies = Candidates()

    def rank_of(key: str, rank: int) -> int:
        return _EXACT if key == query.key else rank

    def add(rows: Sequence[RowMapping], rank: int) -> None:
        movies.is_complete = movies.is_complete and len(rows) < MOST_CANDIDATES
        for row in rows:
            key, votes = row["title_key"], row["vote_count"]
            details = {"source_id": row["source_id"], "has_votes": votes is not None}
            movies.add(Candidate(HitType.MOVIE, row["id"], key, rank_of(key, rank), votes or 0, details))

    add(await asked.rows(titles.called(tenant, query.key, MOST_CANDIDATES)), _EXACT)
    for movie in await asked.popular.matching(asked.connection, tenant, query):
        details = {"source_id": movie.source_id, "has_votes": movie.has_votes}
        rank = rank_of(movie.key, _NAME)
        movies.add(Candidate(HitType.MOVIE, movie.id, movie.key, rank, movie.votes, details))
    if sum(each.rank == _EXACT for each in movies.found.values()) > asked.needed:
        movies.is_complete = False  # all others come behind these
    else:
        await _add_by_words(asked, movies, add)
    await _add_votes(asked, movies)
    return movies


async def _add_by_words(asked: Asked, movies: Candidates, add: Callable[[Sequence[RowMapping], int], None]) -> None:
    tenant, query = asked.tenant, asked.query
    is_common = await asked.is_common(titles.count_beginning_with(tenant, query.begun, _COMMON))
    if is_common:
        movies.is_complete = False
    if not is_common or (query.complete and len(movies.found) < asked.needed):
        is_broad = is_common and len(query.begun) < _SHORTEST_BESIDE_OTHERS
        statement = titles.with_words(tenant, query, MOST_CANDIDATES, asked.unindexed, is_begun_common=is_broad)
        add(await asked.rows(statement), _NAME)
    if not is_common and len(movies.found) < asked.needed:
        statement = titles.with_alternative_words(tenant, query, MOST_CANDIDATES, asked.unindexed)
        add(await asked.rows(statement), _NAME)
        if len(query.begun) >= _SHORTEST_IN_OVERVIEWS:
            statement = titles.with_overview_words(tenant, query, MOST_CANDIDATES, asked.unindexed)
            add(await asked.rows(statement), _OVERVIEW)


async def _add_votes(asked: Asked, movies: Candidates) -> None:
    """The votes of IMDb's titles are in a table of their own."""
    lacking = [each for each in movies.found.values() if each.is_rated_elsewhere and not each.votes]
    votes = await find_votes(asked, (each.details["source_id"] for each in lacking))
    for each in lacking:
        rating = votes.get(each.details["source_id"])
        each.votes = (rating and rating["vote_count"]) or 0


async def find_votes(asked: Asked, source_ids: Iterable[str]) -> dict[str, RowMapping]:
    """Votes of the table of ratings, by the ids in the source."""
    wanted = list(dict.fromkeys(source_ids))
    if not wanted:
        return {}
    return {row["source_id"]: row for row in await asked.rows(titles.votes_of(asked.tenant, wanted))}


async def find_people(asked: Asked) -> Candidates:
    """A person is as popular as the best known title."""
    tenant, query = asked.tenant, asked.query
    rows = list(await asked.rows(people.called(tenant, query.key, MOST_CANDIDATES)))
    is_common = await asked.is_common(people.count_beginning_with(tenant, query.begun, _COMMON))
    statement = people.with_words(tenant, query, MOST_CANDIDATES, asked.unindexed, is_begun_common=is_common)
    found = await asked.rows(statement)
    rows += found
    votes = await find_votes(asked, (title for row in rows for title in row["known_for"] or ()))
    result = Candidates(is_complete=len(found) < MOST_CANDIDATES)
    for row in rows:
        rank = _EXACT if row["name_key"] == query.key else _NAME
        best = max((votes[title]["vote_count"] or 0 for title in row["known_for"] or () if title in votes), default=0)
        result.add(Candidate(HitType.PERSON, row["id"], row["name_key"], rank, best))
    return result


async def find_genres(asked: Asked) -> Candidates:
    """By their names, as popular as they have movies."""
    query = asked.query
    result = Candidates()
    for number, row in enumerate(await asked.rows(value_counts(asked.tenant, "genre", None, "-movies"))):
        name = plain(row["name"])
        words = name.split()
        if {*query.complete} <= {*words} and any(word.startswith(query.begun) for word in words):
            rank = _EXACT if name == query.key else _GENRE
            hit = {"type": HitType.GENRE, "name": row["name"], "movies": row["movies"]}
            result.add(Candidate(HitType.GENRE, number, name, rank, row["movies"], hit))
    return result
