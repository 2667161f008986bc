"""Locks for queries that take seconds: each tenant runs one at a time, and the other tenants do not wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from weakref import WeakValueDictionary

from shared.errors import Unavailable

# The same as the statement timeout.
_PATIENCE_SECONDS: Final = 5.0


class TenantLocks:
    """One lock for each tenant, in this process."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def held(self, tenant: str) -> AsyncIterator[None]:
        """Hold the tenant's lock until the block ends; raises `Unavailable` after waiting for five seconds."""
        lock = self._locks.setdefault(tenant, asyncio.Lock())
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await lock.acquire()
        except TimeoutError:
            raise Unavailable(
                "Too many requests of this tenant are waiting for the database; try again later."
            ) from None
        try:
            yield
        finally:
            lock.release()
