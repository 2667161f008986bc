"""A loader process next to the API, for uploads that do not go through Celery: `python -m shared.ingest.background FD`.

The API writes one upload id per line to its stdin: a doorbell like the other one. The process ends when stdin ends,
after the batch in hand; what was rung for and not done is rung for again by the sweep. Once a second it writes a byte
to the file descriptor FD: who is silent hangs.
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
from shared.ingest.load import Loader
from shared.settings import Settings

_BEAT_SECONDS: Final = 1.0
# The API on the same machine answers first.
_NICENESS: Final = 10


def main() -> None:
    """Load what is rung for, turn by turn, until stdin ends or SIGTERM comes."""
    os.nice(_NICENESS)
    os.umask(0o077)  # as the API's
    threading.Thread(target=_beat, args=(int(sys.argv[1]),), name="beat", daemon=True).start()
    settings = Settings()
    logs.configure(settings, "background")
    failpoints.arm(settings.failpoint)
    rung: queue.Queue[UUID | None] = queue.Queue()
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()
        rung.put(None)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C goes to the whole group; the API stops us
    threading.Thread(target=_listen, args=(rung, stopping), name="doorbell", daemon=True).start()
    loader = Loader(settings)
    while not stopping.is_set() and (upload_id := rung.get()) is not None:
        _answer_for_a_slice(loader, upload_id, settings, stopping, rung)
    loader.close()


def _beat(file_descriptor: int) -> None:
    with suppress(BrokenPipeError):  # the API is gone, and stdin tells the others so
        while os.write(file_descriptor, b"."):
            time.sleep(_BEAT_SECONDS)


def _listen(rung: "queue.Queue[UUID | None]", stopping: threading.Event) -> None:
    for line in sys.stdin:
        rung.put(UUID(line.strip()))
    stopping.set()
    rung.put(None)


def _answer_for_a_slice(
    loader: Loader, upload_id: UUID, settings: Settings, stopping: threading.Event, rung: "queue.Queue[UUID | None]"
) -> None:
    """Answer a bell for a turn; one with more to do queues up again behind the others."""
    turn_ends = time.monotonic() + settings.task_slice_seconds
    # It is in the log. One upload's trouble must not take the others along; the sweep counts its attempts.
    with suppress(Exception):
        if loader.answer(upload_id, lambda: stopping.is_set() or time.monotonic() > turn_ends):
            rung.put(upload_id)


if __name__ == "__main__":
    main()
