"""Counters that all API processes share, in Redis. While Redis does not answer, each process goes on without it.

A request waits for the answer, so `Counters` tries once, with a short timeout, and then not again for a few seconds: a
Redis that hangs delays one request by half a second, not every request.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

_TIMEOUT_SECONDS: Final = 0.5
_PAUSE_SECONDS: Final = 5.0

T = TypeVar("T")

log = structlog.get_logger()


class CountersAway(Exception):
    """Redis does not answer, or did not answer a moment ago."""


class Counters:
    """A Redis client that gives up quickly; use `redis` only inside `ask`. Async."""

    def __init__(self, redis_url: str) -> None:
        self.redis = Redis.from_url(
            redis_url,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._away_until = 0.0

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """The result of `question`; raises `CountersAway` if Redis does not answer."""
        now = asyncio.get_running_loop().time()
        if now < self._away_until:
            raise CountersAway
        try:
            return await question()
        except (RedisError, OSError) as error:
            self._away_until = now + _PAUSE_SECONDS
            log.warning("counters_away", error=type(error).__name__)
            raise CountersAway from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self.redis.aclose()
