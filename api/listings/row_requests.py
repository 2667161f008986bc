"""What a request asks of the rows of a dataset, page by page or as one file."""

from collections.abc import Container
from typing import Annotated

from fastapi import Path, Query, Request

from api.listings.as_of import later_than
from api.runtime import Runtime
from api.tenant_datasets import dataset_of
from shared.catalog.row_filters import parse_fields, parse_filter, parse_sort
from shared.database.queries.rows import NO_COLLECTION, RowListing, collection_number
from shared.database.tenancy import tenant_reading

Name = Annotated[str, Path(max_length=255, description="Name of the dataset.", examples=["title.basics"])]
Sort = Annotated[
    str,
    Query(
        max_length=1000,
        description="Fields to sort by, with `-` in descending order.",
        examples=["-release_year,title"],
    ),
]
Fields = Annotated[str, Query(max_length=10_000, description="Only these fields.", examples=["title,release_year"])]


async def listing_of(
    request: Request,
    runtime: Runtime,
    tenant: str,
    name: str,
    sort: str,
    fields: str,
    as_of: str | None,
    declared: Container[str],
) -> RowListing:
    """The listing that the request describes: each parameter that is not `declared` is a filter.

    Raises `NotFound`, `InvalidFilter` and what `later_than` raises.
    """
    table = (await dataset_of(runtime, tenant, name)).table
    given = request.query_params.multi_items()
    filters = tuple(parse_filter(table, key, value) for key, value in given if key not in declared)
    order, shown = parse_sort(table, sort), parse_fields(table, fields)
    async with tenant_reading(runtime.read_engine, tenant) as connection:
        number = await connection.scalar(collection_number(tenant, table.name, name))
    later = await later_than(runtime.read_engine, tenant, table.name, as_of)
    return RowListing(table, tenant, number or NO_COLLECTION, filters, order, shown, later)
