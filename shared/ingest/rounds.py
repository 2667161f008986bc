"""Work that a process repeats as long as it lives, in threads of its own."""

from collections.abc import Callable
from threading import Event, Thread
from typing import Final

import structlog
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from shared.errors import IngestError, LostLease

log = structlog.get_logger()

# What a thread is in the middle of then is left to another process.
_STOP_SECONDS: Final = 10


class Rounds:
    """Calls `work` every `interval_seconds` in each of its threads.

    If a round fails, `<name>_failed` is logged, or `<name>_crashed` for an error that nobody expects, and the next one
    goes on. `close` is called when all has stopped.
    """

    def __init__(
        self,
        name: str,
        interval_seconds: float,
        work: Callable[[], object],
        *,
        stopping: Event,
        close: Callable[[], None],
        threads: int = 1,
    ) -> None:
        """`stopping`: is set by `stop`, so that `work` can look at it."""
        self._failed, self._crashed = f"{name}_failed", f"{name}_crashed"
        self._interval_seconds = interval_seconds
        self._work = work
        self._stopping = stopping
        self._close = close
        self._threads = [Thread(target=self._run, name=f"{name}-{n}", daemon=True) for n in range(threads)]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End after the current round, or step of it."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=_STOP_SECONDS)
        self._close()

    def _run(self) -> None:
        while not self._stopping.wait(self._interval_seconds):
            try:
                self._work()
            except LostLease as error:
                log.warning("fence_refused", reason=error.message)
            except (OperationalError, OSError) as error:  # the server is away
                log.warning(self._failed, error=type(error).__name__)
            except (SQLAlchemyError, IngestError):
                log.warning(self._failed, exc_info=True)
            except Exception as error:  # noqa: BLE001  what ends one thread would end that of each process in turn
                log.error(self._crashed, error=type(error).__name__)
