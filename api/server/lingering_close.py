"""A transport that leaves closing to its connection.

If a server closes a connection with unread bytes, the kernel resets it, and the client may lose the answer.
"""

import asyncio
from collections.abc import Callable


class LingeringTransport(asyncio.Transport):
    """The transport that one answer writes to; `close` calls `close_gently` instead of closing the connection."""

    def __init__(self, transport: asyncio.Transport, close_gently: Callable[[], None]) -> None:
        super().__init__()
        self._transport = transport
        self._close_gently = close_gently

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write to the connection."""
        self._transport.write(data)

    def is_closing(self) -> bool:
        """Whether the connection is closing."""
        return self._transport.is_closing()

    def close(self) -> None:
        """The answer is complete or given up; let the connection decide how to close."""
        self._close_gently()
