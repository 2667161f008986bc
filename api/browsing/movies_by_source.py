"""Movies by their ids in the source of their files."""

from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from api.browsing.movie_details import movie_fields
from shared.database.queries.browsing.movies_by_source import movies_by_source
from shared.database.tenancy import tenant_reading

# Each dataset has one, unless files were appended that repeat each other's ids.
MOST_MOVIES: Final = 100


async def read_movies_by_source(
    engine: AsyncEngine, tenant: str, source_id: str, dataset: str | None
) -> dict[str, Any]:
    """`items`, the latest first and at most `MOST_MOVIES` of them, and the `total` of all."""
    async with tenant_reading(engine, tenant) as connection:
        found = await connection.execute(movies_by_source(tenant, source_id, dataset, MOST_MOVIES))
        rows = found.mappings().all()
    items = [{**movie_fields(row), "dataset": row["dataset"]} for row in rows]
    return {"items": items, "total": rows[0]["total"] if rows else 0}
