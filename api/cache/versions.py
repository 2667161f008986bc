"""The version of all that a tenant sees. The database says it at the beginning of each request, so no answer is stale.

Publications, corrections, undos and changed declarations make another one, in their own transactions. None comes twice:
numbers of collections and declarations are never given again, and each version has its time.
"""

import hashlib
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database.queries.versions import VERSIONS
from shared.database.tenancy import tenant_reading


@dataclass(frozen=True, slots=True)
class Version:
    """What the tenant sees. `is_declared`: it includes the declaration of the dataset that was asked for."""

    digest: str
    is_declared: bool


async def current_version(engine: AsyncEngine, tenant: str, dataset: str | None) -> Version:
    """The version of now. What is read after it is that, or newer."""
    async with tenant_reading(engine, tenant) as connection:
        known = dataset if dataset is None or "\0" not in dataset else None  # which no text of the database can have
        row = (await connection.execute(VERSIONS, {"tenant": tenant, "dataset": known})).one()
    said = repr((row.revision, row.collections, row.declarations))
    return Version(hashlib.sha256(said.encode()).hexdigest(), row.is_declared)
