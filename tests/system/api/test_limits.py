"""What a key and a tenant may ask for: requests, bytes, uploads at a time. And that others do not notice."""

import asyncio
import os
import signal
import socket
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, aclosing

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.impatient_redis import _PAUSE_SECONDS
from api.limits.counters import Counters
from api.limits.quotas import Limits
from api.limits.slots import Slots
from api.limits.tenant_limits import DecidedLimits
from shared.database.engine import create_read_engine
from shared.errors import LimitReached
from shared.keys.api_key import make_key
from shared.quota import seconds_until
from shared.settings import Settings
from stack.local import LocalStack
from stack.ports import LOCALHOST, free_port
from tests.conftest import ONE_LOADER
from tests.system.api.keyed import client_with, key_for
from tests.system.api.raw import connect, head
from tests.system.api.sending import NAMED, assert_problem, movies_csv, stored_files, wait_for_end

REQUESTS, TENANT_REQUESTS, BYTES, TENANT_BYTES, UPLOADS, TENANT_UPLOADS = 30, 45, 40_000, 60_000, 2, 3
SETTINGS = {
    **ONE_LOADER,
    "INGEST_REQUIRE_KEYS": "true",
    "INGEST_KEY_REQUESTS_PER_MINUTE": str(REQUESTS),
    "INGEST_TENANT_REQUESTS_PER_MINUTE": str(TENANT_REQUESTS),
    "INGEST_KEY_UPLOAD_BYTES_PER_DAY": str(BYTES),
    "INGEST_TENANT_UPLOAD_BYTES_PER_DAY": str(TENANT_BYTES),
    "INGEST_KEY_CONCURRENT_UPLOADS": str(UPLOADS),
    "INGEST_TENANT_CONCURRENT_UPLOADS": str(TENANT_UPLOADS),
    "INGEST_REFUSED_KEYS_PER_MINUTE": "10",
}


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack of its own, with small limits."""
    with LocalStack(tmp_path_factory.mktemp("tight"), workers=0, settings=SETTINGS) as own:
        yield own


@pytest.fixture
def mine(tight: LocalStack, tenant: str) -> Iterator[httpx.Client]:
    with client_with(tight, key_for(tight, tenant)) as client:
        yield client


def statuses(client: httpx.Client, count: int) -> list[int]:
    return [client.get("/uploads").status_code for _ in range(count)]


def assert_limited(answer: httpx.Response, what: str) -> None:
    assert_problem(answer, 429, "limit_reached")
    assert answer.json()["what"] == what
    assert "WWW-Authenticate" not in answer.headers
    assert int(answer.headers["Retry-After"]) == answer.json()["retry_after_seconds"] >= 1


def test_a_key_has_so_many_requests_a_minute_and_others_do_not_notice(tight: LocalStack, mine: httpx.Client) -> None:
    assert statuses(mine, REQUESTS) == [200] * REQUESTS
    assert_limited(mine.get("/uploads"), "requests")
    with client_with(tight, key_for(tight, f"t-{uuid.uuid4().hex[:12]}")) as other:
        assert statuses(other, 3) == [200] * 3


def test_all_keys_of_a_tenant_count_together(tight: LocalStack, tenant: str) -> None:
    with ExitStack() as stack:
        keys = [stack.enter_context(client_with(tight, key_for(tight, tenant))) for _ in range(2)]
        first, second = (statuses(client, REQUESTS) for client in keys)
    assert first == [200] * REQUESTS
    assert second == [200] * (TENANT_REQUESTS - REQUESTS) + [429] * (2 * REQUESTS - TENANT_REQUESTS)


def test_bytes_of_a_day_are_counted_before_and_while_they_come(tight: LocalStack, mine: httpx.Client) -> None:
    first = mine.post("/upload", params=NAMED, content=movies_csv([{"overview": "x" * (BYTES // 2)}]))
    assert first.status_code == 202
    wait_for_end(mine, first.json()["id"], pause_seconds=1)  # each look is a request, too
    before = stored_files(tight)
    second = movies_csv([{"overview": "y" * (BYTES // 2)}])
    assert_limited(mine.post("/upload", params=NAMED, content=second), "bytes")
    with begun(tight, mine.headers["X-API-Key"], len(second), "Expect: 100-continue") as raw:
        assert raw.recv(65536).startswith(b"HTTP/1.1 429 ")
    assert mine.post("/upload", params=NAMED, content=movies_csv([{}])).status_code == 202
    before |= stored_files(tight)
    assert_limited(mine.post("/upload", params=NAMED, content=iter([second])), "bytes")  # no length announced
    assert stored_files(tight) == before
    assert_limited(mine.post("/upload", params=NAMED, content=movies_csv([{}])), "bytes")  # it came, so it counts


def test_a_file_that_fits_into_no_day_is_too_large(mine: httpx.Client) -> None:
    content = movies_csv([{"overview": "z" * BYTES}])
    for body in (content, iter([content])):
        problem = assert_problem(mine.post("/upload", params=NAMED, content=body), 413, "upload_too_large")
        assert problem["max_upload_bytes"] == BYTES


WINDOW_SECONDS = 1000
COUNTS = st.integers(0, 10_000)


@given(room=COUNTS, previous=COUNTS, current=COUNTS, age=st.floats(0, WINDOW_SECONDS - 1))
def test_who_comes_back_when_told_has_room_and_not_much_earlier(
    room: int, previous: int, current: int, age: float
) -> None:
    def counted(seconds: float) -> float:
        """As the library counts, so many seconds later."""
        if age + seconds < WINDOW_SECONDS:
            return previous * (1 - (age + seconds) / WINDOW_SECONDS) + current
        return current * max(0.0, 2 - (age + seconds) / WINDOW_SECONDS)

    left = WINDOW_SECONDS - age
    seconds = seconds_until(room, WINDOW_SECONDS, previous, left, current, left + WINDOW_SECONDS)
    assert int(counted(int(seconds) + 1)) <= room
    if seconds > 1:
        assert counted(seconds - 1) > room


def test_all_keys_of_a_tenant_share_its_bytes(tight: LocalStack, tenant: str) -> None:
    with ExitStack() as stack:
        keys = [stack.enter_context(client_with(tight, key_for(tight, tenant))) for _ in range(2)]
        answers = [
            client.post("/upload", params=NAMED, content=movies_csv([{"overview": name * (BYTES - 1000)}]))
            for client, name in zip(keys, "xy", strict=True)
        ]
    assert answers[0].status_code == 202
    assert_limited(answers[1], "bytes")
    assert answers[1].json()["limit"] == TENANT_BYTES


def test_bytes_of_a_refused_file_are_counted(mine: httpx.Client) -> None:
    nonsense = b"no header\n" + b"x" * (BYTES // 2 - 100)
    assert [mine.post("/upload", params=NAMED, content=nonsense).status_code for _ in range(3)] == [422, 422, 429]


def test_a_request_without_the_scope_is_counted(tight: LocalStack, tenant: str) -> None:
    with client_with(tight, key_for(tight, tenant, scopes=("upload",))) as client:
        assert statuses(client, REQUESTS + 1) == [403] * REQUESTS + [429]


def begun(stack: LocalStack, key: str, size_bytes: int, *more: str) -> socket.socket:
    """An upload of which the head is sent."""
    raw = connect(stack.api)
    headers = f"X-API-Key: {key}", "Content-Type: text/csv", f"Content-Length: {size_bytes}", *more
    raw.sendall(head("PUT /api/v1/upload?filename=a.csv", *headers))
    return raw


def sending(stack: LocalStack, key: str) -> socket.socket:
    """An upload that has its slot, and is half sent."""
    raw = begun(stack, key, 500, "Expect: 100-continue")
    assert raw.recv(65536).startswith(b"HTTP/1.1 100 ")
    raw.sendall(b"title,")
    return raw


def test_a_key_sends_so_many_files_at_a_time(tight: LocalStack, tenant: str) -> None:
    key = key_for(tight, tenant)
    with client_with(tight, key) as client, ExitStack() as stack:
        for _ in range(UPLOADS):
            stack.enter_context(sending(tight, key.text))
        refused = until(client, 429)
        assert_limited(refused, "uploads")
        assert refused.json()["limit"] == UPLOADS
        stack.close()
        assert until(client, 202).status_code == 202


def test_all_keys_of_a_tenant_share_its_slots(tight: LocalStack, tenant: str) -> None:
    """One upload waits for a worker, of which there is none; two are being sent, by a key each."""
    first, second = (key_for(tight, tenant) for _ in range(2))
    with client_with(tight, first) as client, client_with(tight, second) as other, ExitStack() as stack:
        waiting = client.post("/upload", params={**NAMED, "use_celery": "true"}, content=movies_csv([{}]))
        assert waiting.status_code == 202
        for key in (first, second):
            stack.enter_context(sending(tight, key.text))
        refused = other.post("/upload", params=NAMED, content=movies_csv([{}, {}]))
        assert_limited(refused, "uploads")
        assert refused.json()["limit"] == TENANT_UPLOADS


def test_a_tenant_has_so_many_uploads_at_a_time_those_that_are_tried_again_included(mine: httpx.Client) -> None:
    def send(number: int) -> httpx.Response:
        params = {**NAMED, "use_celery": "true"}  # no worker runs: they wait
        return mine.post("/upload", params=params, content=movies_csv([{"title": str(number)}]))

    ids = [send(number).json()["id"] for number in range(TENANT_UPLOADS)]
    assert_limited(send(TENANT_UPLOADS), "uploads")
    assert mine.post(f"/uploads/{ids[0]}/cancel").status_code == 200
    assert send(TENANT_UPLOADS).status_code == 202
    assert_limited(mine.post(f"/uploads/{ids[0]}/retry"), "uploads")
    assert mine.post(f"/uploads/{ids[1]}/cancel").status_code == 200
    assert mine.post(f"/uploads/{ids[0]}/retry").status_code == 202


def test_many_tries_at_once_take_no_more_slots(mine: httpx.Client) -> None:
    def send(number: int) -> str:
        params = {**NAMED, "use_celery": "true"}  # no worker runs: they wait
        return str(mine.post("/upload", params=params, content=movies_csv([{"title": str(number)}])).json()["id"])

    cancelled = []
    for number in range(2 * TENANT_UPLOADS):
        cancelled.append(send(number))
        mine.post(f"/uploads/{cancelled[-1]}/cancel")
    for number in range(TENANT_UPLOADS - 1):  # one slot is left
        send(len(cancelled) + number)
    with ThreadPoolExecutor(len(cancelled)) as pool:
        answers = list(pool.map(lambda upload_id: mine.post(f"/uploads/{upload_id}/retry").status_code, cancelled))
    assert set(answers) <= {202, 429}
    assert mine.get("/uploads", params={"state": "queued"}).json()["total"] <= TENANT_UPLOADS


def until(client: httpx.Client, status: int) -> httpx.Response:
    """Send a small file again and again; the last answer."""
    for _ in range(10):
        answer = client.post("/upload", params={**NAMED, "force": "true"}, content=movies_csv([{}]))
        if answer.status_code == status:
            break
        time.sleep(0.3)
    return answer


def test_keys_that_do_not_count_are_throttled_and_those_that_do_are_not(tight: LocalStack, mine: httpx.Client) -> None:
    with client_with(tight, make_key()) as client:
        assert [client.get("/uploads").status_code for _ in range(13)] == [401] * 10 + [429] * 3
    assert statuses(mine, 3) == [200] * 3


def test_a_redis_that_hangs_delays_one_request_and_not_each(tight: LocalStack, mine: httpx.Client) -> None:
    def seconds_of(number: int) -> float:
        started = time.monotonic()
        content = movies_csv([{"title": str(number)}])
        assert mine.post("/upload", params={**NAMED, "use_celery": "true"}, content=content).status_code == 202
        return time.monotonic() - started

    os.kill(tight.valkey.pid, signal.SIGSTOP)
    try:
        first, second = (seconds_of(number) for number in range(2))
    finally:
        os.kill(tight.valkey.pid, signal.SIGCONT)
    time.sleep(_PAUSE_SECONDS)  # until the API asks it again: other tests count on it
    # The counters' half second and the notifier's second; then only what each process does by itself. CI is slow.
    assert first < 4
    assert second < 1


def test_without_redis_each_process_counts_alone() -> None:
    async def ask() -> list[bool]:
        async with aclosing(Counters(f"redis://{LOCALHOST}:{free_port()}")) as nobody:
            settings = Settings(database_url="postgresql://unused.invalid/none", key_requests_per_minute=3)
            limits, allowed = Limits(settings, nobody, DecidedLimits(settings, create_read_engine(settings))), []
            for _ in range(5):
                try:
                    await limits.count(limits.requests_of_key("a"))
                    allowed.append(True)
                except LimitReached:
                    allowed.append(False)
            slots = Slots(nobody)
            async with slots.held("key a", 1) as held, slots.held("key a", 1) as too_many:
                assert (held, too_many) == (1, 0)
            async with slots.held("key a", 1) as again:
                assert again == 1
            return allowed

    assert asyncio.run(ask()) == [True] * 3 + [False] * 2
