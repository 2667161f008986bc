"""What matches a query, of each type: a bounded number of candidates from indexes, to be ranked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import CompoundSelect, RowMapping, Select
from sqlalchemy.ext.asyncio import AsyncConnection

from api.search.engine import HitType
from api.search.remembered import Remembered
from shared.database.queries.search import people, titles
from shared.database.queries.search.matching import MOST_CANDIDATES, Query
from shared.database.queries.search.unindexed import Ranges

# A shorter beginning of a word is in too many overviews.
_SHORTEST_IN_OVERVIEWS: Final = 4

# If there are more movies than this, and than a page needs, what comes behind them is not counted.
_MANY: Final = 50

VOTES: Final = ("vote_average", "vote_count")

# Ranks of what matches: its whole name, a genre, a title or a name, an alternative title, an overview. What is only
# looked for where a page needs it comes behind all else, so that a page further on moves no hit of those before it.
_EXACT, _GENRE, _NAME, _ALTERNATIVE, _OVERVIEW = range(5)


@dataclass(slots=True)
class Candidate:
    """Something that matches; smaller ranks come first, then more votes, then shorter keys.

    `rated_by`: ids in the source of the titles whose ratings have its `votes`, the most of them. `rating`: of a movie,
    the row with them.
    """

    type: HitType
    id: int
    key: str
    rank: int
    votes: int = 0
    rated_by: Sequence[str] = ()
    rating: RowMapping | None = None
    hit: dict[str, Any] = field(default_factory=dict)

    @property
    def order(self) -> tuple[int, int, int, str, int]:
        """Sorts candidates, best first."""
        return self.rank, -self.votes, len(self.key), self.key, self.id


@dataclass(slots=True)
class Candidates:
    """Those of one type, each once with its best rank; `is_complete`: there are no others."""

    found: dict[int, Candidate] = field(default_factory=dict)
    is_complete: bool = True

    def add(self, candidate: Candidate) -> None:
        """Once more found: with the better rank."""
        before = self.found.setdefault(candidate.id, candidate)
        before.rank = min(before.rank, candidate.rank)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is being answered: the query, the types of hits, and how many of the best ones are `needed`.

    `unindexed`: rows whose words have no index yet.
    """

    connection: AsyncConnection
    tenant: str
    query: Query
    types: frozenset[HitType]
    remembered: Remembered
    needed: int
    unindexed: Ranges

    async def rows(self, statement: Select[Any] | CompoundSelect[Any], **values: Any) -> Sequence[RowMapping]:
        """What a statement finds."""
        found = await self.connection.execute(statement, {"tenant": self.tenant, **values})
        rows: Sequence[RowMapping] = found.mappings().all()
        return rows

    async def is_common(self, counting: Select[Any], found: Sequence[RowMapping]) -> bool:
        """Whether so many titles or names begin with the last word that not all rows with such a word are collected.

        `found`: those that begin with the whole text; if these are as many, no others are collected, either.
        """
        if len(found) == MOST_CANDIDATES or not self.query.complete:
            return len(found) == MOST_CANDIDATES
        found = await self.rows(counting, text=self.query.begun)
        return bool(found[0]["count"] == MOST_CANDIDATES)


