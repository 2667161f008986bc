"""Slots for the files that are being sent, of each key and each tenant. All API processes share them in Redis.

Each key and each tenant has a sorted set of holders; the score is the time at which a holder's slot expires. A holder
renews its slot, so the slots of a killed process are soon free again. (The library `limits` counts only rates.)
"""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from api.impatient_redis import RedisAway
from api.limits.counters import Counters

_LEASE_SECONDS: Final = 30.0
_PREFIX: Final = "slots"

# Atomic, so that two requests cannot both take the last slot.
_ENTER: Final = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
local held = redis.call('ZCARD', KEYS[1])
if held >= tonumber(ARGV[4]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return held + 1
"""


class Slots:
    """Slots of keys and tenants. While Redis does not answer, each process counts on its own. Async."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._redis = counters.redis
        self._own: Counter[str] = Counter()
        self._enter = self._redis.register_script(_ENTER)

    @asynccontextmanager
    async def held(self, owner: str, most: int) -> AsyncIterator[int]:
        """Hold one of `most` slots until the block ends. Yields how many are held with this one, 0 if none was free."""
        name, holder = f"{_PREFIX}/{owner}", uuid.uuid4().hex
        held = await self._take(name, holder, most)
        if not held:
            yield 0
            return
        self._own[name] += 1
        renewing = asyncio.create_task(self._renew(name, holder))
        try:
            yield held
        finally:
            renewing.cancel()
            self._own -= Counter({name: 1})  # subtracting removes counts of 0
            with suppress(RedisAway):  # the slot expires by itself
                await asyncio.shield(self._counters.ask(lambda: self._redis.zrem(name, holder)))

    async def _take(self, name: str, holder: str, most: int) -> int:
        now = time.time()
        values = (holder, now, now + _LEASE_SECONDS, most, int(2 * _LEASE_SECONDS))
        try:
            return int(await self._counters.ask(lambda: self._enter([name], values)))
        except RedisAway:
            return self._own[name] + 1 if self._own[name] < most else 0

    async def _renew(self, name: str, holder: str) -> None:
        while True:
            await asyncio.sleep(_LEASE_SECONDS / 3)
            with suppress(RedisAway):
                await self._counters.ask(lambda: self._extend(name, holder))

    async def _extend(self, name: str, holder: str) -> None:
        await self._redis.zadd(name, {holder: time.time() + _LEASE_SECONDS}, xx=True)
        await self._redis.expire(name, int(2 * _LEASE_SECONDS))
