"""What a request may bring besides a file, and what becomes of a body that nobody read to its end.

Only routes whose description has a body of their own take files. All others get 64 KiB at most. An answer that leaves
some of the body unread closes the connection: the rest must not be taken for the next request. Before that some of it
is read and dropped, because most clients read no answer before they have sent all, and would see a broken connection
instead of the reason.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.description.problems import problem_of
from api.http_errors import BodyTooLarge, TooSlow
from shared.errors import IngestError

# Set in the request's state by api/server/protocol.py.
IS_TOO_SLOW: Final = "is_too_slow"
# Forms and JSON of routes that take no file.
MOST_BYTES: Final = 64 * 1024
# Nothing more is heard of who may not come in, or is too slow.
_NOT_HEARD: Final = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.MISDIRECTED_REQUEST,
)


@dataclass(frozen=True)
class _Linger:
    """How much of a body is dropped before the answer."""

    most_bytes: int
    seconds: float


_FILE_LINGER: Final = _Linger(64 * 1024 * 1024, 3.0)
_OTHER_LINGER: Final = _Linger(MOST_BYTES, 1.0)


class BodyMiddleware:
    """Pure ASGI; stands outside of everything that may answer before the body was read."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(scope, receive)
        has_begun = False

        async def send_after_body(message: Message) -> None:
            nonlocal has_begun
            if body.refusal is not None and not has_begun:
                return  # what the application makes of a body that ends in the middle is not what happened
            if message["type"] == "http.response.start":
                has_begun = True
                await body.drop(message["status"])
                if not body.is_complete:
                    MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        await self.app(scope, body.receive, send_after_body)
        if body.refusal is not None and not has_begun:
            answer = problem_of(Request(scope), body.refusal)
            answer.headers["Connection"] = "close"
            await answer(scope, receive, send)


class _Body:
    """The body of a request, watched on its way to the application; `refusal` is why it ended before its end."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope = scope
        self._receive = receive
        self._headers = Headers(scope=scope)
        self._bytes = 0
        self.refusal: IngestError | None = None
        self.is_complete = "transfer-encoding" not in self._headers and self._headers.get("content-length", "0") == "0"

    async def receive(self) -> Message:
        """ASGI; for the application a client is gone that is too slow, or sends too much to a route without a file."""
        message = await self._next()
        if self._is_too_slow:
            self.refusal = TooSlow("The body came too slowly, or stopped coming; nothing was kept.")
        elif self._bytes > MOST_BYTES and not _takes_file(self._scope):
            self.refusal = BodyTooLarge(f"A body of this request has at most {MOST_BYTES} bytes.")
        return message if self.refusal is None else {"type": "http.disconnect"}

    async def drop(self, status: int) -> None:
        """Read what is left, within limits."""
        # A client that waits for "100 Continue" has sent nothing: it reads the answer first.
        if self.is_complete or status in _NOT_HEARD or "expect" in self._headers or self._is_too_slow:
            return
        linger = _FILE_LINGER if _takes_file(self._scope) else _OTHER_LINGER
        most_bytes = self._bytes + linger.most_bytes
        with suppress(TimeoutError):
            async with asyncio.timeout(linger.seconds):
                while not self.is_complete and self._bytes <= most_bytes:
                    if (await self._next())["type"] == "http.disconnect" or self._is_too_slow:
                        return

    @property
    def _is_too_slow(self) -> bool:
        return bool(self._scope.get("state", {}).get(IS_TOO_SLOW))

    async def _next(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self.is_complete = not message.get("more_body", False)
            self._bytes += len(message.get("body", b""))
        return message


def _takes_file(scope: Scope) -> bool:
    # The router names the route; what a route takes stands in its description.
    return "requestBody" in (getattr(scope.get("route"), "openapi_extra", None) or {})
