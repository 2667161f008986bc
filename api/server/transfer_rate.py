"""How fast a client must be, and the clock by which that is measured."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from uvicorn.protocols.http.flow_control import FlowControl


@dataclass(frozen=True, slots=True)
class TransferRate:
    """What a client must keep up with."""

    head_seconds: float = 10.0
    window_seconds: float = 30.0
    bytes_per_second: int = 10 * 1024

    @property
    def window_bytes(self) -> float:
        """What must come, or be taken, in a window."""
        return self.bytes_per_second * self.window_seconds

    @property
    def look_seconds(self) -> float:
        """How often a connection is looked at."""
        return min(1.0, self.head_seconds / 4, self.window_seconds / 4)


class ReadingClock(FlowControl):
    """Flow control that knows for how long we read: a client cannot send while we do not."""

    def __init__(self, transport: asyncio.Transport, now: Callable[[], float]) -> None:
        super().__init__(transport)
        self._now = now
        self._seconds = 0.0
        self._since = now()

    @property
    def seconds(self) -> float:
        """Time in which the client could send, since the beginning."""
        return self._seconds + (0.0 if self.read_paused else self._now() - self._since)

    def pause_reading(self) -> None:
        """As in the base."""
        self._seconds = self.seconds
        super().pause_reading()

    def resume_reading(self) -> None:
        """As in the base."""
        self._seconds = self.seconds
        self._since = self._now()
        super().resume_reading()
