"""The nginx of docs/SECURITY.md before a real API: what goes through, what ends there, who a client is behind it."""

import asyncio
import contextlib
import hashlib
import json
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from shared.keys.api_key import Key, make_key
from stack.local import LocalStack
from stack.ports import LOCALHOST, free_port
from stack.services import Api, Surroundings
from tests.deploy.nginx import HEADER_SECONDS, NAME, Proxy
from tests.system.api.keyed import UNLIMITED, key_for
from tests.system.api.raw import head, parse, read_to_end
from tests.system.api.sending import NAMED, assert_problem, movies_csv, stored_files, wait_for_end
from tests.system.stack.processes import running
from tests.waiting import eventually

PATIENCE_SECONDS = 15.0
MIB = 1024 * 1024
# More than nginx, its buffers and the kernel's could hold.
ENDLESS_BYTES = 100 * MIB
CONNECTIONS = 20
REFUSED_KEYS = 5
# Of a proxy that is trusted, and one that is not.
TRUSTED, OTHER = "127.50.0.1", "127.60.0.1"
SETTINGS = {
    **UNLIMITED,
    "INGEST_REQUIRE_KEYS": "true",
    "INGEST_ALLOWED_HOSTS": f"{NAME},{LOCALHOST}",
    "INGEST_REFUSED_KEYS_PER_MINUTE": str(REFUSED_KEYS),
    "INGEST_TRUSTED_PROXIES": f"{LOCALHOST},127.50.0.0/16",
    "INGEST_PARALLELISM": "1",
}


@pytest.fixture(scope="module")
def api(keyed: LocalStack) -> Iterator[Api]:
    """One more API on the same stack, set up for a proxy."""
    surroundings = Surroundings(keyed.data_dir, keyed.database_url, keyed.redis_url, SETTINGS)
    with running(Api(surroundings, free_port(), "api-proxied")) as proxied:
        yield proxied


@pytest.fixture(scope="module")
def proxy(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    nginx = Proxy(tmp_path_factory.mktemp("nginx"), api.url)
    nginx.start()
    try:
        yield nginx
    finally:
        nginx.stop()


@pytest.fixture
def key(keyed: LocalStack, tenant: str) -> Key:
    return key_for(keyed, tenant)


@contextmanager
def client_of(
    proxy: Proxy, key: Key | None = None, source: str = LOCALHOST, receive_bytes: int = MIB
) -> Iterator[httpx.Client]:
    """A client that calls the API by its public name, from this address."""
    transport = httpx.HTTPTransport(
        verify=proxy.context,
        local_address=source,
        trust_env=False,
        socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)],
    )
    headers = {"Host": NAME} | ({} if key is None else {"X-API-Key": key.text})
    base_url = f"https://{LOCALHOST}:{proxy.port}/api/v1"
    with httpx.Client(base_url=base_url, transport=transport, headers=headers, timeout=30) as client:
        yield client


def some_file(good: int, bad: int) -> bytes:
    """Of some 3 KB a row."""
    name, long = uuid.uuid4().hex, "x" * 3000
    rows: list[dict[str, object]] = [{"title": f"{name} {number}", "overview": long} for number in range(good)]
    rows += [{"title": "bad", "overview": long, "vote_average": "99"}] * bad
    return movies_csv(rows)


def address() -> str:
    """One of this machine's, which no other test calls from."""
    one, two, three = uuid.uuid4().bytes[:3]
    return f"127.{100 + one % 100}.{two}.{1 + three % 250}"


def test_nginx_takes_the_configuration_without_a_warning(proxy: Proxy) -> None:
    assert "test is successful" in proxy.check
    assert "[warn]" not in proxy.check


@pytest.mark.parametrize("is_announced", [True, False])
def test_a_file_reaches_the_api_while_it_is_sent(
    proxy: Proxy, keyed: LocalStack, key: Key, *, is_announced: bool
) -> None:
    content, before = some_file(1000, 10), stored_files(keyed)
    framing = f"Content-Length: {len(content)}" if is_announced else "Transfer-Encoding: chunked"

    def piece(part: bytes) -> bytes:
        return part if is_announced else f"{len(part):x}\r\n".encode() + part + b"\r\n"

    def arrived() -> bool:
        return sum(path.stat().st_size for path in stored_files(keyed) - before) > MIB

    with proxy.connect() as raw:
        lines = [f"X-API-Key: {key.text}", framing, "Connection: close"]
        raw.sendall(head("PUT /api/v1/upload?filename=movies.csv", *lines, host=NAME) + piece(content[: 2 * MIB]))
        assert eventually(arrived, PATIENCE_SECONDS)
        raw.sendall(piece(content[2 * MIB :]) + (b"" if is_announced else b"0\r\n\r\n"))
        answer = parse(read_to_end(raw))
    assert answer is not None
    assert answer.status == 202, answer
    with client_of(proxy, key) as client:
        upload = wait_for_end(client, json.loads(answer.body)["id"])
    assert (upload["records"]["loaded"], upload["records"]["rejected"]) == (1000, 10)
    assert upload["sha256"] == hashlib.sha256(content).hexdigest()


