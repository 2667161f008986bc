"""The genres or countries of a tenant's movies."""

from sqlalchemy.ext.asyncio import AsyncEngine

from api.browsing.chosen_collection import chosen_collection
from api.description.schemas.figures import NamedCount, NamedCounts
from shared.database.queries.browsing.breakdowns import Order, value_counts
from shared.database.tenancy import tenant_reading

MOST_VALUES = 1_000


async def read_values(
    engine: AsyncEngine, tenant: str, breakdown: str, dataset: str | None, order: Order
) -> NamedCounts:
    """Up to `MOST_VALUES` of them, with their movies."""
    async with tenant_reading(engine, tenant) as connection:
        collection = await chosen_collection(connection, tenant, dataset)
        found = await connection.execute(value_counts(tenant, breakdown, collection, order, MOST_VALUES + 1))
    items = [NamedCount(name=row.name, movies=row.movies) for row in found]
    return NamedCounts(items=items[:MOST_VALUES], is_complete=len(items) <= MOST_VALUES)
