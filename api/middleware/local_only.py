"""Without API keys every client that reaches the port may do everything, so the API answers only this machine.

The connection must have come in on a loopback address, and `Host` must name one: otherwise a web page could let a host
name of its own resolve to 127.0.0.1 and call the API from a visitor's browser (DNS rebinding).
"""

import ipaddress
import re
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.description.problems import problem_of
from api.http_errors import HostNotAllowed, KeysRequiredHere
from shared.errors import IngestError
from shared.settings import Settings

# A name or an address (IPv6 in brackets) and an optional port.
_HOST: Final = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d*)?")


def is_loopback(host: str) -> bool:
    """Whether the name or address can only mean this machine: `localhost`, ::1, 127.0.0.0/8."""
    if host.lower().removesuffix(".") == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


class LocalOnlyMiddleware:
    """Pure ASGI. It refuses requests from other machines and for other host names with a problem document."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._settings = settings
        self._allowed = frozenset(name.lower() for name in settings.allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self.app(scope, receive, send)
        else:
            await problem_of(Request(scope), refusal)(scope, receive, send)

    def _refusal(self, scope: Scope) -> IngestError | None:
        if not self._settings.require_keys and not _came_in_locally(scope):
            return KeysRequiredHere(
                "This API requires no keys, so it answers only on loopback addresses. Set INGEST_REQUIRE_KEYS=true."
            )
        if not all(self._is_allowed(value) for value in Headers(scope=scope).getlist("host")):
            return HostNotAllowed("The API does not answer to the name in the header Host; see INGEST_ALLOWED_HOSTS.")
        return None

    def _is_allowed(self, header: str) -> bool:
        if self._settings.require_keys and not self._allowed:
            return True
        match = _HOST.fullmatch(header)
        name = match[1].strip("[]").lower() if match else ""
        return name in self._allowed if self._allowed else is_loopback(name)


def _came_in_locally(scope: Scope) -> bool:
    """Whether the server took the connection on a loopback address, or on a Unix socket, which has no port."""
    server = scope.get("server")
    return server is not None and (server[1] is None or is_loopback(server[0]))
