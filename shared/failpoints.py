"""Locations between two effects at which a test makes a process die, stop or fail; in production they do nothing.

`INGEST_FAILPOINT=<point>:<action>:<file>` arms one of `POINTS`: the first process that reaches it makes the file, so
that it happens once and not again in the process that takes over.
"""

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.errors import Unavailable

POINTS: Final = (
    "intake.stored",  # the bytes are on disk, nobody knows of them
    "intake.registered",  # the upload is committed, no bell has rung, the client has no answer
    "intake.notified",  # the bell has rung, the client has no answer
    "load.begun",  # the upload is loading, no batch is claimed
    "batch.claimed",
    "batch.prepared",  # read and validated, nothing written
    "batch.copied",  # rows and rejects are written, not fenced
    "batch.fenced",  # all is written, not committed
    "batch.committed",
    "correction.counted",  # the account of the corrected upload is changed, not committed
    "publish.claimed",
    "publish.built",  # indexes and totals are there, the table is not attached
    "publish.attached",  # attached, not committed
    "publish.completed",  # the account is proven, not committed
    "publish.committed",
    "cancel.committed",  # the state is cancelled, the table is still there
    "cancel.dropped",
    "retry.dropped",  # the old table is gone, the state is not changed
    "retry.committed",
    "undo.removed",  # the rows are gone, not committed
    "undo.committed",
    "sweep.selected",  # notified_at is set, no bell has rung
    "sweep.notified",
)
ACTIONS: Final = ("kill", "stop", "raise")


@dataclass(slots=True)
class _Armed:
    point: str = ""
    action: str = ""
    marker: Path = Path()


_armed = _Armed()


def arm(specification: str) -> None:
    """Arm what `INGEST_FAILPOINT` says; "" arms nothing. Raises `ValueError` for a point or action that is none."""
    if not specification:
        return
    point, action, marker = specification.split(":", 2)
    if point not in POINTS or action not in ACTIONS:
        raise ValueError(specification)
    _armed.point, _armed.action, _armed.marker = point, action, Path(marker)


def reach(point: str) -> None:
    """Called at each of `POINTS`; acts if it is armed and was not reached before."""
    if point != _armed.point:
        return
    try:
        _armed.marker.touch(exist_ok=False)
    except FileExistsError:
        return
    if _armed.action == "raise":
        raise Unavailable(f"failpoint {point}")
    os.kill(os.getpid(), signal.SIGKILL if _armed.action == "kill" else signal.SIGSTOP)
