"""What can be loaded: the built-in datasets, and those that a tenant declares."""

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response
from sqlalchemy import select

from api.dependencies import RuntimeDep, TenantDep
from api.description.openapi import Responses, problems
from api.description.schemas.datasets import DatasetDetail, Datasets, DatasetSummary, DeclarationBody
from api.runtime import Runtime
from api.tenant_datasets import dataset_of, registry_of
from shared.catalog.dataset import Dataset
from shared.catalog.description import described
from shared.catalog.schemas.built_in import built_in_schema
from shared.catalog.schemas.declaration import Declaration
from shared.database.declarations import declare
from shared.database.models import DeclaredDataset
from shared.database.tenancy import tenant_reading, tenant_transaction
from shared.errors import DatasetExists, InvalidSchema
from shared.ingest.lifecycle import declaring

router = APIRouter(prefix="/api/v1", tags=["datasets"])

_LOCATION: Final[dict[str, Any]] = {
    "Location": {"description": "Address of the dataset.", "required": True, "schema": {"type": "string"}}
}
_CREATED: Responses = {201: {"headers": _LOCATION}, **problems(400, 409, 413, 503)}

Name = Annotated[str, Path(max_length=255, description="Name of the dataset.", examples=["title.basics"])]

OwnName = Annotated[str, Path(max_length=255, description="Name of a declared dataset.", examples=["box_office"])]


@router.get("/datasets", responses=problems(503), summary="List datasets with their columns and rules")
async def list_datasets(runtime: RuntimeDep, tenant: TenantDep) -> Datasets:
    """The declarations that the loader uses to check rows."""
    registry = await registry_of(runtime, tenant.name)
    return Datasets(items=[DatasetSummary(**described(dataset)) for dataset in registry])


@router.get("/datasets/{name}", responses=problems(404, 503), summary="Show a dataset with its Table Schema")
async def get_dataset(runtime: RuntimeDep, tenant: TenantDep, name: Name) -> DatasetDetail:
    """The dataset, its table, and its Table Schema, which can be edited and declared as another one."""
    return await _detail(runtime, tenant.name, await dataset_of(runtime, tenant.name, name))


@router.post("/datasets", status_code=201, responses=_CREATED, summary="Declare a dataset by a Table Schema")
async def declare_dataset(
    runtime: RuntimeDep, tenant: TenantDep, body: DeclarationBody, response: Response
) -> DatasetDetail:
    """Its files are recognised by their headers from now on, and their rows land in a typed table of its own."""
    declaration = _declaration(body)
    if declaration.name in runtime.registry:
        raise DatasetExists(f"there is a built-in dataset {declaration.name}; choose another name")

    def insert() -> int | None:
        with tenant_transaction(runtime.request_engine, tenant.name) as connection:
            return declare(connection, tenant.name, declaration)

    number = await asyncio.to_thread(insert)
    if number is None:
        raise DatasetExists(f"there is a dataset {declaration.name} already; change it with PUT")
    response.headers["Location"] = tenant.address(f"/api/v1/datasets/{declaration.name}")
    return await _detail(runtime, tenant.name, declaration.dataset(number))


@router.put("/datasets/{name}", responses=problems(400, 404, 409, 413, 503), summary="Make a new version of a dataset")
async def change_dataset(runtime: RuntimeDep, tenant: TenantDep, name: OwnName, body: DeclarationBody) -> DatasetDetail:
    """A new version adds fields and indexes, or widens types and constraints. While uploads load, it is refused."""
    declaration = _declaration(body)
    if declaration.name != name:
        raise InvalidSchema(f"the name in the document must be {name}")
    await asyncio.to_thread(declaring.change, runtime.engine, tenant.name, declaration)
    return await _detail(runtime, tenant.name, await dataset_of(runtime, tenant.name, name))


@router.delete(
    "/datasets/{name}", status_code=204, responses=problems(404, 409, 503), summary="Delete a declared dataset"
)
async def delete_dataset(
    runtime: RuntimeDep,
    tenant: TenantDep,
    name: OwnName,
    cascade: Annotated[bool, Query(description="Cancel and undo its uploads before.")] = False,
) -> None:
    """Delete the dataset and its table. While it has uploads, it is refused, unless `cascade` undoes them."""
    await asyncio.to_thread(declaring.delete, runtime.engine, runtime.registry, tenant.name, name, cascade=cascade)


def _declaration(body: DeclarationBody) -> Declaration:
    return Declaration.parse(body.model_dump(by_alias=True))


async def _detail(runtime: Runtime, tenant: str, dataset: Dataset) -> DatasetDetail:
    if dataset.declaration is None:
        return DatasetDetail(**described(dataset), table_schema=built_in_schema(dataset), version=None)
    wanted = select(DeclaredDataset.version, DeclaredDataset.document)
    async with tenant_reading(runtime.read_engine, tenant) as connection:
        mine = wanted.where(DeclaredDataset.tenant == tenant, DeclaredDataset.number == dataset.declaration)
        row = (await connection.execute(mine)).one()
    return DatasetDetail(**described(dataset), table_schema=row.document["schema"], version=row.version)
