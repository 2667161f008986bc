"""A Redis that requests wait for, but not for long.

It is asked once, with a short timeout, and then not again for a few seconds: a Redis that hangs delays one request, not
every request.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

_PAUSE_SECONDS: Final = 5.0

T = TypeVar("T")

log = structlog.get_logger()


class RedisAway(Exception):
    """Redis does not answer, or did not answer a moment ago."""


class ImpatientRedis:
    """A Redis client that gives up quickly; use `redis` only inside `ask`. Async."""

    def __init__(self, redis_url: str, timeout_seconds: float) -> None:
        self.redis = Redis.from_url(
            redis_url,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 0),
        )
        self._away_until = 0.0

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """The result of `question`; raises `RedisAway` if Redis does not answer."""
        now = asyncio.get_running_loop().time()
        if now < self._away_until:
            raise RedisAway
        try:
            return await question()
        except (
            RedisError,
            OSError,
            RuntimeError,
        ) as error:  # uvloop's RuntimeError: the connection was closed meanwhile
            self._away_until = now + _PAUSE_SECONDS
            log.warning("redis_away", error=type(error).__name__)
            raise RedisAway from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self.redis.aclose()
