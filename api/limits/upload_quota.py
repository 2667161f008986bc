"""Whether a client may have one more upload now, and how many bytes it may still send today: before the first byte and
while they come.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncEngine

from api.http_errors import LimitReached
from api.limits.quotas import Counted, Limits
from api.middleware.client import client_of
from api.runtime import Runtime
from shared.database.queries.uploads import active_uploads_count
from shared.database.tenancy import tenant_reading
from shared.errors import TooLarge

# Bytes are counted in steps, not with each chunk; of a file that is refused soon, no more than came.
_STEP_BYTES: Final = 8 * 1024 * 1024
_RETRY_AFTER_SECONDS: Final = 5


class ByteMeter:
    """Counts the bytes of one file while they come; nothing, if `counted` is empty."""

    def __init__(self, limits: Limits, counted: Sequence[Counted]) -> None:
        self._limits = limits
        self._counted = counted
        self._bytes = 0
        self._all_bytes = 0

    async def expect(self, size_bytes: int) -> None:
        """Raise `LimitReached` if so many are more than may still come today, `TooLarge` if they are on any day."""
        for counted in self._counted:
            _require_possible(counted, size_bytes)
            await self._limits.expect(counted, size_bytes)

    async def add(self, size_bytes: int) -> None:
        """So many more came; raises `LimitReached`, `TooLarge`."""
        self._bytes += size_bytes
        self._all_bytes += size_bytes
        if self._bytes >= _STEP_BYTES:
            await self.settle()

    async def settle(self) -> None:
        """Count what came since the last step."""
        size_bytes, self._bytes = self._bytes, 0
        if size_bytes:
            for counted in self._counted:
                try:
                    await self._limits.spend(counted, size_bytes, self._all_bytes)
                except LimitReached:
                    _require_possible(counted, self._all_bytes)
                    raise


@asynccontextmanager
async def upload_quota(request: Request, runtime: Runtime, tenant: str) -> AsyncIterator[ByteMeter]:
    """Hold a place for the upload that the request's body is; raises `LimitReached` before the first byte."""
    client, limits = client_of(request), runtime.limits
    if client is None:
        yield ByteMeter(limits, ())
        return
    meter = ByteMeter(limits, (limits.bytes_of_key(client.key_id), limits.bytes_of_tenant(tenant)))
    announced = request.headers.get("content-length", "")
    await meter.expect(int(announced) if announced.isdecimal() else 1)
    async with upload_slot(request, runtime, tenant):
        yield meter


@asynccontextmanager
async def upload_slot(request: Request, runtime: Runtime, tenant: str) -> AsyncIterator[None]:
    """Hold a slot of the key and one of the tenant until the block ends; raises `LimitReached`.

    An upload takes the tenant's slot until it has ended, so what waits or is loaded counts, too.
    """
    client, settings = client_of(request), runtime.settings
    if client is None:
        yield
        return
    most_of_key, most_of_tenant = settings.key_concurrent_uploads, settings.tenant_concurrent_uploads
    async with (
        runtime.slots.held(f"key {client.key_id}", most_of_key) as of_key,
        runtime.slots.held(f"tenant {tenant}", most_of_tenant) as of_tenant,
    ):
        if not of_key:
            raise _too_many(most_of_key, "key")
        # Asked when the slot is held: whoever held one before ours and has none any more is active by now.
        if not of_tenant or of_tenant + await _active_uploads(runtime.read_engine, tenant) > most_of_tenant:
            raise _too_many(most_of_tenant, "tenant")
        yield


async def _active_uploads(engine: AsyncEngine, tenant: str) -> int:
    async with tenant_reading(engine, tenant) as connection:
        return int((await connection.execute(active_uploads_count(tenant))).scalar_one())


def _require_possible(counted: Counted, size_bytes: int) -> None:
    if counted.amount and size_bytes > counted.amount:
        raise TooLarge(
            f"The file is larger than all that may come in a day: {counted}.", {"max_upload_bytes": counted.amount}
        )


def _too_many(most: int, whose: str) -> LimitReached:
    return LimitReached(
        f"No more than {most} uploads at a time for this {whose}; try again when one has ended.",
        {"limit": most, "what": "uploads", "retry_after_seconds": _RETRY_AFTER_SECONDS},
    )
