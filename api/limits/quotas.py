"""How much a key, and all keys of a tenant, may ask for: requests a minute, bytes a day. Uploads at a time: slots.py.

Counted in Redis, so that all API processes count together, by sliding windows (library `limits`). While Redis does not
answer, each process counts for itself: known keys go on, still within their limits. Nothing is limited where there are
no keys: then the server listens to its own machine only.
"""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage, SlidingWindowCounterSupport
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from api.http_errors import LimitReached
from api.limits.counters import Counters, CountersAway
from shared.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted, for whom, and how much of it there may be in one window; an amount of 0 is no limit."""

    what: str
    amount: int
    window: type[RateLimitItem]
    whose: str

    def __str__(self) -> str:
        """The limit as a part of a sentence."""
        return f"{self.amount:,} {self.what} a {self.window.GRANULARITY.name} for {self.whose}"

    @property
    def item(self) -> RateLimitItem:
        """As the library wants it."""
        return self.window(self.amount, namespace=self.what)


def seconds_until(
    room: int, window_seconds: float, previous: int, previous_left: float, current: int, current_left: float
) -> float:
    """When no more than `room` is counted any more, if nothing comes in between.

    `previous` fades until `previous_left` is over. `current` counts in whole until it is the previous one, which it is
    as long as its `current_left` is less than a window; so the library keeps them.
    """
    if current <= room:
        fades = previous_left - (room + 1 - current) * window_seconds / previous if previous else 0.0
        return max(0.0, fades)
    wraps = max(0.0, current_left - window_seconds)
    return wraps + window_seconds - (room + 1) * window_seconds / current


class Limits:
    """Async; `count`, `spend` and `expect` raise `LimitReached`."""

    def __init__(self, settings: Settings, counters: Counters) -> None:
        self._settings = settings
        self._counters = counters
        pool: Any = counters.redis.connection_pool  # the signature knows only what an address could hold
        shared = RedisStorage("async+redis://", implementation="redispy", key_prefix="limits", connection_pool=pool)
        self._shared = SlidingWindowCounterRateLimiter(shared)
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())

    def requests_of_key(self, key_id: str) -> Counted:
        """Requests a minute."""
        return Counted("requests", self._settings.key_requests_per_minute, RateLimitItemPerMinute, f"key {key_id}")

    def requests_of_tenant(self, tenant: str) -> Counted:
        """Requests a minute."""
        return Counted(
            "requests", self._settings.tenant_requests_per_minute, RateLimitItemPerMinute, f"tenant {tenant}"
        )

    def bytes_of_key(self, key_id: str) -> Counted:
        """Uploaded bytes a day."""
        return Counted("bytes", self._settings.key_upload_bytes_per_day, RateLimitItemPerDay, f"key {key_id}")

    def bytes_of_tenant(self, tenant: str) -> Counted:
        """Uploaded bytes a day."""
        return Counted("bytes", self._settings.tenant_upload_bytes_per_day, RateLimitItemPerDay, f"tenant {tenant}")

    def refused_keys_of(self, address: str) -> Counted:
        """Requests a minute without a key that counts."""
        return Counted("refused keys", self._settings.refused_keys_per_minute, RateLimitItemPerMinute, address)

    async def count(self, counted: Counted, cost: int = 1) -> None:
        """Count it, unless that would be too much."""
        if counted.amount and not await self._ask(lambda by: by.hit(counted.item, counted.whose, cost=cost)):
            raise await self._reached(counted, cost)

    async def expect(self, counted: Counted, cost: int) -> None:
        """Say at once that it would be too much; count nothing."""
        if counted.amount and not await self._ask(lambda by: by.test(counted.item, counted.whose, cost=cost)):
            raise await self._reached(counted, cost)

    async def spend(self, counted: Counted, cost: int, wanted: int) -> None:
        """Count what was used already, all of it or what is left; in the second case there is no room for `wanted`."""
        try:
            await self.count(counted, cost)
        except LimitReached:
            left = (await self._ask(lambda by: by.get_window_stats(counted.item, counted.whose))).remaining
            await self._ask(lambda by: by.hit(counted.item, counted.whose, cost=left))
            raise await self._reached(counted, wanted) from None

    async def _reached(self, counted: Counted, cost: int) -> LimitReached:
        item = counted.item
        key, window_seconds = item.key_for(counted.whose), item.get_expiry()

        def look(by: SlidingWindowCounterRateLimiter) -> Awaitable[tuple[int, float, int, float]]:
            return cast("SlidingWindowCounterSupport", by.storage).get_sliding_window(key, window_seconds)

        room = max(0, counted.amount - cost)
        seconds = math.floor(seconds_until(room, window_seconds, *await self._ask(look))) + 1
        return LimitReached(
            f"No more than {counted}; try again in {seconds:,} seconds.",
            {"limit": counted.amount, "what": counted.what, "retry_after_seconds": seconds},
        )

    async def _ask(self, question: Callable[[SlidingWindowCounterRateLimiter], Awaitable[T]]) -> T:
        try:
            return await self._counters.ask(lambda: question(self._shared))
        except CountersAway:
            return await question(self._own)
