"""Limits of request bodies, and the end of a request whose body was not read completely.

Only routes with a request body of their own in the OpenAPI document take files. A JSON document may have at most 1 MiB,
the body of any other request 64 KiB. An answer that leaves a part of the body unread closes the connection, because the
rest must not be read as the next request. Before that, the middleware reads and drops some of the rest: most clients do
not read an answer before they have sent everything, and would see a broken connection instead of the reason.
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
# The limits for routes that take a JSON document, and for those that take no body.
MOST_DOCUMENT_BYTES: Final = 1024 * 1024
MOST_BYTES: Final = 64 * 1024
# With these answers nothing more is read: the client is not allowed in, or is too slow.
_UNREAD: Final = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.MISDIRECTED_REQUEST,
)


@dataclass(frozen=True)
class _Linger:
    """How much of a body is read and dropped before the answer, at most."""

    most_bytes: int
    seconds: float


_FILE_LINGER: Final = _Linger(64 * 1024 * 1024, 3.0)
_OTHER_LINGER: Final = _Linger(MOST_BYTES, 1.0)


class BodyMiddleware:
    """Pure ASGI. It wraps everything that may answer before the body has been read."""

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
                return  # to the application it looks like a disconnect; the answer below has the true reason
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
    """The body of a request on its way to the application. `refusal` is set if it was cut short."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope = scope
        self._receive = receive
        self._headers = Headers(scope=scope)
        self._bytes = 0
        self.refusal: IngestError | None = None
        self.is_complete = "transfer-encoding" not in self._headers and self._headers.get("content-length", "0") == "0"

    async def receive(self) -> Message:
        """ASGI. A client that is too slow, or sends too much to a route without a file, looks disconnected."""
        message = await self._next()
        if self._is_too_slow:
            self.refusal = TooSlow("The body arrived too slowly or stopped arriving; nothing was kept.")
        elif self._bytes > (most := _most_bytes(self._scope)) and not _takes_file(self._scope):
            self.refusal = BodyTooLarge(f"The body of this request may have at most {most} bytes.")
        return message if self.refusal is None else {"type": "http.disconnect"}

    async def drop(self, status: int) -> None:
        """Read and drop the rest of the body, within limits."""
        # A client that waits for "100 Continue" has sent nothing yet and reads the answer first.
        if self.is_complete or status in _UNREAD or "expect" in self._headers or self._is_too_slow:
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
    # The router has put the route into the scope; a route that takes a file has a requestBody in `openapi_extra`.
    return "requestBody" in (getattr(scope.get("route"), "openapi_extra", None) or {})


def _most_bytes(scope: Scope) -> int:
    return MOST_BYTES if getattr(scope.get("route"), "body_field", None) is None else MOST_DOCUMENT_BYTES
