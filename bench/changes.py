"""One upload that changes a collection, measured and checked: until it is visible, until it is counted, its undo."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bench.client import Done
from bench.data import LoadFile
from bench.database import require_equal
from bench.stand import Stand
from bench.waits import reading
from shared.catalog.write_mode import WriteMode

_POLL_SECONDS: Final = 0.02
_NO_CHANGES: Final = {"new": 0, "changed": 0, "unchanged": 0, "removed": 0, "duplicate": 0}


@dataclass(frozen=True)
class Published:
    """An upload whose counts are right.

    `counted_seconds`: from the first answer that said `completed` to the first one with counts. `wait_seconds`: the
    longest wait of a reader from the first byte to the counts.
    """

    done: Done
    counted_seconds: float
    wait_seconds: float

    @property
    def seconds(self) -> float:
        """T."""
        return self.done.load_seconds


def publish(stand: Stand, file: LoadFile, mode: WriteMode, expected: Mapping[str, int]) -> Published:
    """Upload the file; `expected`: those of its counts that are not 0. Raises `WrongSums` if they are others."""
    file.warm()
    stand.settle()
    with reading(stand.stack.database_url) as waits:
        done = stand.client.finish(stand.client.send_file(file.path, use_celery=True, mode=mode))
        counts = done.document["counts"]
        while counts is None:
            time.sleep(_POLL_SECONDS)
            counts = stand.client.get(f"/uploads/{done.sent.id}")["counts"]
        counted_seconds = time.perf_counter() - done.completed
    require_equal(f"the counts of {mode}", counts, {**_NO_CHANGES, **expected})
    stand.forget_files()
    return Published(done, counted_seconds, waits.longest_seconds)


def plan(stand: Stand, file: LoadFile, mode: WriteMode, expected: Mapping[str, int]) -> float:
    """Plan the upload and drop it; seconds from the 202 to the plan. Raises `WrongSums` if its counts are others."""
    file.warm()
    stand.settle()
    planned = stand.client.finish(stand.client.send_file(file.path, use_celery=True, mode=mode, plan=True), "planned")
    require_equal(f"the plan of {mode}", planned.document["counts"], {**_NO_CHANGES, **expected})
    stand.client.post(f"/uploads/{planned.sent.id}/cancel")
    stand.forget_files()
    return planned.load_seconds


def undo(stand: Stand, published: Published) -> float:
    """Take the upload back; seconds of the request."""
    begun = time.perf_counter()
    stand.client.post(f"/uploads/{published.done.sent.id}/undo")
    return time.perf_counter() - begun
