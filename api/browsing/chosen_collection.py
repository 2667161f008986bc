"""The collection that a request chooses by the name of its dataset."""

from typing import Annotated

from fastapi import Query
from sqlalchemy.ext.asyncio import AsyncConnection

from api.runtime import Runtime
from api.tenant_datasets import dataset_of
from shared.catalog.tables.movies import TABLE
from shared.database.queries.rows import NO_COLLECTION, collection_number

ChosenDataset = Annotated[
    str | None, Query(max_length=255, description="Only of this dataset.", examples=["title.basics"])
]


async def require_dataset(runtime: Runtime, tenant: str, dataset: str | None) -> None:
    """Raise `NotFound` if the tenant has no dataset of this name."""
    if dataset is not None:
        await dataset_of(runtime, tenant, dataset)


async def chosen_collection(connection: AsyncConnection, tenant: str, dataset: str | None) -> int | None:
    """The number of the movies' collection of this dataset; `NO_COLLECTION` if it has none, None without a name."""
    if dataset is None:
        return None
    return await connection.scalar(collection_number(tenant, TABLE.name, dataset)) or NO_COLLECTION
