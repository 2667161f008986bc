"""Clients that stall, drip, or read nothing: each ends in time, and nobody else notices."""

import asyncio
import contextlib
import socket
import statistics
import time
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import ExitStack, suppress
from http import HTTPStatus

import httpx
import psutil
import psycopg2
import pytest

from stack.local import LocalStack
from stack.ports import free_port
from stack.services import Api, Surroundings
from tests.system.api.conftest import BRISK_HEADER_SECONDS, BRISK_RATE_BYTES, BRISK_WINDOW_SECONDS
from tests.system.api.raw import ask, connect, head, parse, read_to_end
from tests.system.api.sending import NAMED, movies_csv, stored_files
from tests.system.stack.processes import running
from tests.waiting import eventually

pytestmark = pytest.mark.alone  # it measures how long answers take

FILE = movies_csv([{"title": "Metropolis"}])
PUT = head("PUT /api/v1/upload?filename=movies.csv", "Content-Length: 1000000")
# A deadline is noticed after a quarter more, an application that was told answers within its linger, and CI is slow.
PATIENCE_SECONDS = 2 * BRISK_WINDOW_SECONDS + 10

# Of 30 KB: twice what kernels hold for one connection.
UNREAD_ANSWERS = 300

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def say_nothing(_streams: Streams) -> None:
    """Connected, and that is all."""


async def stall_head(streams: Streams) -> None:
    streams[1].write(b"GET /api/v1/ping HTTP/1.1\r\nHost: 127.0.0.1\r\n")


async def drip_head(streams: Streams) -> None:
    streams[1].write(b"GET /")
    while True:
        streams[1].write(b"a")
        await asyncio.sleep(0.1)


async def stall_body(streams: Streams) -> None:
    streams[1].write(PUT + FILE)


async def drip_body(streams: Streams) -> None:
    streams[1].write(PUT + FILE)
    while True:
        streams[1].write(b"0123456789")
        await asyncio.sleep(0.1)


KINDS = (say_nothing, stall_head, drip_head, stall_body, drip_body)


def test_two_hundred_slow_clients_end_and_disturb_nobody(brisk: Api, stack: LocalStack) -> None:
    before = stored_files(stack)
    with ExitStack() as readers:
        for _ in range(5):
            readers.enter_context(unread(brisk))
        codes, seconds, pings = asyncio.run(storm(brisk, 39))
        assert eventually(lambda: connections_of_clients(brisk) == 0, PATIENCE_SECONDS), "connections are left"
    assert codes["say_nothing"] == Counter({"": 39})
    for kind in ("stall_head", "drip_head", "stall_body", "drip_body"):
        assert codes[kind] == Counter({"408 too_slow": 39}), kind
    assert max(seconds) < PATIENCE_SECONDS
    assert min(seconds) >= BRISK_HEADER_SECONDS
    assert len(pings) >= 3
    assert statistics.median(pings) < 1  # and each one was answered; how soon the slowest is the machine's
    assert stored_files(stack) <= before


def connections_of_clients(api: Api) -> int:
    """How many it has open, also those that the other end has closed."""
    sockets = psutil.Process(api.pid).net_connections("tcp")
    return sum(one.laddr.port == api.port and one.status != psutil.CONN_LISTEN for one in sockets)


async def storm(api: Api, clients: int) -> tuple[dict[str, Counter[str]], list[float], list[float]]:
    """So many of each kind at once, pinged all the while: their last words, how long they lived, seconds of pings."""
    codes: dict[str, Counter[str]] = {kind.__name__: Counter() for kind in KINDS}
    seconds: list[float] = []

    async def one(kind: Callable[[Streams], Coroutine[None, None, None]]) -> None:
        started = time.monotonic()
        code = await last_words(api, kind)
        seconds.append(time.monotonic() - started)
        codes[kind.__name__][code] += 1

    slow = asyncio.gather(*(one(kind) for kind in KINDS for _ in range(clients)))
    pings = await ping_until(api, slow)
    await slow
    return codes, seconds, pings


async def last_words(api: Api, kind: Callable[[Streams], Coroutine[None, None, None]]) -> str:
    """Status and code of the answer, "" without one, when the server ends the connection."""
    streams = await asyncio.open_connection(api.host, api.port)
    sending = asyncio.create_task(kind(streams))
    answer = b""
    with suppress(ConnectionResetError):
        while block := await asyncio.wait_for(streams[0].read(65536), PATIENCE_SECONDS):
            answer += block
            sending.cancel()
    sending.cancel()
    streams[1].close()
    found = parse(answer)
    return f"{found.status} {found.code}" if found else ""


async def ping_until(api: Api, others: "asyncio.Future[list[None]]") -> list[float]:
    """Seconds of pings, each by a connection of its own; every one is answered."""
    pings = []
    while not others.done():
        started = time.monotonic()
        reader, writer = await asyncio.open_connection(api.host, api.port)
        writer.write(head("GET /api/v1/ping", "Connection: close"))
        answer = parse(await asyncio.wait_for(reader.read(), PATIENCE_SECONDS))
        writer.close()
        assert answer is not None
        assert answer.status == 200
        pings.append(time.monotonic() - started)
        await asyncio.sleep(0.05)
    return pings


