"""Clients that lie about lengths, chunks and headers: a problem document or a plain end, and nothing on the disk."""

import asyncio
import hashlib
import socket
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
import uvicorn
from fastapi import Body, FastAPI

from api.middleware.body_limits import MOST_BYTES, MOST_DOCUMENT_BYTES, BodyMiddleware
from api.middleware.tracing import TraceMiddleware
from api.server.protocol import MOST_HEADERS, protocol_with
from api.server.transfer_rate import TransferRate
from stack.local import LocalStack
from stack.ports import LOCALHOST, free_port
from stack.services import Api
from tests.system.api.raw import Answer, ask, connect, head, parse, read_to_end
from tests.system.api.sending import assert_problem, movies_csv, stored_files
from tests.waiting import eventually

UPLOAD = "PUT /api/v1/upload?filename=movies.csv&force=true"
CHUNKED = "Transfer-Encoding: chunked"


def file() -> bytes:
    """A valid file that was never sent before."""
    return movies_csv([{"title": f"M {uuid.uuid4()}"}])


def chunks(*sizes_and_data: tuple[bytes, bytes]) -> bytes:
    return b"".join(size + b"\r\n" + data + b"\r\n" for size, data in sizes_and_data)


MALFORMED = {
    "negative length": head(UPLOAD, "Content-Length: -1") + b"x",
    "length with a sign": head(UPLOAD, "Content-Length: +5") + b"title",
    "length in words": head(UPLOAD, "Content-Length: five") + b"title",
    "length without end": head(UPLOAD, f"Content-Length: {'9' * 40}") + b"title",
    "two lengths": head(UPLOAD, "Content-Length: 5", "Content-Length: 6") + b"title",
    "the same length twice": head(UPLOAD, "Content-Length: 5", "Content-Length: 5") + b"title",
    "length and chunks": head(UPLOAD, "Content-Length: 5", CHUNKED) + b"0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
    "chunks and length": head(UPLOAD, CHUNKED, "Content-Length: 5") + b"0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
    "chunked is not last": head(UPLOAD, "Transfer-Encoding: chunked, identity") + b"0\r\n\r\n",
    "a blank before the colon": head(UPLOAD, "Transfer-Encoding : chunked") + b"0\r\n\r\n",
    "chunk size in words": head(UPLOAD, CHUNKED) + chunks((b"zz", b"x")),
    "negative chunk size": head(UPLOAD, CHUNKED) + chunks((b"-5", b"title")),
    "chunk size with 0x": head(UPLOAD, CHUNKED) + chunks((b"0x5", b"title")),
    "chunk size without end": head(UPLOAD, CHUNKED) + chunks((b"f" * 40, b"x")),
    "chunk longer than it says": head(UPLOAD, CHUNKED) + b"3\r\ntitle\r\n0\r\n\r\n",
    "endless chunk extension": head(UPLOAD, CHUNKED) + b"5;" + b"a" * 300_000,
    "endless trailer": head(UPLOAD, CHUNKED) + b"5\r\ntitle\r\n0\r\nTrailer: " + b"a" * 600_000,
    "no method": b"\r\n/ HTTP/1.1\r\n\r\n",
    "an unknown method": head("BREW /pot"),
    "an unknown version": b"GET / HTTP/9.9\r\n\r\n",
    "TLS": bytes.fromhex("160301020001000001fc0303") + b"\x00" * 500,
    "a tunnel": b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n\r\n",
    "NUL in a header": head("GET /api/v1/ping", "X-A: a\x00b"),
    "NUL in the address": b"GET /\x00 HTTP/1.1\r\n\r\n",
    "bytes above ASCII in the address": "GET /é HTTP/1.1\r\n\r\n".encode(),
    "a header without a name": head("GET /api/v1/ping", ": x"),
}
TOO_LARGE = {
    "too many headers": head("GET /api/v1/ping", *(f"X-{n}: {n}" for n in range(1000))),
    "one more header than allowed": head("GET /api/v1/ping", *(f"X-{n}: {n}" for n in range(MOST_HEADERS))),
    "a long header": head("GET /api/v1/ping", f"X-A: {'a' * 20_000}"),
    "an endless header": b"GET /api/v1/ping HTTP/1.1\r\nX-A: " + b"a" * 2_000_000,
    "a long address": head(f"GET /api/v1/ping?{'a' * 20_000}"),
    "an endless address": b"GET /" + b"a" * 2_000_000,
    "an endless method": b"\r\n" * 20_000,
}


