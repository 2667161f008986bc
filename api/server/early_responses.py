"""Problem documents that the server writes itself because no request reaches the application."""

import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import orjson
import structlog
from starlette.types import Receive, Scope, Send

from api.description.problems import PROBLEM_JSON, RETRY_AFTER_SECONDS, type_of
from api.description.public_names import TRACE_HEADER
from api.http_errors import TooSlow, title_of
from api.middleware.security_headers import SECURITY_HEADERS

log = structlog.get_logger()


@dataclass(frozen=True)
class EarlyResponse:
    """A problem document, and the last answer on its connection."""

    status: HTTPStatus
    code: str
    title: str
    detail: str

    def encoded(self) -> bytes:
        """The whole answer as HTTP/1.1, with a trace id of its own; also writes a log line."""
        headers, body = self._parts()
        lines = [f"HTTP/1.1 {self.status.value} {self.status.phrase}", *(f"{name}: {value}" for name, value in headers)]
        return "\r\n".join([*lines, "", ""]).encode() + body

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """ASGI: answer every request with it."""
        headers, body = self._parts()
        encoded = [(name.encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": self.status.value, "headers": encoded})
        await send({"type": "http.response.body", "body": body})

    def _parts(self) -> tuple[list[tuple[str, str]], bytes]:
        trace_id = uuid.uuid4().hex
        log.info("connection_refused", code=self.code, status=self.status.value, trace_id=trace_id)
        document = {
            "type": type_of(self.code),
            "title": self.title,
            "status": self.status.value,
            "detail": self.detail,
            "code": self.code,
            "trace_id": trace_id,
        }
        body = orjson.dumps(document)
        headers = [
            ("content-type", PROBLEM_JSON),
            ("content-length", str(len(body))),
            ("connection", "close"),
            (TRACE_HEADER.lower(), trace_id),
            *((name.lower(), value) for name, value in SECURITY_HEADERS.items()),
        ]
        if self.status == HTTPStatus.SERVICE_UNAVAILABLE:
            headers.append(("retry-after", str(RETRY_AFTER_SECONDS)))
        return headers, body


MALFORMED: Final = EarlyResponse(
    HTTPStatus.BAD_REQUEST,
    code="malformed_request",
    title="This is not a valid HTTP request",
    detail="The request is not valid HTTP/1.1: its first line, a header, its length or a chunk is malformed.",
)
HEAD_TOO_LARGE: Final = EarlyResponse(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    code="headers_too_large",
    title="The head of the request is too large",
    detail="The URL and the headers together are too long, or there are too many headers.",
)
SLOW_HEAD: Final = EarlyResponse(
    HTTPStatus.REQUEST_TIMEOUT,
    code=TooSlow.code,
    title=title_of(TooSlow),
    detail="The head of the request did not arrive in time.",
)
TOO_MANY_CONNECTIONS: Final = EarlyResponse(
    HTTPStatus.SERVICE_UNAVAILABLE,
    code="too_many_connections",
    title="Too many connections are open",
    detail="The API serves its maximum number of connections; try again in a few seconds.",
)
