"""Ends a worker that is deaf: messages wait, it has nothing to do, and still it takes none. Or that cannot end.

Celery's consumer has been seen in both states after its connection to Redis had broken: alive, without a word in the
log, and answering pings; and ending for ever, after an "unrecoverable error" or when it was told to in the second in
which Redis came back. The sweep cannot help, since its messages are not heard either. Whoever started the worker
(compose, `imdb-ingest up`, systemd) starts it anew.
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

_LOOKS: Final = 12  # until it is believed
_OVERDUE_LOOKS: Final = 3
_END_SECONDS: Final = 20.0


class Watchdog:
    """Looks again and again, in a thread of the worker's main process."""

    def __init__(self, settings: Settings, is_overdue: Callable[[], bool]) -> None:
        """`is_overdue`: whether the worker should have ended and is still here."""
        self._is_overdue = is_overdue
        self._stalled_seconds = settings.stalled_consumer_seconds
        self._broker = Redis.from_url(settings.redis_url, socket_timeout=2, socket_connect_timeout=2)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """The worker ends: do not look any more."""
        self._stopping.set()

    def _run(self) -> None:
        # Looks are counted, not seconds: a worker that was stopped for a while has not been deaf.
        looks, taken, overdue_looks = 0, _taken(), 0
        while not self._stopping.wait(self._stalled_seconds / _LOOKS):
            overdue_looks = overdue_looks + 1 if self._is_overdue() else 0
            if overdue_looks == _OVERDUE_LOOKS:
                log.critical("worker_cannot_end")
                os.kill(os.getpid(), signal.SIGKILL)
            before, taken = taken, _taken()
            is_idle = taken == before and not state.reserved_requests
            looks = looks + 1 if is_idle and messages_waiting(self._broker) else 0
            if looks == _LOOKS:
                self._end()

    def _end(self) -> None:
        log.critical("consumer_stalled", seconds=self._stalled_seconds)
        os.kill(os.getpid(), signal.SIGTERM)
        if not self._stopping.wait(_END_SECONDS):
            os.kill(os.getpid(), signal.SIGKILL)


def _taken() -> int:
    """How many tasks this worker has begun since its start."""
    return sum(state.total_count.values())