@pytest.mark.parametrize("request_bytes", MALFORMED.values(), ids=MALFORMED)
def test_what_is_not_http_is_refused(brisk: Api, stack: LocalStack, request_bytes: bytes) -> None:
    before = stored_files(stack)
    answer = ask(brisk, request_bytes)
    assert answer is not None
    assert (answer.status, answer.code) == (400, "malformed_request")
    assert b"\r\n" not in answer.body  # nothing behind it was taken for a request
    wait_for_files(stack, lambda found: found <= before)


@pytest.mark.parametrize("request_bytes", TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_head_has_a_size(brisk: Api, request_bytes: bytes) -> None:
    answer = ask(brisk, request_bytes)
    assert answer is not None
    assert (answer.status, answer.code) == (431, "headers_too_large")


def test_who_is_refused_may_end_its_sentence(brisk: Api) -> None:
    with connect(brisk) as raw:
        raw.sendall(b"GET /" + b"a" * 20_000)
        answer = parse(read_to_end(raw))
        for _ in range(5):  # a connection that was closed and not half-closed would be reset by this
            raw.sendall(b"a" * 20_000)
            time.sleep(0.05)
    assert answer is not None
    assert answer.status == 431


def test_as_many_headers_as_allowed_are_fine(brisk: Api) -> None:
    more = [f"X-{n}: {'a' * 100}" for n in range(MOST_HEADERS - 2)]
    answer = ask(brisk, head("GET /api/v1/ping", "Connection: close", *more))
    assert answer is not None
    assert answer.status == 200


def test_a_body_that_is_shorter_than_it_says_leaves_nothing(brisk: Api, stack: LocalStack) -> None:
    before = stored_files(stack)
    with connect(brisk) as raw:
        raw.sendall(head(UPLOAD, "Content-Length: 100000") + file())
        wait_for_files(stack, lambda found: not found <= before)
        raw.shutdown(socket.SHUT_WR)
        assert read_to_end(raw) == b""
    wait_for_files(stack, lambda found: found <= before)


def wait_for_files(stack: LocalStack, fit: Callable[[set[Path]], bool]) -> None:
    """The application clears up beside the answer."""
    assert eventually(lambda: fit(stored_files(stack)), 10), stored_files(stack)


def test_what_follows_a_body_is_not_part_of_it(brisk: Api) -> None:
    content = file()
    answer = ask(brisk, head(UPLOAD, f"Content-Length: {len(content)}") + content + b"more than announced\r\n\r\n")
    assert answer is not None
    assert answer.status == 202
    assert hashlib.sha256(content).hexdigest().encode() in answer.body
    assert b"malformed_request" not in answer.body  # the good request gets its answer, and then the connection ends


def test_a_second_request_in_the_same_packet_gets_its_answer(brisk: Api) -> None:
    ping = head("GET /api/v1/ping")
    last = head("GET /api/v1/ping", "Connection: close")
    answer = ask(brisk, ping + ping + last)
    assert answer is not None
    assert answer.body.count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize("upgrade", ["websocket", "h2c"])
def test_nothing_is_upgraded(brisk: Api, upgrade: str) -> None:
    answer = ask(brisk, head("GET /api/v1/ping", "Connection: Upgrade", f"Upgrade: {upgrade}"), b"\x81\x00garbage")
    assert answer is not None
    assert (answer.status, answer.body) == (200, b'{"ping":"pong"}')
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("filename", ["movies.csv", "movies.exe"])
def test_a_client_that_waits_for_100_continue_is_told_to_send_or_is_refused(brisk: Api, filename: str) -> None:
    content = file()
    request_line = f"PUT /api/v1/upload?force=true&filename={filename}"
    with connect(brisk) as raw:
        raw.sendall(head(request_line, f"Content-Length: {len(content)}", "Expect: 100-continue", "Connection: close"))
        first = raw.recv(65536)
        if filename == "movies.csv":
            assert first == b"HTTP/1.1 100 Continue\r\n\r\n"
            raw.sendall(content)
            first = b""
        answer = parse(first + read_to_end(raw))
    assert answer is not None
    assert answer.status == (202 if filename == "movies.csv" else 415)


@pytest.mark.parametrize("expect", ["", "Expect: 100-continue"])
@pytest.mark.parametrize("framing", ["Content-Length: 1000000000", CHUNKED])
def test_a_route_without_a_file_reads_no_file(brisk: Api, framing: str, expect: str) -> None:
    request = head(f"POST /api/v1/uploads/{uuid.uuid4()}/cancel", framing, *([expect] if expect else []))
    answer, sent_bytes = push(brisk, request, b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
    assert answer.status == 404
    assert answer.headers["connection"] == "close"
    assert sent_bytes < 16 * 1024 * 1024  # what both kernels hold


def push(api: Api, request: bytes, block: bytes) -> tuple[Answer, int]:
    """Send a head and block after block until there is an answer; also how many bytes went out."""
    sent_bytes = 0
    with connect(api) as raw:
        raw.sendall(request)
        if b"Expect" not in request:
            raw.settimeout(2)
            try:
                while sent_bytes < 1_000_000_000:
                    sent_bytes += raw.send(block)
            except (TimeoutError, ConnectionError):
                pass
            raw.settimeout(15)
        answer = parse(read_to_end(raw))
    assert answer is not None
    return answer, sent_bytes


def test_a_small_body_that_nobody_wants_harms_nothing(brisk: Api) -> None:
    with httpx.Client(base_url=f"{brisk.url}/api/v1", trust_env=False) as client:
        for size in (2, MOST_BYTES):
            answer = client.post(f"/uploads/{uuid.uuid4()}/cancel", content=b"x" * size)
            assert answer.status_code == 404
            assert "connection" not in answer.headers


def test_a_large_upload_with_a_wrong_parameter_gets_to_know_why(brisk: Api) -> None:
    url = f"{brisk.url}/api/v1/upload?filename=movies.csv&use_celery=perhaps"
    answer = httpx.put(url, content=b"x" * 20_000_000, trust_env=False, timeout=20)
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_request"


def test_a_body_that_the_application_reads_has_a_size() -> None:
    app = FastAPI()

    @app.post("/echo")
    async def echo(text: Annotated[str, Body()]) -> str:
        return text

    app.add_middleware(BodyMiddleware)
    app.add_middleware(TraceMiddleware)

    async def post(size: int) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            return await client.post("/echo", json="x" * (size - 2))  # and its quotes

    assert asyncio.run(post(MOST_DOCUMENT_BYTES)).status_code == 200
    answer = asyncio.run(post(MOST_DOCUMENT_BYTES + 1))
    assert_problem(answer, 413, "body_too_large")
    assert answer.headers["connection"] == "close"


def test_trailers_are_no_headers() -> None:
    async def names(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass
        found = b" ".join(name for name, _ in scope["headers"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
        await send({"type": "http.response.body", "body": found})

    async def exchange(port: int) -> bytes:
        config = uvicorn.Config(names, port=port, http=protocol_with(TransferRate()), lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection(LOCALHOST, port)
        writer.write(head("POST /", CHUNKED) + b"1\r\nx\r\n0\r\nX-Tenant: other\r\n\r\n")
        answer = await reader.read()
        writer.close()
        server.should_exit = True
        await serving
        return answer

    answer = asyncio.run(exchange(free_port()))
    assert b"host transfer-encoding" in answer
    assert b"x-tenant" not in answer
