"""PostgreSQL as the search engine: candidates from indexes, ranked here; only the page that is asked for is read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import CompoundSelect, RowMapping, Select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.search.engine import Found, HitType, Search
from shared.catalog.search_words import plain
from shared.database.queries.search import people, titles
from shared.database.queries.search.genres import genres
from shared.database.queries.search.matching import Query
from shared.database.tenancy import tenant_reading

# Of so many titles or names that begin with a word it is common: its rows are not collected.
_COMMON: Final = 1000
# How many candidates a statement returns, and how many of the most popular movies are looked at for a common word.
_MOST_CANDIDATES: Final = 1500
_MOST_PEOPLE: Final = 300
_LOOKED_AT: Final = 2000
_MOST_POPULAR: Final = 500
# A shorter beginning of a word is in too many overviews.
_SHORTEST_IN_OVERVIEWS: Final = 4

# Whatever the planner expects of words that it has no statistics of, it must not read a whole leaf.
_BY_INDEX_ONLY: Final = text("SELECT set_config('enable_seqscan', 'off', true)")

# Ranks of what matches: its whole name, a genre, a title or a name, an overview.
_EXACT, _GENRE, _NAME, _OVERVIEW = range(4)


@dataclass(slots=True)
class _Candidate:
    """Something that matches; smaller ranks come first, then more votes, then shorter keys."""

    type: HitType
    id: int
    key: str
    rank: int
    votes: int = 0
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def order(self) -> tuple[int, int, int, str, int]:
        return self.rank, -self.votes, len(self.key), self.key, self.id


@dataclass(slots=True)
class _Candidates:
    """Those of one type, each once with its best rank; `is_complete`: there are no others."""

    found: dict[int, _Candidate] = field(default_factory=dict)
    is_complete: bool = True

    def add(self, candidate: _Candidate) -> None:
        before = self.found.get(candidate.id)
        if before is None or candidate.rank < before.rank:
            self.found[candidate.id] = candidate
        elif candidate.votes > before.votes:
            before.votes = candidate.votes


class PostgresSearch:
    """See `SearchEngine`. `engine`: that of requests, which only read."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def search(self, search: Search) -> Found:
        """Of a query without a word nothing is found."""
        query = Query(search.text)
        if not query.words:
            return Found([], 0, is_exact=True)
        async with tenant_reading(self._engine, search.tenant, is_snapshot=True) as connection:
            await connection.execute(_BY_INDEX_ONLY)
            asked = _Asked(connection, search.tenant, query, search.offset + search.limit)
            parts = []
            if HitType.MOVIE in search.types:
                parts.append(await _movies(asked))
            if HitType.PERSON in search.types:
                parts.append(await _people(asked))
            if HitType.GENRE in search.types:
                parts.append(await _genres(asked))
            ranked = sorted((each for part in parts for each in part.found.values()), key=lambda each: each.order)
            page = ranked[search.offset :][: search.limit]
            hits = await _shown(asked, page)
        return Found(hits, len(ranked), is_exact=all(part.is_complete for part in parts))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is being answered: the query, and how many of the best hits are `needed`."""

    connection: AsyncConnection
    tenant: str
    query: Query
    needed: int

    async def rows(self, statement: Select[Any] | CompoundSelect[Any]) -> Sequence[RowMapping]:
        found: Sequence[RowMapping] = (await self.connection.execute(statement)).mappings().all()
        return found

    async def is_common(self, counting: Select[Any]) -> bool:
        return (await self.connection.scalar(counting) or 0) >= _COMMON


async def _movies(asked: _Asked) -> _Candidates:
    tenant, query = asked.tenant, asked.query
    movies = _Candidates()

    def add(rows: Iterable[RowMapping], rank: int, most: int) -> None:
        rows = list(rows)
        movies.is_complete = movies.is_complete and len(rows) < most
        for row in rows:
            best = _EXACT if row["title_key"] == query.key else rank
            votes = row["vote_count"] or 0
            details = {"source_id": row["source_id"], "has_votes": row["vote_count"] is not None}
            movies.add(_Candidate(HitType.MOVIE, row["id"], row["title_key"], best, votes, details))

    add(await asked.rows(titles.called(tenant, query.key, _MOST_CANDIDATES)), _EXACT, _MOST_CANDIDATES)
    is_common = await asked.is_common(titles.count_beginning_with(tenant, query.begun, _COMMON))
    if is_common:
        movies.is_complete = False
        for popular in (titles.popular, titles.popular_by_ratings):
            add(await asked.rows(popular(tenant, query, _LOOKED_AT, _MOST_POPULAR)), _NAME, _MOST_POPULAR)
    if not is_common or (query.complete and len(movies.found) < asked.needed):
        statement = titles.with_words(tenant, query, _MOST_CANDIDATES, is_begun_common=is_common)
        add(await asked.rows(statement), _NAME, _MOST_CANDIDATES)
    if not is_common and len(movies.found) < asked.needed:
        statement = titles.with_alternative_words(tenant, query, _MOST_POPULAR)
        add(await asked.rows(statement), _NAME, _MOST_POPULAR)
        if len(query.begun) >= _SHORTEST_IN_OVERVIEWS:
            statement = titles.with_overview_words(tenant, query, _MOST_POPULAR)
            add(await asked.rows(statement), _OVERVIEW, _MOST_POPULAR)
    await _add_votes(asked, movies)
    return movies


async def _add_votes(asked: _Asked, movies: _Candidates) -> None:
    """The votes of IMDb's titles are in a table of their own."""
    lacking = [each for each in movies.found.values() if not each.details["has_votes"] and each.details["source_id"]]
    votes = await _votes(asked, (each.details["source_id"] for each in lacking))
    for each in lacking:
        each.details["rating"] = votes.get(each.details["source_id"])
        each.votes = (each.details["rating"] or {}).get("vote_count") or each.votes


