"""How many movies have which genre or country: from the kept sums, no row is read."""

from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, Select, cast, func, select

from shared.catalog.table import Table
from shared.catalog.tables.movies import TABLE as MOVIES
from shared.database.models import CollectionTotal
from shared.database.timing.statement_names import named

Order = Literal["name", "-movies"]


@named
def value_counts(
    tenant: str, breakdown: str, collection: int | None, order: Order, at_most: int | None = None
) -> Select[*tuple[Any, ...]]:
    """Rows of `name` and `movies`, for a breakdown that has a group of its own name.

    `collection`: only of this one, None for all. `at_most` so many, None for all. Equal numbers are ordered by name.
    """
    value = CollectionTotal.facets[breakdown].astext.label("name")
    counted = select(value, CollectionTotal.row_count).where(*kept_of(tenant, breakdown, collection)).subquery()
    movies = summed(counted.c.row_count)
    by_name = counted.c.name.collate("C")
    keys = (by_name,) if order == "name" else (movies.desc(), by_name)
    grouped = select(counted.c.name, movies.label("movies")).group_by(counted.c.name).having(movies > 0)
    return grouped.order_by(*keys).limit(at_most)


@named
def spelling(tenant: str, breakdown: str, name: str) -> Select[*tuple[Any, ...]]:
    """How movies spell a name of such a breakdown: as it is, or, if none has it so, in the way of most of those that
    differ in case only. No row if there are none.
    """
    value = CollectionTotal.facets[breakdown].astext.label("name")
    is_same = func.lower(value) == func.lower(name)
    alike = select(value, CollectionTotal.row_count).where(*kept_of(tenant, breakdown, None), is_same).subquery()
    movies = summed(alike.c.row_count)
    order = ((alike.c.name == name).desc(), movies.desc(), alike.c.name.collate("C"))
    return select(alike.c.name).group_by(alike.c.name).having(movies > 0).order_by(*order).limit(1)


def kept_of(tenant: str, breakdown: str, collection: int | None, table: Table = MOVIES) -> list[ColumnElement[bool]]:
    """The kept sums of a breakdown of the tenant's rows; `collection`: only of this one, None for all."""
    mine = [
        CollectionTotal.tenant == tenant,
        CollectionTotal.table_name == table.name,
        CollectionTotal.breakdown == breakdown,
    ]
    return mine if collection is None else [*mine, CollectionTotal.collection == collection]


def summed(counts: ColumnElement[int]) -> ColumnElement[int]:
    """Their sum, which SQL would make a decimal."""
    return cast(func.sum(counts), BigInteger)
