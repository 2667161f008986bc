"""Connections that go to the addresses that were checked, and to no other.

A name is resolved once for each connection. All its addresses are checked, and one of them is connected to, so a name
that has another address a moment later (DNS rebinding) gains nothing. TLS still asks for a certificate of the name.
"""

import ssl
import time
from collections.abc import Iterable, Sequence
from typing import Any

import httpcore

from shared.errors import FetchFailed
from shared.fetching.networks import SYSTEM_RESOLVER, IPNetwork, Resolve, checked_addresses


class Deadline:
    """Until when everything must have happened."""

    def __init__(self, seconds: float) -> None:
        self.reset(seconds)

    def reset(self, seconds: float) -> None:
        """`seconds` from now."""
        self._ends_at = time.monotonic() + seconds

    def remaining(self, seconds: float | None) -> float:
        """At most `seconds`; raises `FetchFailed` when the time is over."""
        remaining = self._ends_at - time.monotonic()
        if remaining <= 0:
            raise FetchFailed("The server took too long.")
        return remaining if seconds is None else min(seconds, remaining)


class CheckedNetwork(httpcore.NetworkBackend):
    """Opens connections to checked addresses; each step of them ends with the deadline."""

    def __init__(self, networks: Sequence[IPNetwork], deadline: Deadline, resolve: Resolve = SYSTEM_RESOLVER) -> None:
        self._networks = networks
        self._deadline = deadline
        self._resolve = resolve
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers; raises `AddressForbidden` and `FetchFailed`."""
        for address in checked_addresses(host, port, self._networks, self._resolve):
            try:
                seconds = self._deadline.remaining(timeout)
                stream = self._sockets.connect_tcp(str(address), port, seconds, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
            return _Stream(stream, self._deadline)
        raise FetchFailed(f"No address of the host {host} answers.")


class _Stream(httpcore.NetworkStream):
    """A connection that the deadline ends, however little of a head or a handshake comes each time."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.remaining(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.remaining(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds = self._deadline.remaining(timeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, seconds), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
