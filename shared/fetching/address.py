"""Which addresses may be asked: of a listed host, by https, on a usual port, and without a password.

The text is taken apart here once, and requests are made of the parts: no second parser can read it differently.
"""

import re
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import unquote, urljoin, urlsplit

from shared.errors import AddressForbidden, PullingOff
from shared.settings import Settings

LONGEST: Final = 2048
# Names with dots, and those without, as `localhost`: but no address in digits, however it is written.
_HOST: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.(?!-)[a-z0-9-]{1,63})*")
_NUMERIC: Final = re.compile(r"(.*\.)?(0x[0-9a-f]*|[0-9]+)")
_VISIBLE: Final = re.compile(r"[!-~]+")
_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Address:
    """An address that may be asked. `host` is a name in small letters, `target` path and query."""

    scheme: str
    host: str
    port: int
    target: str

    @classmethod
    def checked(cls, text: str, settings: Settings) -> Self:
        """Raises `PullingOff` if no host is listed, `AddressForbidden` for what may not be asked."""
        if not settings.pull_hosts:
            raise PullingOff("This service fetches no files by address; its operator has listed no host.")
        if len(text) > LONGEST or _VISIBLE.fullmatch(text) is None or "\\" in text:
            raise AddressForbidden(f"An address has up to {LONGEST:,} visible ASCII characters and no backslash.")
        try:
            parts = urlsplit(text)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError as error:
            raise AddressForbidden("The address cannot be read.") from error
        if "@" in parts.netloc:
            raise AddressForbidden("An address must not contain a user or a password.")
        _require_scheme(parts.scheme, settings)
        _require_host(host, settings)
        port = _PORTS[parts.scheme] if port is None else port
        if port not in (settings.pull_ports or _PORTS.values()):
            raise AddressForbidden(f"The port {port} is not one that this service asks.")
        return cls(parts.scheme, host, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))

    @property
    def host_header(self) -> str:
        """The value of `Host`."""
        return self.host if self.port == _PORTS[self.scheme] else f"{self.host}:{self.port}"

    def redirected(self, location: str, settings: Settings) -> Self:
        """Where a redirect leads; raises what `checked` raises."""
        try:
            target = urljoin(f"{self.scheme}://{self.host_header}{self.target}", location)
        except ValueError as error:
            raise AddressForbidden("The address of a redirect cannot be read.") from error
        return self.checked(target, settings)


def last_segment(address: str) -> str:
    """What follows the last slash of the path, which is mostly the name of the file; "" if nothing does."""
    return unquote(urlsplit(address).path.rpartition("/")[2])


def _require_scheme(scheme: str, settings: Settings) -> None:
    if scheme not in _PORTS or (scheme == "http" and not settings.pull_plain_http):
        raise AddressForbidden("The address must begin with https://.")


def _require_host(host: str, settings: Settings) -> None:
    if _HOST.fullmatch(host) is None or _NUMERIC.fullmatch(host):
        raise AddressForbidden("The host of an address must be a name in ASCII.")
    if not any(_fits(host, pattern) for pattern in settings.pull_hosts):
        raise AddressForbidden(f"The host {host} is not one that this service asks.")


def _fits(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
