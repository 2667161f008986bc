"""Answers in Redis. It only saves time: without it, or while it does not answer, each answer is made anew."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final, TypeVar, cast

from starlette.responses import Response

from api.cache.sealing import Seal
from api.cache.software import fingerprint
from api.impatient_redis import ImpatientRedis, RedisAway
from shared.settings import Settings

_PREFIX: Final = "imdb-ingest:answer:"
# A listing takes some milliseconds, so nobody waits longer than this for what may not be there.
_TIMEOUT_SECONDS: Final = 0.1
_LOOK_SECONDS: Final = 1.0

Build = Callable[[], Awaitable[Response]]
T = TypeVar("T")


class Found(StrEnum):
    """Where an answer comes from; `off`: Redis was not asked, or does not answer."""

    HIT = "hit"
    MISS = "miss"
    OFF = "off"


class StoredAnswers:
    """Answers by their names, for `cache_seconds` after they were made. Async."""

    def __init__(self, settings: Settings) -> None:
        self.software = fingerprint()
        self._settings = settings
        self._redis = ImpatientRedis(settings.cache_url or settings.redis_url, _TIMEOUT_SECONDS)
        self._seal = Seal(settings.request_async_url.render_as_string(hide_password=False))
        self._making: dict[str, asyncio.Task[tuple[Response, Found]]] = {}
        self._looked_at = float("-inf")
        self._has_room = False

    async def find_or_make(self, name: str, build: Build) -> tuple[Response, Found]:
        """The answer with this name, or that of `build`, which is stored if its status is 200.

        Of requests that ask for the same at the same time, one makes the answer for all; so they also share an error.
        """
        making = self._making.get(name)
        if making is None:
            making = self._making[name] = asyncio.create_task(self._find_or_make(name, build))
            making.add_done_callback(lambda done: self._forget(name, done))
        found, where = await asyncio.shield(making)  # others may wait for it when this client goes away
        return Response(found.body, found.status_code, dict(found.headers)), where

    def _forget(self, name: str, done: asyncio.Task[Any]) -> None:
        del self._making[name]
        if not done.cancelled():
            done.exception()  # seen, also if nobody waits any more

    async def _find_or_make(self, name: str, build: Build) -> tuple[Response, Found]:
        if not self._settings.cache_seconds:
            return await build(), Found.OFF
        try:
            stored = cast("bytes | None", await self._ask(lambda: self._redis.redis.get(_PREFIX + name)))
        except RedisAway:
            return await build(), Found.OFF
        answer = None if stored is None else self._seal.open(name, stored)
        if answer is not None:
            return answer, Found.HIT
        answer = await build()
        await self._store(name, answer)
        return answer, Found.MISS

    async def _store(self, name: str, answer: Response) -> None:
        if answer.status_code != HTTPStatus.OK or len(answer.body) > self._settings.cache_max_bytes:
            return
        sealed = self._seal.close(name, answer)
        try:
            if await self._room():
                await self._ask(lambda: self._redis.redis.set(_PREFIX + name, sealed, ex=self._settings.cache_seconds))
        except RedisAway:
            return

    async def _room(self) -> bool:
        """Whether Redis holds less than `cache_memory_bytes`, as it was found in the last second."""
        now = asyncio.get_running_loop().time()
        if self._settings.cache_memory_bytes and now - self._looked_at > _LOOK_SECONDS:
            self._looked_at = now
            memory = await self._ask(lambda: self._redis.redis.info("memory"))
            self._has_room = memory["used_memory"] < self._settings.cache_memory_bytes
        return self._has_room or not self._settings.cache_memory_bytes

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T:
        return await self._redis.ask(lambda: asyncio.wait_for(question(), _TIMEOUT_SECONDS))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
