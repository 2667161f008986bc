"""HEAD, at every address that answers GET: the same status and headers, and no body."""

from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadMiddleware:
    """Pure ASGI. It hands HEAD to the router as GET, and drops the body.

    It must be the innermost middleware, so that logs, limits and scopes see the method that the client sent.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                return
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            if message.get("more_body", False):
                raise _BodyNotWanted

        # a copy, because the server looks at the method when the answer comes
        as_get = {**scope, "method": "GET"}
        try:
            with suppress(_BodyNotWanted):
                await self.app(as_get, receive, send_without_body)
        finally:
            scope.update(as_get, method="HEAD")  # the log names the route, which the router has found


class _BodyNotWanted(Exception):
    """Ends a stream at its first block; no handler knows it, so it reaches the middleware."""