def test_an_answer_is_not_stored_for_a_slow_reader(proxy: Proxy, key: Key) -> None:
    content = some_file(1, 1000)
    with client_of(proxy, key, receive_bytes=64 * 1024) as client:
        sent = client.put("/upload", params=NAMED, content=content)
        assert sent.status_code == 202, sent.text
        upload = wait_for_end(client, sent.json()["id"])
        with client.stream("GET", f"/uploads/{upload['id']}/rejects", params={"format": "csv"}) as answer:
            time.sleep(0.5)
            assert len(answer.read()) > 1000 * 3000


async def answer_in_the_midst(proxy: Proxy, key: Key) -> tuple[int, str, int]:
    """Status and code of what comes while a body is sent that does not end, and the bytes of it that were sent."""
    reader, writer = await asyncio.open_connection(
        LOCALHOST, proxy.port, ssl=proxy.context, server_hostname=NAME, local_addr=(address(), 0)
    )
    lines = [f"X-API-Key: {key.text}", f"Content-Length: {ENDLESS_BYTES}", "Connection: close"]
    writer.write(head("PUT /api/v1/upload?filename=movies.csv", *lines, host=NAME))
    answer, sent = asyncio.create_task(reader.readuntil(b"}")), 0
    with contextlib.suppress(ConnectionError):
        while not answer.done() and sent < ENDLESS_BYTES - 1:
            writer.write(bytes(min(64 * 1024, ENDLESS_BYTES - 1 - sent)))
            sent += 64 * 1024
            await writer.drain()
            await asyncio.sleep(0)  # draining alone never lets the reader look
    found = parse(await asyncio.wait_for(answer, PATIENCE_SECONDS))
    writer.transport.abort()
    assert found is not None
    return found.status, found.code if found.status == 401 else "", sent


def test_a_refusal_in_the_midst_of_a_body_reaches_the_client(proxy: Proxy) -> None:
    for _ in range(10):
        status, code, sent = asyncio.run(answer_in_the_midst(proxy, make_key()))
        assert (status, code) == (401, "key_invalid")
        assert sent < ENDLESS_BYTES // 2


def test_a_client_that_stalls_in_its_head_is_closed(proxy: Proxy) -> None:
    started = time.monotonic()
    with proxy.connect() as raw:
        raw.sendall(b"GET /api/v1/ping HTTP/1.1\r\nHost: ")
        assert read_to_end(raw) == b""
    # the API would wait for ten
    assert HEADER_SECONDS * 0.9 < time.monotonic() - started < HEADER_SECONDS + 5


def test_an_address_has_so_many_requests_under_way(proxy: Proxy, key: Key) -> None:
    here = address()
    put = head("PUT /api/v1/upload?filename=a.csv", f"X-API-Key: {key.text}", "Content-Length: 500", host=NAME)
    with ExitStack() as stack, client_of(proxy, source=here) as client, client_of(proxy, source=address()) as other:

        def pings() -> int:
            return client.get("/ping").status_code

        for number in range(CONNECTIONS):
            assert pings() == 200, number
            stack.enter_context(proxy.connect(here)).sendall(put + b"title,")
        assert eventually(lambda: pings() == 429, PATIENCE_SECONDS)
        assert other.get("/ping").status_code == 200
        stack.close()
        assert eventually(lambda: pings() == 200, PATIENCE_SECONDS)


def test_the_api_is_called_by_its_public_name(proxy: Proxy, key: Key) -> None:
    with client_of(proxy, key) as client:
        assert client.get("/uploads").status_code == 200
        assert_problem(client.get("/uploads", headers={"Host": "other.example"}), 421, "host_not_allowed")


def test_no_version_is_told(proxy: Proxy) -> None:
    with client_of(proxy) as client:
        assert client.get("/ping").headers["server"] == "nginx"


def refusals(client: httpx.Client, url: str = "/uploads") -> list[int]:
    """Statuses for keys that do not count, each sent with another address in `X-Forwarded-For`."""
    headers = ({"X-API-Key": make_key().text, "X-Forwarded-For": address()} for _ in range(REFUSED_KEYS + 2))
    return [client.get(url, headers=sent).status_code for sent in headers]


THROTTLED = [401] * REFUSED_KEYS + [429] * 2


def test_bad_keys_are_counted_for_each_client_and_it_cannot_be_another(proxy: Proxy) -> None:
    for _ in range(2):
        with client_of(proxy, source=address()) as client:
            assert refusals(client) == THROTTLED


@pytest.mark.parametrize(("source", "expected"), [(TRUSTED, [401] * len(THROTTLED)), (OTHER, THROTTLED)])
def test_only_trusted_proxies_say_who_a_client_is(api: Api, source: str, expected: list[int]) -> None:
    with httpx.Client(transport=httpx.HTTPTransport(local_address=source), trust_env=False) as client:
        assert refusals(client, f"{api.url}/api/v1/uploads") == expected


def test_the_proxys_log_has_trace_ids_and_no_query(proxy: Proxy, key: Key) -> None:
    secret = uuid.uuid4().hex
    with client_of(proxy, key) as client:
        answer = client.put("/upload", params={"filename": f"{secret}.csv"}, content=movies_csv([{"title": secret}]))
        assert answer.status_code == 202
    assert eventually(lambda: answer.headers["x-trace-id"] in proxy.access_log.read_text(), PATIENCE_SECONDS)
    assert secret not in proxy.access_log.read_text()
