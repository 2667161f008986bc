"""HEAD of an answer without an end: what only a stream made for the test can show."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from starlette.responses import StreamingResponse
from starlette.types import Message, Scope

from api.middleware.head_requests import HeadMiddleware


class Endless:
    """A stream that counts its blocks."""

    def __init__(self) -> None:
        self.blocks = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.blocks += 1
            yield b"x"


def scope_of(method: str, spec_version: str) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": spec_version},
        "method": method,
        "path": "/endless",
        "query_string": b"",
        "headers": [],
    }


# Starlette ends a stream in one way for servers that tell of a disconnect by `receive`, and in another by `send`.
@pytest.mark.parametrize("spec_version", ["2.3", "2.4"])
def test_a_stream_ends_with_its_headers(spec_version: str) -> None:
    stream, app, sent = Endless(), FastAPI(), list[Message]()

    @app.get("/endless")
    def endless() -> StreamingResponse:
        return StreamingResponse(stream, headers={"X-Kind": "endless"})

    async def receive() -> Message:
        await asyncio.Event().wait()  # a client that stays
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    async def ask(scope: Scope) -> None:
        async with asyncio.timeout(5):
            await HeadMiddleware(app)(scope, receive, send)

    scope = scope_of("HEAD", spec_version)
    asyncio.run(ask(scope))
    start, body = sent
    assert (start["status"], (b"x-kind", b"endless") in start["headers"]) == (200, True)
    assert body == {"type": "http.response.body", "body": b"", "more_body": False}
    assert stream.blocks == 1
    assert (scope["method"], scope["route"].path) == ("HEAD", "/endless")
