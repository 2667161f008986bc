"""People: the list, single people, and what they were credited for."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Integer, Select, Text, bindparam, cast, func, null, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from shared.catalog.tables.credits import TABLE as CREDITS
from shared.catalog.tables.people import TABLE
from shared.database.models import ROWS, CollectionTotal
from shared.database.queries.browsing.breakdowns import kept_of
from shared.database.queries.browsing.publications import Collections
from shared.database.queries.kept_rows import Columns
from shared.database.queries.search.matching import begins_with, rows_of
from shared.database.queries.versions import version_of
from shared.database.row_tables import sql_table
from shared.database.timing.statement_names import named

PEOPLE: Final = sql_table(TABLE).c
# The same rows, where the index of the professions serves requests.
_SOUGHT: Final = rows_of(TABLE).c
_CREDITS: Final = sql_table(CREDITS).c


@dataclass(frozen=True, slots=True)
class PeopleListing:
    """Which people of a tenant; None means any. In the order of their ids, or, by `name_key`, of their names.

    `name_key`: what the names' keys begin with, see `search_words.key_of`.
    """

    tenant: str
    source_id: str | None = None
    birth_year: int | None = None
    name_key: str | None = None
    profession: str | None = None

    @property
    def label(self) -> str:
        """The same for equal listings only."""
        filters = (self.source_id, self.birth_year, self.name_key, self.profession)
        return f"people/{self.tenant}/{filters}"

    @property
    def has_kept_total(self) -> bool:
        """Whether kept sums count its people: all, those of a year, or those of a profession."""
        is_narrower = self.source_id is not None or self.name_key is not None
        return not is_narrower and (self.birth_year is None or self.profession is None)


# Where a page begins: behind the person with this key of its name, or any, and this id.
Position = tuple[str, int]
START: Final[Position] = ("", -1)


@named
def people_page(listing: PeopleListing, after: Position, limit: int, *, collects: bool) -> Select[Any]:
    """The next people: a range of the index of the ids, of the names, of the birth years, or of the source's ids.

    `collects`: those with the profession are few; all of them are found by its index, and put in order.
    """
    people = _found(listing, collects=collects)
    return (
        select(*people)
        .where(*_conditions(listing, people), _is_after(listing, people, after))
        .order_by(*_order(listing, people))
        .limit(_literal("limit", limit))
    )


@named
def count_people(listing: PeopleListing, at_most: int, *, collects: bool) -> Select[Any]:
    """How many people the listing has; it counts up to `at_most`."""
    people = _found(listing, collects=collects)
    counted = select(people.id).where(*_conditions(listing, people)).limit(_literal("at_most", at_most)).subquery()
    return select(func.count()).select_from(counted)


@named
def kept_people(listing: PeopleListing) -> Select[Any]:
    """The `version` of the tenant's people, and from kept sums, how many there are of the year or of any.

    `of_year` and `of_profession`; the latter is null without a profession.
    """
    year, profession = listing.birth_year, listing.profession
    of_year = _kept(listing.tenant, ROWS, "birth_year", None if year is None else str(year))
    of_profession: ColumnElement[Any] = null()
    if profession is not None:
        of_profession = _kept(listing.tenant, "profession", "profession", profession)
    version = version_of(listing.tenant, TABLE.name).label("version")
    return select(of_year.label("of_year"), of_profession.label("of_profession"), version)


@named
def person_by_id(person_id: int, tenant: str, collection: int) -> Select[Any]:
    """The person, if it belongs to this collection of the tenant."""
    of_collection = PEOPLE.collection == bindparam("collection", collection, literal_execute=True)
    of_id = PEOPLE.id == bindparam("person_id", person_id, literal_execute=True)
    return select(*PEOPLE).where(_is_of(tenant), of_collection, of_id)


@named
def credits_of_person(where: Collections, source_id: str, after_id: int, limit: int) -> Select[Any]:
    """The next credits of a person behind the credit with this id, in the order of their ids."""
    return (
        select(_CREDITS.id, _CREDITS.title_id, _CREDITS.category, _CREDITS.job, _CREDITS.characters)
        .where(*where.conditions(CREDITS), _CREDITS.person_id == source_id, _CREDITS.id > after_id)
        .order_by(_CREDITS.person_id, _CREDITS.id)
        .limit(_literal("limit", limit))
    )


@named
def credits_count(where: Collections, source_id: str, at_most: int) -> Select[Any]:
    """How many credits the person has; it counts up to `at_most`."""
    of_person = select(_CREDITS.id).where(*where.conditions(CREDITS), _CREDITS.person_id == source_id)
    counted = of_person.limit(_literal("at_most", at_most)).subquery()
    return select(func.count()).select_from(counted)


def _found(listing: PeopleListing, *, collects: bool) -> Columns:
    """The people of the tenant, or those of the profession, found once."""
    if not collects:
        return _SOUGHT
    of_profession = select(*_SOUGHT).where(_is_of(listing.tenant, _SOUGHT), _has_profession(listing, _SOUGHT))
    return of_profession.cte("found").prefix_with("MATERIALIZED", dialect="postgresql").c


def _conditions(listing: PeopleListing, people: Columns) -> Iterator[ColumnElement[bool]]:
    yield _is_of(listing.tenant, people)
    if listing.source_id is not None:
        yield people.source_id == listing.source_id
    if listing.birth_year is not None:
        yield people.birth_year == listing.birth_year
    if listing.name_key is not None:
        # a name of signs only is like no other
        yield (
            begins_with(people.name_key, bindparam(None, listing.name_key, Text))
            if listing.name_key
            else people.name_key == ""
        )
    if listing.profession is not None:
        yield _has_profession(listing, people)


def _has_profession(listing: PeopleListing, people: Columns) -> ColumnElement[bool]:
    has: ColumnElement[bool] = people.professions.contains(cast([listing.profession], ARRAY(Text)))
    return has


def _is_after(listing: PeopleListing, people: Columns, after: Position) -> ColumnElement[bool]:
    key, person_id = after
    here: ColumnElement[Any] = people.id
    if listing.name_key is None:
        return here > person_id
    return tuple_(people.name_key, here) > tuple_(bindparam(None, key, people.name_key.type), person_id)


def _order(listing: PeopleListing, people: Columns) -> list[ColumnElement[Any]]:
    if listing.name_key is not None:
        return [people.name_key, people.id]
    # as part of the order, although it has one value: only then does the planner see that the index has this order
    return [people.id] if listing.birth_year is None else [people.birth_year, people.id]


def _kept(tenant: str, breakdown: str, facet: str, value: str | None) -> ColumnElement[int]:
    of_value = kept_of(tenant, breakdown, None, TABLE)
    if value is not None:
        of_value.append(CollectionTotal.facets[facet].astext == value)
    total = func.coalesce(func.sum(CollectionTotal.row_count), 0)
    return cast(select(total).where(*of_value).scalar_subquery(), BigInteger)


def _is_of(tenant: str, people: Columns = PEOPLE) -> ColumnElement[bool]:
    is_theirs: ColumnElement[bool] = people.tenant == bindparam("tenant", tenant, literal_execute=True)
    return is_theirs


def _literal(name: str, value: int) -> Any:
    return bindparam(name, value, Integer, literal_execute=True)
