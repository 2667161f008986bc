"""How the processes of a service send what they measure to the one that serves it: lines of JSON in one pipe.

A line is shorter than PIPE_BUF, so the kernel writes it as a whole or not at all, whoever else writes. A process that
ends or dies takes nothing with it, and one that comes later begins at once.
"""

import json
import os
import threading
from collections.abc import Iterator
from typing import Final

from shared.observability.metrics import METRICS, Metric, Recorder

# What waits for a reader that is busy; more is dropped.
_MOST_WAITING: Final = 5_000
_LONGEST_LINE: Final = 512  # bytes; the least PIPE_BUF that POSIX allows


class PipeWriter:
    """A recorder at the writing end; it never waits and never raises. Thread-safe."""

    def __init__(self, file_descriptor: int) -> None:
        os.set_blocking(file_descriptor, False)
        self._file_descriptor = file_descriptor
        self._waiting: list[bytes] = []
        self._lock = threading.Lock()

    def record(self, metric: Metric, amount: float, labels: tuple[str, ...]) -> None:
        """Send a measurement, after those that the reader had no room for."""
        line = json.dumps([metric.name, amount, *labels]).encode() + b"\n"
        if len(line) > _LONGEST_LINE:
            return
        with self._lock:
            if len(self._waiting) < _MOST_WAITING:
                self._waiting.append(line)
            self._send()

    def _send(self) -> None:
        sent = 0
        try:
            for line in self._waiting:
                os.write(self._file_descriptor, line)
                sent += 1
        except BlockingIOError:
            pass  # full: with the next one
        except OSError:  # the reader is gone, and this process will follow
            self._waiting.clear()
        del self._waiting[:sent]


class MetricPipe:
    """The pipe, and the thread that reads it into a recorder."""

    def __init__(self, recorder: Recorder) -> None:
        self._reading_end, self.writing_end = os.pipe()
        self._recorder = recorder

    def start(self) -> None:
        """Read from now on, until the process ends."""
        threading.Thread(target=self._read, name="metrics", daemon=True).start()

    def writer(self) -> PipeWriter:
        """The recorder of a child that was forked: only the parent reads."""
        os.close(self._reading_end)
        return PipeWriter(self.writing_end)

    def _read(self) -> None:
        rest = b""
        while block := os.read(self._reading_end, 65536):
            *lines, rest = (rest + block).split(b"\n")
            for metric, amount, labels in _parsed(lines):
                self._recorder(metric, amount, labels)


def _parsed(lines: list[bytes]) -> Iterator[tuple[Metric, float, tuple[str, ...]]]:
    for line in lines:
        name, amount, *labels = json.loads(line)
        yield METRICS[name], amount, tuple(labels)
