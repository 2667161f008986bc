"""The trace id of a request, and the request's line in the log."""

import re
import time
import uuid
from collections.abc import Callable, MutableMapping
from functools import partial
from typing import Any, Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.dependencies import runtime_of
from api.description.public_names import TRACE_HEADER
from shared.database.timing.query_times import RequestQueries, SentStatement, measuring
from shared.observability import spans
from shared.observability.metrics import REQUEST_SECONDS, REQUESTS, record

_METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_TRACE_ID: Final = re.compile(r"[A-Za-z0-9-]{8,64}")

log = structlog.get_logger()


class TraceMiddleware:
    """Take the trace id from the request or make one, bind it to every log line, return it, and log the request.

    The line has the route's template and no query, because values in a request may be secrets; and how many statements
    were sent to the database, and how long they took.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        trace_id, parent_id = _trace_of(Headers(scope=scope))
        scope.setdefault("state", {})["trace_id"] = trace_id
        started, status = time.perf_counter(), 0
        queries = RequestQueries(partial(_route, scope), partial(_consider, scope))

        async def send_with_trace(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[TRACE_HEADER] = trace_id
            await send(message)

        with (
            structlog.contextvars.bound_contextvars(trace_id=trace_id),
            measuring(queries),
            spans.trace("request", trace_id, parent_id, spans.Kind.SERVER, method=_method(scope)) as span,
        ):
            try:
                await self.app(scope, receive, send_with_trace)
            finally:
                seconds = time.perf_counter() - started
                _measure(scope, status, seconds, span)
                milliseconds = round(seconds * 1000, 1)
                log.info(
                    "request",
                    method=scope["method"],
                    route=_route(scope),
                    status=status,
                    milliseconds=milliseconds,
                    queries=queries.count,
                    query_ms=round(queries.milliseconds, 1),
                    **_client(scope),
                )


def _trace_of(headers: Headers) -> tuple[str, int | None]:
    """The trace id, and the span of the caller: the client's own id, W3C's header, or a new one."""
    given, caller = headers.get(TRACE_HEADER, ""), spans.traceparent(headers.get("traceparent", ""))
    if _TRACE_ID.fullmatch(given):
        same = caller is not None and caller[0] == spans.w3c_trace_id(given)
        return given, caller[1] if same and caller is not None else None
    return caller or (uuid.uuid4().hex, None)


def _measure(scope: Scope, status: int, seconds: float, span: spans.Span | None) -> None:
    route = _route(scope)
    record(REQUESTS, 1, route, _method(scope), str(status))
    record(REQUEST_SECONDS, seconds, route)
    if span is not None:
        span.name = f"{_method(scope)} {route}"
        span.attributes |= {"http.route": route, "http.response.status_code": status}


def _method(scope: Scope) -> str:
    """The method; a client may send any word as one."""
    return scope["method"] if scope["method"] in _METHODS else "other"


def _route(scope: MutableMapping[str, Any]) -> str:
    return getattr(scope.get("route"), "path", "") or "unmatched"


def _consider(scope: Scope, sent: SentStatement, route: Callable[[], str]) -> None:
    runtime_of(Request(scope)).slow_queries.consider(sent, route)


def _client(scope: MutableMapping[str, Any]) -> dict[str, str]:
    client = scope["state"].get("client")
    return {} if client is None else {"key_id": client.key_id}
