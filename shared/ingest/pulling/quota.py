"""Bytes that are fetched count in the quota of their tenant's day, as those do that its clients send.

Redis has the count that all processes share. While it does not answer, each process counts on its own.
"""

from collections.abc import Callable
from typing import Final, TypeVar, cast

import structlog
from limits.storage import MemoryStorage, RedisStorage, SlidingWindowCounterSupport
from limits.strategies import SlidingWindowCounterRateLimiter
from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from sqlalchemy import Engine

from shared.database.queries.operation.tenant_limits import tenant_limits
from shared.errors import LimitReached
from shared.observability.metrics import INTAKE_BYTES, record
from shared.quota import COUNTERS_PREFIX, STEP_BYTES, Quota, bytes_of_tenant
from shared.settings import Settings

log = structlog.get_logger()

T = TypeVar("T")

_TIMEOUT_SECONDS: Final = 0.5


class FetchedBytes:
    """The quotas of all tenants, and how much of them is used; for any number of threads."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        seconds = {"socket_timeout": _TIMEOUT_SECONDS, "socket_connect_timeout": _TIMEOUT_SECONDS}
        self._pool = ConnectionPool.from_url(settings.redis_url, retry=Retry(NoBackoff(), 0), **seconds)
        shared = RedisStorage("redis://", connection_pool=self._pool, key_prefix=COUNTERS_PREFIX)
        self._shared = SlidingWindowCounterRateLimiter(shared)
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())

    def meter(self, tenant: str) -> "FetchedFile":
        """For one file; raises errors of SQLAlchemy."""
        return FetchedFile(self, bytes_of_tenant(tenant, self._amount(tenant)))

    def close(self) -> None:
        """Close the connections."""
        self._pool.disconnect()

    def expect(self, quota: Quota, cost: int) -> None:
        """Raise `LimitReached` if less than `cost` is left; uses nothing."""
        if quota.amount and not self._ask(lambda by: by.test(quota.item, quota.owner, cost=cost)):
            raise self._reached(quota, cost)

    def spend(self, quota: Quota, cost: int, wanted: int) -> None:
        """Count `cost` that came already; if less is left, count what is left and raise `LimitReached`."""
        if not self._hit(quota, cost):
            left = self._ask(lambda by: by.get_window_stats(quota.item, quota.owner)).remaining
            self._hit(quota, left)
            raise self._reached(quota, wanted)

    def _amount(self, tenant: str) -> int:
        """Without keys there are no limits."""
        if not self._settings.require_keys:
            return 0
        with self._engine.connect() as connection:
            decided = connection.execute(tenant_limits(tenant)).one_or_none()
        if decided is None or decided.upload_bytes_per_day is None:
            return self._settings.tenant_upload_bytes_per_day
        return int(decided.upload_bytes_per_day)

    def _hit(self, quota: Quota, cost: int) -> bool:
        """Use `cost`; False, and nothing is used, if less than that is left."""
        return not quota.amount or self._ask(lambda by: by.hit(quota.item, quota.owner, cost=cost))

    def _reached(self, quota: Quota, cost: int) -> LimitReached:
        key, seconds = quota.item.key_for(quota.owner), quota.item.get_expiry()
        window = self._ask(lambda by: cast("SlidingWindowCounterSupport", by.storage).get_sliding_window(key, seconds))
        return quota.reached(cost, window)

    def _ask(self, question: Callable[[SlidingWindowCounterRateLimiter], T]) -> T:
        try:
            return question(self._shared)
        except (RedisError, OSError) as error:
            log.warning("redis_away", error=type(error).__name__)
            return question(self._own)


class FetchedFile:
    """Counts the bytes of one file while they come, in steps."""

    def __init__(self, used: FetchedBytes, quota: Quota) -> None:
        self._used = used
        self._quota = quota
        self._bytes = 0
        self._all_bytes = 0

    def expect(self, size_bytes: int) -> None:
        """Raise `LimitReached` if that exceeds what is left today, `TooLarge` if it exceeds a whole day's."""
        self._quota.require_possible(size_bytes)
        self._used.expect(self._quota, size_bytes)

    def add(self, size_bytes: int) -> None:
        """Count so many more; raises `LimitReached`, `TooLarge`."""
        self._bytes += size_bytes
        self._all_bytes += size_bytes
        if self._bytes >= STEP_BYTES:
            self.settle()

    def settle(self) -> None:
        """Count the bytes since the last step; raises `LimitReached`, `TooLarge`."""
        size_bytes, self._bytes = self._bytes, 0
        if size_bytes:
            record(INTAKE_BYTES, size_bytes)
            try:
                self._used.spend(self._quota, size_bytes, self._all_bytes)
            except LimitReached:
                self._quota.require_possible(self._all_bytes)
                raise
