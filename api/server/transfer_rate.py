"""How fast a client must send and read, and the clock that measures it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from uvicorn.protocols.http.flow_control import FlowControl


@dataclass(frozen=True, slots=True)
class TransferRate:
    """The minimum speed of a client."""

    head_seconds: float = 10.0
    window_seconds: float = 30.0
    bytes_per_second: int = 10 * 1024

    @property
    def window_bytes(self) -> float:
        """The bytes that a client must send, or take, in a window."""
        return self.bytes_per_second * self.window_seconds

    @property
    def check_seconds(self) -> float:
        """The interval at which a connection is checked."""
        return min(1.0, self.head_seconds / 4, self.window_seconds / 4)


class ReadingClock(FlowControl):
    """Flow control that measures how long we have been reading, because a client cannot send while we do not."""

    def __init__(self, transport: asyncio.Transport, now: Callable[[], float]) -> None:
        super().__init__(transport)
        self._now = now
        self._seconds = 0.0
        self._since = now()

    @property
    def seconds(self) -> float:
        """Time since the connection was made in which the client could send."""
        return self._seconds + (0.0 if self.read_paused else self._now() - self._since)

    def pause_reading(self) -> None:
        """Stop reading, and the clock with it."""
        self._seconds = self.seconds
        super().pause_reading()

    def resume_reading(self) -> None:
        """Read again, and let the clock run."""
        self._seconds = self.seconds
        self._since = self._now()
        super().resume_reading()
