"""Quotas of a key, and of all keys of a tenant: requests a minute, bytes a day. For uploads at a time see slots.py.

The API counts in Redis, so that all of its processes count together, by sliding windows (library `limits`). While Redis
does not answer, each process counts on its own: clients with valid keys keep working, still within their limits.
Without keys there are no quotas, because the server then listens only to its own machine.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from limits import RateLimitItemPerDay, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage, SlidingWindowCounterSupport
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from api.impatient_redis import RedisAway
from api.limits.counters import Counters
from api.limits.tenant_limits import DecidedLimits
from shared.errors import LimitReached
from shared.quota import COUNTERS_PREFIX, Quota, bytes_of_tenant
from shared.settings import Settings

T = TypeVar("T")


class Limits:
    """The quotas of the settings or of an operator, and how much of them is used. Async."""

    def __init__(self, settings: Settings, counters: Counters, decided: DecidedLimits) -> None:
        self._settings = settings
        self._decided = decided
        self._counters = counters
        pool: Any = counters.redis.connection_pool  # the signature allows only types that a URL can hold
        shared = RedisStorage(
            "async+redis://", implementation="redispy", key_prefix=COUNTERS_PREFIX, connection_pool=pool
        )
        self._shared = SlidingWindowCounterRateLimiter(shared)
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())

    def requests_of_key(self, key_id: str) -> Quota:
        """Requests a minute."""
        return Quota("requests", self._settings.key_requests_per_minute, RateLimitItemPerMinute, f"key {key_id}")

    async def requests_of_tenant(self, tenant: str) -> Quota:
        """Requests a minute; raises errors of the database."""
        amount = (await self._decided.of(tenant)).requests_per_minute
        return Quota("requests", amount, RateLimitItemPerMinute, f"tenant {tenant}")

    def bytes_of_key(self, key_id: str) -> Quota:
        """Uploaded bytes a day."""
        return Quota("bytes", self._settings.key_upload_bytes_per_day, RateLimitItemPerDay, f"key {key_id}")

    async def bytes_of_tenant(self, tenant: str) -> Quota:
        """Uploaded and fetched bytes a day; raises errors of the database."""
        return bytes_of_tenant(tenant, (await self._decided.of(tenant)).upload_bytes_per_day)

    async def uploads_of_tenant(self, tenant: str) -> int:
        """Uploads at a time; raises errors of the database."""
        return (await self._decided.of(tenant)).concurrent_uploads

    def refused_keys_of(self, address: str) -> Quota:
        """Requests a minute with keys that are not valid."""
        return Quota("refused keys", self._settings.refused_keys_per_minute, RateLimitItemPerMinute, address)

    async def count(self, quota: Quota, cost: int = 1) -> None:
        """Use `cost` of the quota; raises `LimitReached` and uses nothing if less than that is left."""
        if not await self._hit(quota, cost):
            raise await self._reached(quota, cost)

    async def expect(self, quota: Quota, cost: int) -> None:
        """Raise `LimitReached` if less than `cost` is left; uses nothing."""
        if quota.amount and not await self._ask(lambda by: by.test(quota.item, quota.owner, cost=cost)):
            raise await self._reached(quota, cost)

    async def spend(self, quota: Quota, cost: int, wanted: int) -> None:
        """Count `cost` that the client has used already.

        If less than that is left, count what is left and raise `LimitReached`, which says when `wanted` will fit.
        """
        if not await self._hit(quota, cost):
            left = (await self._ask(lambda by: by.get_window_stats(quota.item, quota.owner))).remaining
            await self._hit(quota, left)
            raise await self._reached(quota, wanted)

    async def _hit(self, quota: Quota, cost: int) -> bool:
        """Use `cost` of the quota; False, and nothing is used, if less than that is left."""
        return not quota.amount or await self._ask(lambda by: by.hit(quota.item, quota.owner, cost=cost))

    async def _reached(self, quota: Quota, cost: int) -> LimitReached:
        item = quota.item
        key, window_seconds = item.key_for(quota.owner), item.get_expiry()

        def look(by: SlidingWindowCounterRateLimiter) -> Awaitable[tuple[int, float, int, float]]:
            return cast("SlidingWindowCounterSupport", by.storage).get_sliding_window(key, window_seconds)

        return quota.reached(cost, await self._ask(look))

    async def _ask(self, question: Callable[[SlidingWindowCounterRateLimiter], Awaitable[T]]) -> T:
        try:
            return await self._counters.ask(lambda: question(self._shared))
        except RedisAway:
            return await question(self._own)
