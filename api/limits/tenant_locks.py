"""What takes seconds of the database, one at a time for each tenant: its others wait behind it, nobody else does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from weakref import WeakValueDictionary

from shared.errors import Unavailable

# As long as a statement may take.
_PATIENCE_SECONDS: Final = 5.0


class TenantLocks:
    """One for each tenant, in this process."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def held(self, tenant: str) -> AsyncIterator[None]:
        """Be the tenant's only one until the block ends; raises `Unavailable` after five seconds of waiting."""
        lock = self._locks.setdefault(tenant, asyncio.Lock())
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await lock.acquire()
        except TimeoutError:
            raise Unavailable("Too many requests of this tenant wait for the database; try again later.") from None
        try:
            yield
        finally:
            lock.release()
