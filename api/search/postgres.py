"""PostgreSQL as the search engine: candidates from indexes, ranked here; only the page that is asked for is read."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine

from api.search.candidates import MOST_CANDIDATES, Asked, Candidate, find_genres, find_movies, find_people, find_votes
from api.search.engine import Found, HitType, Search
from api.search.popular import PopularMovies
from api.search.spelling import meant, possible_spellings
from shared.database.queries.search import people, titles
from shared.database.queries.search.matching import Query
from shared.database.queries.search.unindexed import UNINDEXED
from shared.database.tenancy import tenant_reading
from shared.database.timing.statement_names import planner_setting

# Whatever the planner expects of words that it has no statistics of, it must not read a whole leaf.
_BY_INDEX_ONLY: Final = planner_setting("SELECT set_config('enable_seqscan', 'off', true)")


class PostgresSearch:
    """See `SearchEngine`. `engine`: that of requests, which only read."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._popular = PopularMovies()

    async def search(self, search: Search) -> Found:
        """Of a query without a word nothing is found."""
        query = Query(search.text)
        if not query.words:
            return Found([], 0, is_exact=True)
        async with tenant_reading(self._engine, search.tenant, is_snapshot=True) as connection:
            await connection.execute(_BY_INDEX_ONLY)
            unindexed = tuple(await connection.scalars(UNINDEXED, {"tenant": search.tenant}))
            needed = search.offset + search.limit
            asked = Asked(connection, search.tenant, query, search.types, self._popular, needed, unindexed)
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
        parts.append(await find_genres(asked))
    ranked = sorted((each for part in parts for each in part.found.values()), key=lambda each: each.order)
    return ranked, all(part.is_complete for part in parts)


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
        known = await asked.popular.matching(asked.connection, asked.tenant, asked.query)
        rated = [(movie.votes, movie.key) for movie in known] or await _rated_titles(asked)
    names = [name for _, name in sorted(rated, key=lambda each: -each[0])]
    if not names and HitType.PERSON in asked.types:
        statement = people.with_words(asked.tenant, asked.query, MOST_CANDIDATES, (), is_begun_common=False)
        names = [row["name_key"] for row in await asked.rows(statement)]
    return names


async def _rated_titles(asked: Asked) -> list[tuple[int, str]]:
    statement = titles.with_words(asked.tenant, asked.query, MOST_CANDIDATES, (), is_begun_common=False)
    rows = await asked.rows(statement)
    votes = await find_votes(asked, (row["source_id"] for row in rows if row["source_id"]))
    return [
        (row["vote_count"] or votes.get(row["source_id"], row)["vote_count"] or 0, row["title_key"]) for row in rows
    ]


async def _shown(asked: Asked, page: Sequence[Candidate]) -> list[dict[str, Any]]:
    """The hits as readers see them."""
    movies = await _rows_of(asked, titles.shown, page, HitType.MOVIE)
    persons = await _rows_of(asked, people.shown, page, HitType.PERSON)
    ratings = await find_votes(asked, (each.details["source_id"] for each in page if each.is_rated_elsewhere))
    hits = []
    for each in page:
        if each.type is HitType.MOVIE:
            rating = ratings.get(each.details["source_id"])
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


async def _rows_of(asked: Asked, shown: Any, page: Sequence[Candidate], of: HitType) -> Mapping[int, RowMapping]:
    ids = [each.id for each in page if each.type is of]
    return {row["id"]: row for row in await asked.rows(shown(asked.tenant, ids))} if ids else {}