async def find_movies(asked: Asked) -> Candidates:
    """By their titles and overviews.

    Words that begin with a common last one are looked for in memory, and at the beginnings of titles. The index is
    asked for it as a complete word, and only beside others.
    """
    query, enough = asked.query, max(asked.needed, _MANY)
    movies = Candidates()

    def add(rows: Iterable[RowMapping], rank: int) -> None:
        for row in rows:
            movies.add(_movie(row, _EXACT if row["title_key"] == query.key else rank))

    async def add_found(statement: Select[Any], rank: int, *, is_finished: bool = False) -> None:
        rows = await asked.rows(statement, query=query.text_query(is_finished=is_finished))
        movies.is_complete = movies.is_complete and len(rows) < MOST_CANDIDATES
        add(rows, rank)

    add(asked.remembered.movies_with(query), _NAME)
    named = await asked.rows(titles.beginning(), text=query.key)
    own, alternative = ([row for row in named if row["is_alternative"] is kind] for kind in (False, True))
    exact = [row for row in own if row["title_key"] == query.key]
    add(exact, _NAME)
    add(alternative, _EXACT)
    if len(movies.found) > enough:
        movies.is_complete = False  # all others come behind these
        return movies
    add(own, _NAME)
    if await asked.is_common(titles.count_beginning(), own):
        movies.is_complete = False
        if query.complete:
            await add_found(titles.with_words(asked.unindexed), _NAME, is_finished=True)
        return movies
    movies.is_complete = len(own) < MOST_CANDIDATES and len(alternative) < MOST_CANDIDATES
    await add_found(titles.with_words(asked.unindexed), _NAME)
    if len(movies.found) >= enough:
        movies.is_complete = False
    else:
        await add_found(titles.with_alternative_words(asked.unindexed), _ALTERNATIVE)
        if len(query.begun) >= _SHORTEST_IN_OVERVIEWS:
            await add_found(titles.with_overview_words(asked.unindexed), _OVERVIEW)
    return movies


async def find_people(asked: Asked) -> Candidates:
    """In the same way, with the people with the first ids for the best known movies."""
    query = asked.query
    rows = list(await asked.rows(people.beginning(), text=query.key))
    is_common = await asked.is_common(people.count_beginning(), rows)
    if is_common and not query.complete:
        found = await asked.rows(people.among_first(), begun=f" {query.begun}")
    else:
        text_query = query.text_query(is_finished=is_common)
        found = await asked.rows(people.with_words(asked.unindexed), query=text_query)
    result = Candidates(is_complete=not is_common and len(rows) < MOST_CANDIDATES > len(found))
    for row in (*rows, *found):
        key = row["name_key"]
        rank = _EXACT if key == query.key else _NAME
        result.add(Candidate(HitType.PERSON, row["id"], key, rank, rated_by=row["known_for"] or ()))
    return result


def find_genres(asked: Asked) -> Candidates:
    """By their names, as popular as they have movies."""
    result = Candidates()
    for number, genre in asked.remembered.genres_with(asked.query):
        rank = _EXACT if genre.key == asked.query.key else _GENRE
        hit = {"type": HitType.GENRE, "name": genre.name, "movies": genre.movies}
        result.add(Candidate(HitType.GENRE, number, genre.key, rank, genre.movies, hit=hit))
    return result


async def add_votes(asked: Asked, candidates: Iterable[Candidate]) -> None:
    """The votes of IMDb's titles are in a table of their own; a person is as popular as the best known title."""
    lacking = [each for each in candidates if each.rated_by and each.rating is None]
    ratings = await find_ratings(asked, (title for each in lacking for title in each.rated_by))
    for each in lacking:
        found = [ratings[title] for title in each.rated_by if title in ratings]
        each.votes = max((rating["vote_count"] or 0 for rating in found), default=0)
        each.rating = next(iter(found), None)


async def find_ratings(asked: Asked, source_ids: Iterable[str]) -> dict[str, RowMapping]:
    """Rows of the table of ratings, by the ids in the source."""
    wanted = list(dict.fromkeys(source_ids))
    if not wanted:
        return {}
    return {row["source_id"]: row for row in await asked.rows(titles.votes_of(), source_ids=wanted)}


def _movie(row: RowMapping, rank: int) -> Candidate:
    """Without votes of its own it has those of the table of ratings: `is_rating`, if the row has these."""
    is_rating = row.get("is_rating", False)
    rated_by = (row["source_id"],) if row["source_id"] and (is_rating or row["vote_count"] is None) else ()
    rating = row if is_rating else None
    return Candidate(HitType.MOVIE, row["id"], row["title_key"], rank, row["vote_count"] or 0, rated_by, rating)
