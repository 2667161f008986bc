"""A loader process of the API, for uploads with `use_celery=false`.

    python -m shared.ingest.loading.background_process FD [METRICS_FD]

The API writes one upload id per line to its standard input: a notification. When its input ends, the process ends after
the current batch; the sweep notifies again about uploads that were not loaded. Once a second the process writes a byte
to the file descriptor FD: its heartbeat. The API replaces a process without a heartbeat. What it measures it writes to
METRICS_FD.
"""

import os
import queue
import signal
import sys
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import Final
from uuid import UUID

from shared import failpoints, logs
from shared.catalog.registry import Registry
from shared.ingest.loading.loader import Loader
from shared.observability.metrics import record_with
from shared.observability.pipe import PipeWriter
from shared.observability.starting import start_tracing
from shared.settings import Settings
from shared.storage.opening import open_storage

_HEARTBEAT_SECONDS: Final = 1.0
# The API on the same machine has priority.
_NICENESS: Final = 10

Notifications = queue.Queue[UUID | None]


def main() -> None:
    """Load what notifications ask for, slice by slice, until standard input ends or SIGTERM arrives."""
    os.nice(_NICENESS)
    os.umask(0o077)  # like the API
    threading.Thread(target=_heartbeat, args=(int(sys.argv[1]),), name="heartbeat", daemon=True).start()
    settings = Settings()
    logs.configure(settings, "background")
    failpoints.arm(settings.failpoint)
    stop_tracing = start_tracing(settings, "background")
    for metrics_end in sys.argv[2:]:
        record_with(PipeWriter(int(metrics_end)).record)
    notifications: Notifications = queue.Queue()
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()
        notifications.put(None)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C goes to the whole group; the API stops us
    threading.Thread(target=_listen, args=(notifications, stopping), name="listener", daemon=True).start()
    loader = Loader(settings, Registry.built_in(), open_storage(settings))
    while not stopping.is_set() and (upload_id := notifications.get()) is not None:
        _answer_for_a_slice(loader, upload_id, settings, stopping, notifications)
    loader.close()
    stop_tracing()


def _heartbeat(file_descriptor: int) -> None:
    with suppress(BrokenPipeError):  # the API is gone; standard input ends as well
        while os.write(file_descriptor, b"."):
            time.sleep(_HEARTBEAT_SECONDS)


def _listen(notifications: Notifications, stopping: threading.Event) -> None:
    for line in sys.stdin:
        notifications.put(UUID(line.strip()))
    stopping.set()
    notifications.put(None)


def _answer_for_a_slice(
    loader: Loader, upload_id: UUID, settings: Settings, stopping: threading.Event, notifications: Notifications
) -> None:
    """Answer a notification for a slice of time.

    If there is more to do, the notification goes to the end of the queue.
    """
    slice_ends = time.monotonic() + settings.task_slice_seconds
    # The loader has logged the error. An error of one upload must not end the others; the sweep counts its attempts.
    with suppress(Exception):
        if loader.answer(upload_id, lambda: stopping.is_set() or time.monotonic() > slice_ends):
            notifications.put(upload_id)
