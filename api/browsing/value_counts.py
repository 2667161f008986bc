"""The genres, countries and types of a tenant's movies."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.browsing.chosen_collection import chosen_collection
from api.description.schemas.figures import NamedCount, NamedCounts
from shared.database.queries.browsing.breakdowns import Order, spelling, value_counts
from shared.database.tenancy import tenant_reading

MOST_VALUES: Final = 1_000
# What `as_spelled` means to who asks.
ANY_CASE: Final = " Case makes no difference, unless files spell it in several ways, or no movie of today has it."


async def read_values(
    engine: AsyncEngine, tenant: str, breakdown: str, dataset: str | None, order: Order
) -> NamedCounts:
    """Up to `MOST_VALUES` of them, with their movies."""
    async with tenant_reading(engine, tenant) as connection:
        collection = await chosen_collection(connection, tenant, dataset)
        found = await connection.execute(value_counts(tenant, breakdown, collection, order, MOST_VALUES + 1))
    items = [NamedCount(name=row.name, movies=row.movies) for row in found]
    return NamedCounts(items=items[:MOST_VALUES], is_complete=len(items) <= MOST_VALUES)


async def as_spelled(connection: AsyncConnection, tenant: str, breakdown: str, name: str | None) -> str | None:
    """The name as movies have it, whose letters may differ in case; unchanged if none has it."""
    if name is None:
        return None
    return await connection.scalar(spelling(tenant, breakdown, name)) or name
