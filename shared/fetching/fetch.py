"""Fetches the bytes at an address, as they are: no proxy of the environment, no cookies, no decoding.

Redirects are followed here, because each of them is an address that a client could have named.
"""

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import httpcore

from shared.errors import FetchFailed, FetchRefused, TooLarge
from shared.fetching.address import Address
from shared.fetching.connection import CheckedNetwork, Deadline
from shared.fetching.networks import SYSTEM_RESOLVER, Resolve
from shared.settings import Settings

MOST_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))
# The server may do better the next time: too early, too many requests, or trouble of its own.
_PASSING: Final = frozenset((408, 425, 429))
_UNCHANGED: Final = 304
# Longer ones are not kept, so that the file is fetched again.
_LONGEST_VALIDATOR: Final = 1024


@dataclass(frozen=True, slots=True)
class Validators:
    """By what a server recognises the version of a file that somebody has, as it wrote them itself."""

    etag: str | None = None
    last_modified: str | None = None

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Those of a request for anything but this version."""
        sent = (b"If-None-Match", self.etag), (b"If-Modified-Since", self.last_modified)
        return [(name, value.encode("latin-1")) for name, value in sent if value is not None]


class Answer:
    """A file on its way: `is_unchanged` if it is the one that is there already and has no bytes.

    `size_bytes`: how long it is, if its server says so.
    """

    def __init__(self, response: httpcore.Response, settings: Settings, deadline: Deadline) -> None:
        self._response = response
        self._settings = settings
        self._deadline = deadline
        self.is_unchanged = response.status == _UNCHANGED
        length = _header(response, b"content-length")
        self.size_bytes = None if length is None else int(length)
        self.validators = Validators(_validator(response, b"etag"), _validator(response, b"last-modified"))

    def chunks(self) -> Iterator[bytes]:
        """The bytes as they come; raises `FetchFailed` if they stop coming or come too slowly."""
        self._deadline.reset(self._settings.pull_seconds)
        waited, in_window = 0.0, 0
        begun = time.monotonic()
        with _clear_errors():
            for chunk in self._response.iter_stream():
                # only the server's time counts, not that of our disk
                waited += time.monotonic() - begun
                in_window += len(chunk)
                if waited >= self._settings.transfer_window_seconds:
                    if in_window < waited * self._settings.transfer_rate_bytes:
                        raise FetchFailed("The file came too slowly.")
                    waited, in_window = 0.0, 0
                yield chunk
                begun = time.monotonic()


@contextmanager
def fetch(
    address: Address, validators: Validators, settings: Settings, resolve: Resolve = SYSTEM_RESOLVER
) -> Iterator[Answer]:
    """The answer of the address, or of where it leads to.

    Raises `AddressForbidden` for a redirect or a network that is not allowed, `FetchRefused` if the server has no such
    file for us, `TooLarge`, and `FetchFailed` for what may pass.
    """
    deadline = Deadline(settings.transfer_window_seconds)
    network = CheckedNetwork(settings.pull_networks, deadline, resolve)
    for _ in range(MOST_REDIRECTS + 1):
        deadline.reset(settings.transfer_window_seconds)
        with (
            _clear_errors(),
            httpcore.ConnectionPool(ssl_context=_tls(), max_connections=1, network_backend=network) as pool,
            _asked(pool, address, validators, settings) as response,
        ):
            location = _header(response, b"location")
            if response.status not in _REDIRECTS or location is None:
                _require_file(response, validators, settings)
                yield Answer(response, settings, deadline)
                return
        address = address.redirected(location, settings)
    raise FetchRefused(f"The address leads to more than {MOST_REDIRECTS} others.")


@contextmanager
def _asked(
    pool: httpcore.ConnectionPool, address: Address, validators: Validators, settings: Settings
) -> Iterator[httpcore.Response]:
    url = httpcore.URL(
        scheme=address.scheme.encode(), host=address.host.encode(), port=address.port, target=address.target.encode()
    )
    headers = [(b"Host", address.host_header.encode()), (b"User-Agent", b"imdb-ingest"), (b"Accept", b"*/*")]
    # What is stored compressed comes as it is; nothing is compressed for the way.
    headers += [(b"Accept-Encoding", b"identity"), *validators.headers]
    seconds = settings.transfer_window_seconds
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
    with pool.stream("GET", url, headers=headers, extensions={"timeout": timeouts}) as response:
        yield response


def _require_file(response: httpcore.Response, validators: Validators, settings: Settings) -> None:
    status = response.status
    if status == _UNCHANGED and validators.headers:
        return
    if status in _PASSING or status >= 500:
        raise FetchFailed(f"The server answered with {status}.", {"status": status})
    if status != 200:
        raise FetchRefused(f"The server answered with {status}.", {"status": status})
    length = _header(response, b"content-length")
    if length is None and _header(response, b"transfer-encoding") is None:
        raise FetchRefused("The server does not say where the file ends, so half of it could not be told from all.")
    if length is not None and int(length) > settings.max_upload_bytes:
        limit = settings.max_upload_bytes
        raise TooLarge(f"The file has {int(length)} bytes; the limit is {limit}.", {"max_upload_bytes": limit})


def _tls() -> ssl.SSLContext:
    """The certificates of the system, or those that SSL_CERT_FILE names."""
    return ssl.create_default_context()


def _header(response: httpcore.Response, wanted: bytes) -> str | None:
    return next((value.decode("latin-1") for name, value in response.headers if name.lower() == wanted), None)


def _validator(response: httpcore.Response, name: bytes) -> str | None:
    value = _header(response, name)
    return value if value is not None and value.isprintable() and len(value) <= _LONGEST_VALIDATOR else None


@contextmanager
def _clear_errors() -> Iterator[None]:
    """What goes wrong on the way to another server, in the words of this platform and without the server's own."""
    try:
        yield
    except ssl.SSLError as error:
        raise FetchFailed("The server has no valid certificate for this host.") from error
    except httpcore.TimeoutException as error:
        raise FetchFailed("The server took too long.") from error
    except httpcore.ConnectError as error:
        # the handshake is a part of connecting, and its error is the cause of this one
        has_tls = isinstance(error.__cause__ or error.__context__, ssl.SSLError) or "SSL" in str(error)
        message = "The server has no valid certificate for this host." if has_tls else "The host does not answer."
        raise FetchFailed(message) from error
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise FetchFailed("The connection broke before the file was complete.") from error
