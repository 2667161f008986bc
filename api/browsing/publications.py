"""Finds the collections of a publisher, in which the rows that belong together are."""

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.catalog.publisher import Publisher
from shared.catalog.registry import Registry
from shared.database.queries.browsing.publications import Collections, collections_of


async def find_collections(
    connection: AsyncConnection, registry: Registry, tenant: str, publisher: Publisher | None
) -> Collections:
    """Those of the tenant; none for ids of an unknown publisher."""
    found: dict[str, dict[int, str]] = {}
    if publisher is not None:
        for row in await connection.execute(collections_of(registry, tenant, publisher)):
            found.setdefault(row.table_name, {})[row.number] = row.dataset
    return Collections(tenant, found)