def unread(api: Api, buffer_bytes: int = 4096) -> socket.socket:
    """A connection that asks for more than the kernels hold, and reads none of it."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
    raw.settimeout(10)
    raw.connect((api.host, api.port))
    raw.sendall(head("GET /errors") * UNREAD_ANSWERS)
    return raw


def test_an_answer_that_is_not_taken_is_cut_and_one_that_is_taken_slowly_is_not(brisk: Api) -> None:
    size = len(httpx.get(f"{brisk.url}/errors", trust_env=False).content)
    with unread(brisk) as idle, unread(brisk, 64 * 1024) as slow:
        slow.sendall(head("GET /errors", "Connection: close"))
        taken, deadline = 0, time.monotonic() + 3 * BRISK_WINDOW_SECONDS
        while time.monotonic() < deadline:  # much slower than we could write; kernels pass on 64 KiB at a time
            taken += len(slow.recv(16 * 1024))
            time.sleep(1 / 25)
        taken += len(read_to_end(slow))
        assert len(read_to_end(idle)) < UNREAD_ANSWERS * size
    assert taken > (UNREAD_ANSWERS + 1) * size


def test_a_slot_is_freed_for_the_next_client_when_all_are_taken(brisk: Api) -> None:
    with ExitStack() as stalled:
        for _ in range(300):  # 256 slots
            stalled.enter_context(connect(brisk)).sendall(b"GET /")
        for _ in range(5):
            assert httpx.get(f"{brisk.url}/api/v1/ping", trust_env=False).status_code == 200


def test_when_all_slots_are_taken_by_those_who_send_the_next_is_refused(stack: LocalStack) -> None:
    settings = {"INGEST_MAX_CONNECTIONS": "4", "INGEST_PARALLELISM": "1"}
    surroundings = Surroundings(stack.data_dir, stack.database_url, stack.redis_url, settings)
    ping = head("GET /api/v1/ping", "Connection: close")
    with running(Api(surroundings, free_port(), "api-narrow")) as narrow:
        with ExitStack() as sending:
            for _ in range(3):
                sending.enter_context(connect(narrow)).sendall(PUT + FILE)
            eventually(lambda: status_of(narrow, ping) == HTTPStatus.SERVICE_UNAVAILABLE, PATIENCE_SECONDS)
            answer = ask(narrow, ping)
            assert answer is not None
            assert (answer.status, answer.code) == (503, "too_many_connections")
            assert int(answer.headers["retry-after"]) > 0
        assert eventually(lambda: status_of(narrow, ping) == HTTPStatus.OK, PATIENCE_SECONDS)


def status_of(api: Api, request_bytes: bytes) -> int | None:
    answer = ask(api, request_bytes)
    return answer.status if answer else None


def test_a_slow_upload_keeps_no_idempotency_key(brisk: Api, stack: LocalStack) -> None:
    key, before = uuid.uuid4().hex, stored_files(stack)
    put = head("PUT /api/v1/upload?filename=movies.csv", "Content-Length: 1000000", f"Idempotency-Key: {key}")
    with connect(brisk) as raw:
        raw.sendall(put + FILE)
        answer = parse(read_to_end(raw))
    assert answer is not None
    assert (answer.status, answer.code) == (408, "too_slow")
    assert answer.headers["connection"] == "close"
    assert stored_files(stack) <= before
    again = httpx.put(
        f"{brisk.url}/api/v1/upload",
        params=NAMED,
        headers={"Idempotency-Key": key},
        content=movies_csv([{"title": key}]),
        trust_env=False,
    )
    assert again.status_code == 202, again.text


def test_a_body_that_comes_at_a_sufficient_transfer_rate_is_taken(brisk: Api) -> None:
    content = movies_csv({"title": f"{uuid.uuid4()} {n}"} for n in range(400))
    pieces = 40
    size = len(content) // pieces + 1
    with connect(brisk) as raw:
        raw.sendall(head("PUT /api/v1/upload?filename=m.csv", f"Content-Length: {len(content)}", "Connection: close"))
        for start in range(0, len(content), size):
            raw.sendall(content[start : start + size])
            time.sleep(2.5 * BRISK_WINDOW_SECONDS / pieces)
        answer = parse(read_to_end(raw))
    assert len(content) / (2.5 * BRISK_WINDOW_SECONDS) > BRISK_RATE_BYTES
    assert answer is not None
    assert answer.status == 202


@pytest.mark.parametrize("is_told", [False, True])
def test_time_in_which_we_do_not_read_is_not_the_clients(brisk: Api, stack: LocalStack, *, is_told: bool) -> None:
    """The application waits for a lock before it asks for the body: the client sends what it can, or waits."""
    content = movies_csv({"title": f"{uuid.uuid4()} {n}", "overview": "x" * 500} for n in range(500))
    lines = [f"Content-Length: {len(content)}", f"Idempotency-Key: {uuid.uuid4().hex}", "Connection: close"]
    lines += ["Expect: 100-continue"] * is_told
    with contextlib.closing(psycopg2.connect(stack.database_url)) as connection, connect(brisk) as raw:
        with connection, connection.cursor() as cursor:
            cursor.execute("LOCK TABLE idempotency_keys")
            raw.sendall(head("PUT /api/v1/upload?filename=movies.csv", *lines) + (b"" if is_told else content))
            time.sleep(3 * BRISK_WINDOW_SECONDS)
        if is_told:
            assert raw.recv(100).startswith(b"HTTP/1.1 100 ")
            raw.sendall(content)
        answer = parse(read_to_end(raw))
    assert answer is not None
    assert answer.status == 202
