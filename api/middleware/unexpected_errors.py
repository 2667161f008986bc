"""The answer to errors that no handler knows."""

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.description.problems import unexpected_problem

log = structlog.get_logger()


class UnexpectedErrorMiddleware:
    """Answer such an error with a problem document, inside CORS and tracing, so that it has their headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        has_started = False

        async def watched_send(message: Message) -> None:
            nonlocal has_started
            has_started = has_started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched_send)
        except Exception:
            if scope["type"] != "http" or has_started:
                raise  # the server closes the connection: the client must not take half an answer for a whole one
            log.exception("request_failed")
            await unexpected_problem(Request(scope))(scope, receive, send)
