"""The watchdog ends a worker whose consumer has stalled, or that should have ended and has not.

A stalled consumer is idle and takes none of the waiting messages. Celery's consumer has been seen in both states after
its connection to the broker had broken: alive, silent in the log and answering pings; and never ending, after an
"unrecoverable error" or when it was asked to stop in the second in which the broker came back. The sweep cannot help,
because the consumer does not take its messages either. The supervisor of the worker (compose, `imdb-ingest up`,
systemd) starts a new one.
"""

import os
import signal
import threading
from collections.abc import Callable
from typing import Final

import structlog
from celery.worker import state
from redis import Redis

from shared.ingest.lifecycle.sweep import messages_waiting
from shared.settings import Settings

log = structlog.get_logger()

# So many checks in a row must find the same state.
_STALLED_CHECKS: Final = 12
_OVERDUE_CHECKS: Final = 3
_END_SECONDS: Final = 20.0


class Watchdog:
    """Checks the worker at intervals, in a thread of its main process."""

    def __init__(self, settings: Settings, is_overdue: Callable[[], bool]) -> None:
        """`is_overdue`: whether the worker should have ended."""
        self._is_overdue = is_overdue
        self._stalled_seconds = settings.stalled_consumer_seconds
        self._broker = Redis.from_url(settings.redis_url, socket_timeout=2, socket_connect_timeout=2)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Start the checks."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the checks, because the worker ends."""
        self._stopping.set()

    def _run(self) -> None:
        # Checks are counted and not seconds: a worker that was suspended for a while has not stalled.
        stalled, taken, overdue = 0, _taken(), 0
        while not self._stopping.wait(self._stalled_seconds / _STALLED_CHECKS):
            overdue = overdue + 1 if self._is_overdue() else 0
            if overdue == _OVERDUE_CHECKS:
                log.critical("worker_cannot_end")
                os.kill(os.getpid(), signal.SIGKILL)
            before, taken = taken, _taken()
            is_idle = taken == before and not state.reserved_requests
            stalled = stalled + 1 if is_idle and messages_waiting(self._broker) else 0
            if stalled == _STALLED_CHECKS:
                self._end()

    def _end(self) -> None:
        log.critical("consumer_stalled", seconds=self._stalled_seconds)
        os.kill(os.getpid(), signal.SIGTERM)
        if not self._stopping.wait(_END_SECONDS):
            os.kill(os.getpid(), signal.SIGKILL)


def _taken() -> int:
    """Number of tasks that this worker has begun since its start."""
    return sum(state.total_count.values())
