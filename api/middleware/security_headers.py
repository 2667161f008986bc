"""Response headers that tell a browser to do nothing with an answer but hand it to who asked for it."""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# For answers that are data: nothing in them may be run, loaded or framed. Pages bring a policy of their own.
API_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
# A page whose text changes only with a release.
PAGE_CACHING: Final = "public, max-age=3600"
SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",  # a tenant's data must not lie in the cache of a proxy or a shared browser
    "Referrer-Policy": "no-referrer",  # addresses hold ids and filters
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": API_POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
}


class SecurityHeadersMiddleware:
    """Pure ASGI. Sets each header on every answer, errors included; what a route said itself stays."""

    def __init__(self, app: ASGIApp, *, is_cross_origin: bool) -> None:
        """`is_cross_origin`: pages of other origins are allowed to read answers (CORS)."""
        self.app = app
        self._headers = dict(SECURITY_HEADERS)
        if is_cross_origin:
            self._headers["Cross-Origin-Resource-Policy"] = "cross-origin"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)
