"""PostgreSQL as the search engine: candidates from indexes, ranked here; only the page that is asked for is read."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import RowMapping, Select
from sqlalchemy.ext.asyncio import AsyncEngine

from api.search.candidates import (
    VOTES,
    Asked,
    Candidate,
    add_votes,
    find_genres,
    find_movies,
    find_people,
    find_ratings,
)
from api.search.engine import Found, HitType, Search
from api.search.remembered import Memory
from api.search.spelling import meant, possible_spellings
from shared.database.queries.search import people, titles
from shared.database.queries.search.matching import Query
from shared.database.queries.search.unindexed import MOMENT
from shared.database.tenancy import tenant_reading
from shared.database.timing.statement_names import planner_setting

# Whatever the planner expects of words that it has no statistics of, it must not read a whole leaf.
_BY_INDEX_ONLY: Final = planner_setting("SELECT set_config('enable_seqscan', 'off', true)")


class PostgresSearch:
    """See `SearchEngine`. `engine`: that of requests, which only read."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._memory = Memory()

    async def search(self, search: Search) -> Found:
        """Of a query without a word nothing is found."""
        query = Query(search.text)
        if not query.words:
            return Found([], 0, is_exact=True)
        async with tenant_reading(self._engine, search.tenant, is_snapshot=True) as connection:
            await connection.execute(_BY_INDEX_ONLY)
            [*version, unindexed] = (await connection.execute(MOMENT, {"tenant": search.tenant, "dataset": None})).one()
            remembered = await self._memory.of(connection, search.tenant, version)
            needed, ranges = search.offset + search.limit, tuple(sorted(unindexed))
            asked = Asked(connection, search.tenant, query, search.types, remembered, needed, ranges)
            ranked, is_exact = await _ranked(asked)
            # rows without an index may have the words as they were typed
            corrected = None if ranked or unindexed else await _corrected(asked)
            if corrected is not None:
                asked = replace(asked, query=Query(corrected))
                ranked, is_exact = await _ranked(asked)
            page = ranked[search.offset :][: search.limit]
            hits = await _shown(asked, page)
        return Found(hits, len(ranked), is_exact and not unindexed, corrected if ranked else None)


async def _ranked(asked: Asked) -> tuple[list[Candidate], bool]:
    """All candidates, best first; whether there are no others."""
    parts = []
    if HitType.MOVIE in asked.types:
        parts.append(await find_movies(asked))
    if HitType.PERSON in asked.types:
        parts.append(await find_people(asked))
    if HitType.GENRE in asked.types:
        parts.append(find_genres(asked))
    candidates = [each for part in parts for each in part.found.values()]
    await add_votes(asked, candidates)
    return sorted(candidates, key=lambda each: each.order), all(part.is_complete for part in parts)


async def _corrected(asked: Asked) -> str | None:
    """What the text may have meant: of several words, those that the best hit of all of them has."""
    spellings = await possible_spellings(asked.connection, asked.tenant, asked.query)
    if not spellings:
        return None
    query = Query(asked.query.text, spellings)
    is_choice = any(len(texts) > 1 for texts in spellings.values())
    return meant(query, await _names_with(replace(asked, query=query)) if is_choice else ())


async def _names_with(asked: Asked) -> list[str]:
    """Names with the words of the query, best first: of the best known titles, or else of some titles and people."""
    rated: list[tuple[int, str]] = []
    if HitType.MOVIE in asked.types:
        known = asked.remembered.movies_with(asked.query)
        rated = [(movie["vote_count"], movie["title_key"]) for movie in known] or await _rated_titles(asked)
    names = [name for _, name in sorted(rated, key=lambda each: -each[0])]
    if not names and HitType.PERSON in asked.types:
        rows = await asked.rows(people.with_words(()), query=asked.query.text_query())
        names = [row["name_key"] for row in rows]
    return names


async def _rated_titles(asked: Asked) -> list[tuple[int, str]]:
    rows = await asked.rows(titles.with_words(()), query=asked.query.text_query())
    votes = await find_ratings(asked, (row["source_id"] for row in rows if row["source_id"]))
    return [
        (row["vote_count"] or votes.get(row["source_id"], row)["vote_count"] or 0, row["title_key"]) for row in rows
    ]


async def _shown(asked: Asked, page: Sequence[Candidate]) -> list[dict[str, Any]]:
    """The hits as readers see them."""
    movies = await _rows_of(asked, titles.shown(), page, HitType.MOVIE)
    persons = await _rows_of(asked, people.shown(), page, HitType.PERSON)
    hits = []
    for each in page:
        if each.type is HitType.MOVIE:
            rated = {name: each.rating[name] for name in VOTES} if each.rating else {}
            hits.append({"type": each.type, **_values(movies[each.id]), **rated})
        elif each.type is HitType.PERSON:
            hits.append({"type": each.type, **_values(persons[each.id])})
        else:
            hits.append(each.hit)
    return hits


def _values(row: RowMapping) -> dict[str, Any]:
    """By names that are plain text, as JSON wants them."""
    return {str(name): value for name, value in row.items()}


async def _rows_of(
    asked: Asked, shown: Select[Any], page: Sequence[Candidate], of: HitType
) -> Mapping[int, RowMapping]:
    ids = [each.id for each in page if each.type is of]
    return {row["id"]: row for row in await asked.rows(shown, ids=ids)} if ids else {}
