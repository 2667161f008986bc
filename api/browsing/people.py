"""People: pages of them, single ones, and what they were credited for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.browsing.publications import find_collections
from api.description.schemas.people import Person
from shared.catalog.publisher import Publisher
from shared.catalog.registry import Registry
from shared.catalog.tables.credits import TABLE as CREDITS
from shared.catalog.tables.movies import TABLE as MOVIES
from shared.catalog.tables.ratings import TABLE as RATINGS
from shared.database.queries.browsing.people import (
    PeopleListing,
    Position,
    count_people,
    credits_count,
    credits_of_person,
    kept_people,
    people_page,
    person_by_id,
)
from shared.database.queries.browsing.publications import Collections
from shared.database.queries.browsing.titles import ratings_of, titles_by_source
from shared.database.queries.movies import source_of
from shared.database.tenancy import tenant_reading
from shared.errors import NotFound

# Each try fails only if an upload of people ends while the page is read (see `movie_pages.read_page`).
_TRIES: Final = 5
# To count them, the database reads them: those of the busiest people would take longer than a page.
MOST_COUNTED_CREDITS: Final = 1000
MOST_COUNTED_PEOPLE: Final = 10_000
# So many people with a profession are found and put in order within some milliseconds.
_FEW: Final = 10_000
_FIELDS: Final = tuple(Person.model_fields)
_NO_SUCH_PERSON: Final = "There is no person with this id."

Rows = dict[str, Row[Any]]


@dataclass(frozen=True, slots=True)
class ListedPeople:
    """People of one moment with the positions behind them, and how many the listing has: at least, if not exactly."""

    items: list[tuple[Position, dict[str, Any]]]
    total: int
    is_exact: bool


async def read_people(engine: AsyncEngine, listing: PeopleListing, after: Position, limit: int) -> ListedPeople:
    """At most `limit` people behind a position."""
    for _ in range(_TRIES):
        async with tenant_reading(engine, listing.tenant) as connection:
            kept = (await connection.execute(kept_people(listing))).one()
            collects = kept.of_profession is not None and kept.of_profession <= _FEW
            page = people_page(listing, after, limit, collects=collects)
            people = (await connection.execute(page)).mappings().all()
            total = kept.of_year if kept.of_profession is None else kept.of_profession
            if not listing.has_kept_total:
                counting = count_people(listing, MOST_COUNTED_PEOPLE + 1, collects=collects)
                total = (await connection.execute(counting)).scalar_one()
            if (await connection.execute(kept_people(listing))).one() == kept:
                break
    items = [((_name_in(listing, person), person["id"]), _fields(person)) for person in people]
    is_exact = listing.has_kept_total or total <= MOST_COUNTED_PEOPLE
    return ListedPeople(items, total if is_exact else MOST_COUNTED_PEOPLE, is_exact)


def _name_in(listing: PeopleListing, person: RowMapping) -> str:
    """What a position of the listing says of the name."""
    return "" if listing.name_key is None else str(person["name_key"])


async def person_document(engine: AsyncEngine, registry: Registry, tenant: str, person_id: int) -> dict[str, Any]:
    """The document of `GET /people/{id}`; raises `NotFound`."""
    async with tenant_reading(engine, tenant) as connection:
        person = await _read_person(connection, tenant, person_id)
        where = await find_collections(connection, registry, tenant, Publisher.IMDB)
        known_for = person["known_for"] or []
        titles = await _titles(connection, where, known_for)
    return {**_fields(person), "known_for": [_title(source_id, titles.get(source_id)) for source_id in known_for]}


async def read_movies_of_person(
    engine: AsyncEngine, registry: Registry, tenant: str, person_id: int, after_id: int, limit: int
) -> tuple[list[tuple[int, dict[str, Any]]], int | None]:
    """At most `limit` credits behind the one with an id, each after its id, and how many the person has.

    None for more than `MOST_COUNTED_CREDITS`. Raises `NotFound`.
    """
    async with tenant_reading(engine, tenant) as connection:
        person = await _read_person(connection, tenant, person_id)
        where = await find_collections(connection, registry, tenant, Publisher.IMDB)
        if not where.has(CREDITS):
            return [], 0
        page = credits_of_person(where, person["source_id"], after_id, limit)
        found = (await connection.execute(page)).mappings().all()
        counting = credits_count(where, person["source_id"], MOST_COUNTED_CREDITS + 1)
        total = (await connection.execute(counting)).scalar_one()
        title_ids = [credit["title_id"] for credit in found]
        titles = await _titles(connection, where, title_ids)
        ratings = await _ratings(connection, where, title_ids)
    items = [(credit["id"], _credit(credit, titles, ratings)) for credit in found]
    return items, total if total <= MOST_COUNTED_CREDITS else None


async def _read_person(connection: AsyncConnection, tenant: str, person_id: int) -> RowMapping:
    source = (await connection.execute(source_of(person_id, tenant))).one_or_none()
    if source is None or source.collection is None:
        raise NotFound(_NO_SUCH_PERSON)
    found = await connection.execute(person_by_id(person_id, tenant, source.collection))
    person: RowMapping | None = found.mappings().one_or_none()
    if person is None:
        raise NotFound(_NO_SUCH_PERSON)
    return person


async def _titles(connection: AsyncConnection, where: Collections, source_ids: list[str]) -> Rows:
    if not source_ids or not where.has(MOVIES):
        return {}
    return {row.source_id: row for row in await connection.execute(titles_by_source(where, source_ids))}


async def _ratings(connection: AsyncConnection, where: Collections, source_ids: list[str]) -> Rows:
    if not source_ids or not where.has(RATINGS):
        return {}
    return {row.source_id: row for row in await connection.execute(ratings_of(where, source_ids))}


def _fields(person: RowMapping) -> dict[str, Any]:
    return {name: person[name] for name in _FIELDS}


def _title(source_id: str, title: Row[Any] | None) -> dict[str, Any]:
    """A title, even if the tenant has no such movie."""
    return {
        "id": None if title is None else title.id,
        "source_id": source_id,
        "title": None if title is None else title.title,
        "title_type": None if title is None else title.title_type,
        "release_year": None if title is None else title.release_year,
    }


def _credit(credit: RowMapping, titles: Mapping[str, Row[Any]], ratings: Mapping[str, Row[Any]]) -> dict[str, Any]:
    source_id = credit["title_id"]
    title, rating = titles.get(source_id), ratings.get(source_id)
    if title is not None and (title.vote_average is not None or title.vote_count is not None):
        rating = title
    return {
        "movie": _title(source_id, title),
        "category": credit["category"],
        "job": credit["job"],
        "characters": credit["characters"],
        "vote_average": None if rating is None else rating.vote_average,
        "vote_count": None if rating is None else rating.vote_count,
    }
