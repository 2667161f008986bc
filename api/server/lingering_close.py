"""How a connection ends: one that is closed with bytes unread is reset, and the answer may be lost with it."""

import asyncio
from collections.abc import Callable


class AnswersTransport(asyncio.Transport):
    """A connection as one answer sees it: what closing it means is up to `part`."""

    def __init__(self, transport: asyncio.Transport, part: Callable[[], None]) -> None:
        super().__init__()
        self._transport = transport
        self._part = part

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """As it is."""
        self._transport.write(data)

    def is_closing(self) -> bool:
        """As it is."""
        return self._transport.is_closing()

    def close(self) -> None:
        """The answer is written, or given up."""
        self._part()