async def _votes(asked: _Asked, source_ids: Iterable[str]) -> dict[str, RowMapping]:
    wanted = list(dict.fromkeys(source_ids))
    if not wanted:
        return {}
    return {row["source_id"]: row for row in await asked.rows(titles.votes_of(asked.tenant, wanted))}


async def _people(asked: _Asked) -> _Candidates:
    """A person is as popular as the best known title."""
    tenant, query = asked.tenant, asked.query
    rows = list(await asked.rows(people.called(tenant, query.key, _MOST_PEOPLE)))
    is_common = await asked.is_common(people.count_beginning_with(tenant, query.begun, _COMMON))
    found = await asked.rows(people.with_words(tenant, query, _MOST_PEOPLE, is_begun_common=is_common))
    rows += found
    votes = await _votes(asked, (title for row in rows for title in row["known_for"] or ()))
    result = _Candidates(is_complete=len(found) < _MOST_PEOPLE)
    for row in rows:
        rank = _EXACT if row["name_key"] == query.key else _NAME
        best = max((votes[title]["vote_count"] or 0 for title in row["known_for"] or () if title in votes), default=0)
        result.add(_Candidate(HitType.PERSON, row["id"], row["name_key"], rank, best))
    return result


async def _genres(asked: _Asked) -> _Candidates:
    query = asked.query
    result = _Candidates()
    for number, row in enumerate(await asked.rows(genres(asked.tenant))):
        name = plain(row["genre"])
        words = name.split()
        if {*query.complete} <= {*words} and any(word.startswith(query.begun) for word in words):
            rank = _EXACT if name == query.key else _GENRE
            hit = {"type": HitType.GENRE, "name": row["genre"], "movies": row["movies"]}
            result.add(_Candidate(HitType.GENRE, number, name, rank, row["movies"], hit))
    return result


async def _shown(asked: _Asked, page: Sequence[_Candidate]) -> list[dict[str, Any]]:
    """The hits as readers see them."""
    movies = await _rows_of(asked, titles.shown, page, HitType.MOVIE)
    persons = await _rows_of(asked, people.shown, page, HitType.PERSON)
    hits = []
    for each in page:
        if each.type is HitType.MOVIE:
            rating = each.details.get("rating")
            rated = {name: rating[name] for name in ("vote_average", "vote_count")} if rating else {}
            hits.append({"type": each.type, **_values(movies[each.id]), **rated})
        elif each.type is HitType.PERSON:
            hits.append({"type": each.type, **_values(persons[each.id])})
        else:
            hits.append(each.details)
    return hits


def _values(row: RowMapping) -> dict[str, Any]:
    """By names that are plain text, as JSON wants them."""
    return {str(name): value for name, value in row.items()}


async def _rows_of(asked: _Asked, shown: Any, page: Sequence[_Candidate], of: HitType) -> Mapping[int, RowMapping]:
    ids = [each.id for each in page if each.type is of]
    return {row["id"]: row for row in await asked.rows(shown(asked.tenant, ids))} if ids else {}
