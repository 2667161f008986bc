"""For each reference of a table, how many rows refer to nothing."""

from collections.abc import Mapping

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.description.schemas.rows import DanglingRows
from api.http_errors import NeedsIndex
from api.listings.row_pages import QUERY_CANCELED
from shared.catalog.table import Reference, Table
from shared.database.queries.references import dangling_count
from shared.database.tenancy import tenant_reading


async def dangling_rows(
    engine: AsyncEngine, table: Table, tables: Mapping[str, Table], tenant: str, collection: int | None
) -> list[DanglingRows]:
    """An item for each reference, all from the same moment; `collection` None: nothing has been loaded.

    Raises `NeedsIndex` if the database takes too long.
    """
    if collection is None:
        return [_item(reference, 0) for reference in table.references]
    found = []
    async with tenant_reading(engine, tenant, is_snapshot=True) as connection:
        for reference in table.references:
            target = tables[reference.table]
            statement = dangling_count(table, target, reference, tenant, collection)
            try:
                found.append(_item(reference, (await connection.execute(statement)).scalar_one()))
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) != QUERY_CANCELED:
                    raise
                raise _needs_index(reference, target) from error
    return found


def _item(reference: Reference, rows: int) -> DanglingRows:
    return DanglingRows(
        field=reference.field, table=reference.table, target_field=reference.target_field, dangling=rows
    )


def _needs_index(reference: Reference, target: Table) -> NeedsIndex:
    return NeedsIndex(
        f"the rows are too many to look up each {reference.field} in {target.name} while a request waits",
        {"index": [reference.target_field], "indexed": target.public_indexes},
    )
