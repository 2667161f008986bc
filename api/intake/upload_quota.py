"""Whether a client may have one more upload now, and how many bytes it may still send today.

The API checks this before the first byte and while the bytes arrive.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncEngine

from api.client import client_of
from api.limits.quotas import Limits
from api.runtime import Runtime
from shared.database.queries.uploads import unpublished_uploads_count
from shared.database.tenancy import tenant_reading
from shared.errors import LimitReached
from shared.observability.metrics import INTAKE_BYTES, record
from shared.quota import STEP_BYTES, Quota

_RETRY_AFTER_SECONDS: Final = 5


class ByteMeter:
    """Counts the bytes of one file against `quotas` while they arrive, in steps. Of a file that is refused early only
    the bytes that came count.
    """

    def __init__(self, limits: Limits, quotas: Sequence[Quota]) -> None:
        self._limits = limits
        self._quotas = quotas
        self._bytes = 0
        self._all_bytes = 0

    async def expect(self, size_bytes: int) -> None:
        """Raise `LimitReached` if `size_bytes` exceeds what is left today, `TooLarge` if it exceeds a whole day's."""
        for quota in self._quotas:
            quota.require_possible(size_bytes)
            await self._limits.expect(quota, size_bytes)

    async def add(self, size_bytes: int) -> None:
        """Count `size_bytes` more; raises `LimitReached`, `TooLarge`."""
        self._bytes += size_bytes
        self._all_bytes += size_bytes
        if self._bytes >= STEP_BYTES:
            await self.settle()

    async def settle(self) -> None:
        """Count the bytes since the last step; raises `LimitReached`, `TooLarge`."""
        size_bytes, self._bytes = self._bytes, 0
        if size_bytes:
            record(INTAKE_BYTES, size_bytes)
            for quota in self._quotas:
                try:
                    await self._limits.spend(quota, size_bytes, self._all_bytes)
                except LimitReached:
                    quota.require_possible(self._all_bytes)
                    raise


@asynccontextmanager
async def upload_quota(request: Request, runtime: Runtime, tenant: str) -> AsyncIterator[ByteMeter]:
    """Hold a slot for the upload in the request's body; raises `LimitReached` before the first byte."""
    client, limits = client_of(request), runtime.limits
    if client is None:
        yield ByteMeter(limits, ())
        return
    meter = ByteMeter(limits, (limits.bytes_of_key(client.key_id), await limits.bytes_of_tenant(tenant)))
    announced = request.headers.get("content-length", "")
    await meter.expect(int(announced) if announced.isdecimal() else 1)
    async with upload_slot(request, runtime, tenant):
        yield meter


@asynccontextmanager
async def pull_slot(request: Request, runtime: Runtime, tenant: str) -> AsyncIterator[None]:
    """Hold a slot for a pull; raises `LimitReached`, also if none of the bytes of the tenant's day is left for it."""
    if client_of(request) is not None:
        await ByteMeter(runtime.limits, [await runtime.limits.bytes_of_tenant(tenant)]).expect(1)
    async with upload_slot(request, runtime, tenant):
        yield


@asynccontextmanager
async def upload_slot(request: Request, runtime: Runtime, tenant: str) -> AsyncIterator[None]:
    """Hold a slot of the key and one of the tenant until the block ends; raises `LimitReached`.

    An upload occupies a slot of the tenant until it is published or has ended, so queued, loading and planned uploads
    count as well.
    """
    client, settings = client_of(request), runtime.settings
    if client is None:
        yield
        return
    most_of_key, most_of_tenant = settings.key_concurrent_uploads, await runtime.limits.uploads_of_tenant(tenant)
    async with (
        runtime.slots.held(f"key {client.key_id}", most_of_key) as of_key,
        runtime.slots.held(f"tenant {tenant}", most_of_tenant) as of_tenant,
    ):
        if not of_key:
            raise _too_many(most_of_key, "key")
        # Count these uploads only while holding the slot: an upload that has left its slot by then is one of them
        # already, so none is missed.
        if not of_tenant or of_tenant + await _unpublished_uploads(runtime.read_engine, tenant) > most_of_tenant:
            raise _too_many(most_of_tenant, "tenant")
        yield


async def _unpublished_uploads(engine: AsyncEngine, tenant: str) -> int:
    async with tenant_reading(engine, tenant) as connection:
        return int((await connection.execute(unpublished_uploads_count(tenant))).scalar_one())


def _too_many(most: int, owner: str) -> LimitReached:
    return LimitReached(
        f"No more than {most} uploads at a time for this {owner}; try again when one has ended.",
        {"limit": most, "what": "uploads", "retry_after_seconds": _RETRY_AFTER_SECONDS},
    )
