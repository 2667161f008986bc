"""Answers in a real Redis: what is kept, for whom one is made, and what it costs if the server is away."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import uvloop
from redis import Redis
from starlette.responses import Response

from api.cache.stored_answers import Found, StoredAnswers
from api.impatient_redis import ImpatientRedis, RedisAway
from shared.settings import Settings
from stack.ports import LOCALHOST, free_port
from stack.valkey import ValkeyServer

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with ValkeyServer(tmp_path_factory.mktemp("answers")) as running:
        yield running


class Maker:
    """Makes answers, slowly, and counts them."""

    def __init__(self, status: int = 200, size: int = 10, error: Exception | None = None) -> None:
        self.made = 0
        self._status, self._size, self._error = status, size, error

    async def __call__(self) -> Response:
        """An answer."""
        self.made += 1
        await asyncio.sleep(0.05)
        if self._error is not None:
            raise self._error
        return Response(b"x" * self._size, self._status, {"Link": f"</{self.made}>"})


def with_answers(test: Callable[[StoredAnswers], Awaitable[Any]], url: str, **settings: Any) -> Any:
    async def run() -> Any:
        made = Settings(database_url="postgresql://unused.invalid/none", cache_url=url, **settings)
        async with aclosing(StoredAnswers(made)) as answers:
            return await test(answers)

    return asyncio.run(run())


def twice(make: Maker, url: str, name: str, **settings: Any) -> list[Found]:
    """Where two answers of the same name come from, one after the other."""

    async def ask(answers: StoredAnswers) -> list[Found]:
        return [(await answers.find_or_make(name, make))[1] for _ in range(2)]

    found: list[Found] = with_answers(ask, url, **settings)
    return found


def test_an_answer_is_made_once_with_its_headers(server: ValkeyServer) -> None:
    async def ask(answers: StoredAnswers) -> list[tuple[bytes, str]]:
        found = [(await answers.find_or_make("once", Maker()))[0] for _ in range(2)]
        return [(bytes(each.body), each.headers["link"]) for each in found]

    assert with_answers(ask, server.url) == [(b"x" * 10, "</1>")] * 2


def test_it_expires(server: ValkeyServer) -> None:
    make = Maker()
    assert twice(make, server.url, "expires", cache_seconds=1) == [Found.MISS, Found.HIT]
    with Redis.from_url(server.url) as redis:
        names = list(redis.scan_iter("imdb-ingest:answer:expires"))
        assert [redis.ttl(name) for name in names] == [1]
    time.sleep(1.1)
    assert twice(make, server.url, "expires", cache_seconds=1) == [Found.MISS, Found.HIT]


def test_many_at_once_make_one(server: ValkeyServer) -> None:
    make = Maker()

    async def ask(answers: StoredAnswers) -> list[bytes]:
        found = await asyncio.gather(*(answers.find_or_make("many", make) for _ in range(50)))
        for each, _ in found:
            each.headers["ETag"] = "own"
        return [bytes(each.body) for each, _ in found]

    assert with_answers(ask, server.url) == [b"x" * 10] * 50
    assert make.made == 1


def test_who_goes_away_takes_the_answer_from_nobody(server: ValkeyServer) -> None:
    make = Maker()

    async def ask(answers: StoredAnswers) -> int:
        first = asyncio.create_task(answers.find_or_make("gone", make))
        await asyncio.sleep(0.01)
        second = asyncio.create_task(answers.find_or_make("gone", make))
        await asyncio.sleep(0.01)
        first.cancel()
        return (await second)[0].status_code

    assert with_answers(ask, server.url) == 200
    assert make.made == 1


def test_an_error_is_for_those_who_ask_now(server: ValkeyServer) -> None:
    async def ask(answers: StoredAnswers) -> list[Any]:
        failing = Maker(error=ValueError("once"))
        failed = await asyncio.gather(
            *(answers.find_or_make("error", failing) for _ in range(3)), return_exceptions=True
        )
        return [*failed, (await answers.find_or_make("error", Maker()))[1]]

    *failed, found = with_answers(ask, server.url)
    assert [str(error) for error in failed] == ["once"] * 3
    assert found is Found.MISS


@pytest.mark.parametrize("status", [404, 503])
def test_only_what_went_well_is_kept(server: ValkeyServer, status: int) -> None:
    assert twice(Maker(status), server.url, f"status-{status}") == [Found.MISS] * 2


def test_what_is_too_large_is_not_kept(server: ValkeyServer) -> None:
    assert twice(Maker(size=1000), server.url, "fits", cache_max_bytes=1000) == [Found.MISS, Found.HIT]
    assert twice(Maker(size=1001), server.url, "large", cache_max_bytes=1000) == [Found.MISS] * 2


def test_a_full_server_gets_no_more(server: ValkeyServer) -> None:
    assert twice(Maker(), server.url, "full", cache_memory_bytes=1) == [Found.MISS] * 2
    assert twice(Maker(), server.url, "room", cache_memory_bytes=256 * MIB) == [Found.MISS, Found.HIT]
    assert twice(Maker(), server.url, "no limit", cache_memory_bytes=0) == [Found.MISS, Found.HIT]


def test_it_can_be_off(server: ValkeyServer) -> None:
    make = Maker()
    assert twice(make, server.url, "off", cache_seconds=0) == [Found.OFF] * 2
    assert make.made == 2


def test_what_somebody_else_has_written_is_no_answer(server: ValkeyServer) -> None:
    with Redis.from_url(server.url) as redis:
        redis.set("imdb-ingest:answer:forged", b'{"link":"</evil>"}\nevil')
        assert twice(Maker(), server.url, "forged") == [Found.MISS, Found.HIT]
        redis.rename("imdb-ingest:answer:forged", "imdb-ingest:answer:moved")
        assert twice(Maker(), server.url, "moved") == [Found.MISS, Found.HIT]
        redis.delete("imdb-ingest:answer:typed")
        redis.lpush("imdb-ingest:answer:typed", "a list")
        assert twice(Maker(), server.url, "typed") == [Found.OFF] * 2


def seconds_of(answers: StoredAnswers, name: str) -> Callable[[], Awaitable[float]]:
    async def ask() -> float:
        begun = time.monotonic()
        await answers.find_or_make(name, Maker())
        return time.monotonic() - begun

    return ask


def test_without_a_server_each_answer_is_made() -> None:
    assert twice(Maker(), f"redis://{LOCALHOST}:{free_port()}", "away") == [Found.OFF] * 2


def test_a_server_that_hangs_costs_a_tenth_of_a_second_once(tmp_path: Path) -> None:
    async def ask(answers: StoredAnswers) -> list[float]:
        await answers.find_or_make("warm", Maker())
        os.kill(stopped.pid, signal.SIGSTOP)
        try:
            at_once = await asyncio.gather(*(seconds_of(answers, f"hangs-{number}")() for number in range(20)))
            later = [await seconds_of(answers, f"later-{number}")() for number in range(5)]
        finally:
            os.kill(stopped.pid, signal.SIGCONT)
        return [max(at_once), max(later)]

    with ValkeyServer(tmp_path) as stopped:
        at_once, later = with_answers(ask, stopped.url)
    # A tenth of a second for Redis, a twentieth to make an answer; CI is slow.
    assert at_once < 1
    assert later < 0.1 + 0.5


def test_a_connection_that_was_closed_unseen_is_an_outage_of_a_moment(server: ValkeyServer) -> None:
    async def ask() -> None:
        async with aclosing(ImpatientRedis(server.url, 1.0)) as client:
            await client.ask(client.redis.ping)
            [idle] = client.redis.connection_pool._available_connections
            assert idle._writer is not None
            idle._writer.transport.abort()
            await asyncio.sleep(0.1)
            with pytest.raises(RedisAway):
                await client.ask(client.redis.ping)
            client._away_until = 0.0
            assert await client.ask(client.redis.ping)

    uvloop.run(ask())
