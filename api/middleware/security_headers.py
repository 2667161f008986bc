"""Response headers by which a browser only hands an answer to its requester, and does nothing else with it."""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# For answers with data: a browser may not run, load or frame anything in them. HTML pages have policies of their own.
API_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
# For pages that change only with a release.
PAGE_CACHING: Final = "public, max-age=3600"
SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",  # no proxy and no shared browser may keep a tenant's data
    "Referrer-Policy": "no-referrer",  # URLs contain ids and filters
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": API_POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
}


class SecurityHeadersMiddleware:
    """Pure ASGI. It sets each header on every answer, errors included, unless the route has set that header itself."""

    def __init__(self, app: ASGIApp, *, is_cross_origin: bool) -> None:
        """`is_cross_origin`: pages of other origins may read answers (CORS)."""
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
