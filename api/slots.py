"""Who is sending a file now: in Redis, so that all API processes count together.

For each key and tenant a sorted set of holders, each with the time until which it counts. A holder renews its slot, so
that those of a killed process are free again soon. The library `limits` knows rates only.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from api.counters import Counters, CountersAway

_LEASE_SECONDS: Final = 30.0
_PREFIX: Final = "slots"

# In one step, so that two requests cannot both have the last slot.
_ENTER: Final = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1
"""


class Slots:
    """Async. While Redis does not answer, everybody has a slot."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._redis = counters.redis
        self._enter = self._redis.register_script(_ENTER)

    @asynccontextmanager
    async def held(self, whose: str, most: int) -> AsyncIterator[bool]:
        """Hold one of `most` slots until the block ends; False if there was none left."""
        name, holder = f"{_PREFIX}/{whose}", uuid.uuid4().hex
        if not await self._take(name, holder, most):
            yield False
            return
        renewing = asyncio.create_task(self._renew(name, holder))
        try:
            yield True
        finally:
            renewing.cancel()
            with suppress(CountersAway):  # it ends by itself
                await asyncio.shield(self._counters.ask(lambda: self._redis.zrem(name, holder)))

    async def _take(self, name: str, holder: str, most: int) -> bool:
        now = time.time()
        values = (holder, now, now + _LEASE_SECONDS, most, int(2 * _LEASE_SECONDS))
        try:
            return bool(await self._counters.ask(lambda: self._enter([name], values)))
        except CountersAway:
            return True

    async def _renew(self, name: str, holder: str) -> None:
        while True:
            await asyncio.sleep(_LEASE_SECONDS / 3)
            with suppress(CountersAway):
                await self._counters.ask(lambda: self._hold_on(name, holder))

    async def _hold_on(self, name: str, holder: str) -> None:
        await self._redis.zadd(name, {holder: time.time() + _LEASE_SECONDS}, xx=True)
        await self._redis.expire(name, int(2 * _LEASE_SECONDS))
