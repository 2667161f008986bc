"""The datasets of a tenant: the built-in ones, and those that it has declared."""

from api.description.suggestions import unknown_name
from api.runtime import Runtime
from shared.catalog.dataset import Dataset
from shared.catalog.registry import Registry
from shared.catalog.schemas.declaration import stored_dataset
from shared.database.declarations import declarations_of
from shared.database.tenancy import tenant_reading
from shared.errors import NotFound


async def declared_by(runtime: Runtime, tenant: str) -> list[tuple[int, str]]:
    """The numbers and documents of the tenant's declarations."""
    async with tenant_reading(runtime.read_engine, tenant) as connection:
        rows = (await connection.execute(declarations_of(tenant))).all()
    return [(number, document) for number, document in rows]


async def registry_of(runtime: Runtime, tenant: str) -> Registry:
    """All datasets that a file of the tenant may belong to."""
    return runtime.registry.with_declared(stored_dataset(*each) for each in await declared_by(runtime, tenant))


async def dataset_of(runtime: Runtime, tenant: str, name: str) -> Dataset:
    """The tenant's dataset of this name; raises `NotFound`."""
    found = runtime.registry.find(name)
    if found is not None:
        return found
    registry = await registry_of(runtime, tenant)
    found = registry.find(name)
    if found is None:
        raise unknown_name(NotFound, "There is no dataset", name, registry.names)
    return found
