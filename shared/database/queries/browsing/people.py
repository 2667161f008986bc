"""People: the list, single people, and what they were credited for."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Integer, Select, bindparam, cast, func, select

from shared.catalog.tables.credits import TABLE as CREDITS
from shared.catalog.tables.people import TABLE
from shared.database.models import ROWS, CollectionTotal
from shared.database.queries.browsing.publications import Collections
from shared.database.queries.versions import version_of
from shared.database.row_tables import sql_table

PEOPLE: Final = sql_table(TABLE).c
_CREDITS: Final = sql_table(CREDITS).c


@dataclass(frozen=True)
class PeopleListing:
    """Which people of a tenant; None means any. They are in the order of their ids."""

    tenant: str
    source_id: str | None = None
    birth_year: int | None = None

    @property
    def name(self) -> str:
        """The same for equal listings only."""
        return f"people/{self.tenant}/{self.birth_year}/{self.source_id}"


def people_page(listing: PeopleListing, after_id: int, limit: int) -> Select[Any]:
    """The next people behind an id: a range of the index of the ids, of the birth years, or of the source's ids."""
    # as part of the order, although it has one value: only then does the planner see that the index has this order
    order = [PEOPLE.id] if listing.birth_year is None else [PEOPLE.birth_year, PEOPLE.id]
    return (
        select(*PEOPLE)
        .where(*_conditions(listing), PEOPLE.id > after_id)
        .order_by(*order)
        .limit(bindparam("limit", limit, Integer, literal_execute=True))
    )


def people_total(listing: PeopleListing) -> Select[Any]:
    """`total`, and the `version` of the tenant's people that it belongs to.

    It is a sum of the stored totals; only the few people with one id of the source are counted.
    """
    version = version_of(listing.tenant, TABLE.name).label("version")
    if listing.source_id is not None:
        counted = select(func.count()).where(*_conditions(listing)).scalar_subquery()
        return select(counted.label("total"), version)
    of_listing = [
        CollectionTotal.tenant == listing.tenant,
        CollectionTotal.table_name == TABLE.name,
        CollectionTotal.breakdown == ROWS,
    ]
    if listing.birth_year is not None:
        of_listing.append(CollectionTotal.facets["birth_year"].astext == str(listing.birth_year))
    total = cast(func.coalesce(func.sum(CollectionTotal.row_count), 0), BigInteger)
    return select(total.label("total"), version).where(*of_listing)


def person_by_id(person_id: int, tenant: str, collection: int) -> Select[Any]:
    """The person, if it belongs to this collection of the tenant."""
    of_collection = PEOPLE.collection == bindparam("collection", collection, literal_execute=True)
    of_id = PEOPLE.id == bindparam("person_id", person_id, literal_execute=True)
    return select(*PEOPLE).where(_is_of(tenant), of_collection, of_id)


def credits_of_person(where: Collections, source_id: str, after_id: int, limit: int) -> Select[Any]:
    """The next credits of a person behind the credit with this id, in the order of their ids."""
    return (
        select(_CREDITS.id, _CREDITS.title_id, _CREDITS.category, _CREDITS.job, _CREDITS.characters)
        .where(*where.conditions(CREDITS), _CREDITS.person_id == source_id, _CREDITS.id > after_id)
        .order_by(_CREDITS.person_id, _CREDITS.id)
        .limit(bindparam("limit", limit, Integer, literal_execute=True))
    )


def credits_count(where: Collections, source_id: str, at_most: int) -> Select[Any]:
    """How many credits the person has; it counts up to `at_most`."""
    of_person = select(_CREDITS.id).where(*where.conditions(CREDITS), _CREDITS.person_id == source_id)
    counted = of_person.limit(bindparam("at_most", at_most, Integer, literal_execute=True)).subquery()
    return select(func.count()).select_from(counted)


def _conditions(listing: PeopleListing) -> list[ColumnElement[bool]]:
    conditions = [_is_of(listing.tenant)]
    if listing.source_id is not None:
        conditions.append(PEOPLE.source_id == listing.source_id)
    if listing.birth_year is not None:
        conditions.append(PEOPLE.birth_year == listing.birth_year)
    return conditions


def _is_of(tenant: str) -> ColumnElement[bool]:
    return PEOPLE.tenant == bindparam("tenant", tenant, literal_execute=True)
