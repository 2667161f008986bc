"""Points between two effects at which a test makes a process die, stop or fail; in production they do nothing.

`INGEST_FAILPOINT=<point>:<action>:<file>` arms one of `POINTS`. The first process that reaches the point creates the
file, so that it acts only once, and not again in the process that takes over.
"""

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.errors import Unavailable

POINTS: Final = (
    "intake.stored",  # the bytes are on disk, no upload refers to them
    "intake.registered",  # the upload is committed, no loader is notified, the client has no response
    "intake.notified",  # a loader is notified, the client has no response
    "load.begun",  # the upload is loading, no batch is claimed
    "batch.claimed",
    "batch.prepared",  # read and validated, nothing is written
    "batch.copied",  # rows and rejects are written, not fenced
    "batch.fenced",  # everything is written, not committed
    "batch.committed",
    "correction.counted",  # the record counts of the corrected upload are changed, not committed
    "publish.claimed",
    "edit.stored",  # the file of a hand-made record is on disk, no upload refers to it
    "edit.published",  # everything is written, not committed
    "edit.committed",  # the record is visible, the client has no response
    "plan.compared",  # what a planned upload would change is written down, not committed
    "plan.committed",
    "publish.deduplicated",  # rows that repeat a key are gone and listed, the unique index is not built
    "publish.built",  # indexes and totals exist, the table is not attached
    "publish.compared",  # what an upsert changes is written down, nothing is changed
    "publish.superseded",  # the rows before it are superseded, not committed
    "publish.attached",  # the table is attached, not committed
    "publish.completed",  # the record counts are reconciled, not committed
    "publish.committed",
    "publish.counted",  # what a replacing upload has changed is counted
    "apply.committed",  # the plan is applied, no loader is notified
    "cancel.committed",  # the state is cancelled, the table still exists
    "cancel.dropped",
    "retry.dropped",  # the old table is gone, the state is not changed
    "retry.committed",
    "undo.removed",  # the rows are gone, not committed
    "undo.committed",
    "withdrawn.listed",  # the rows of an undone upload are listed for those who follow, not committed
    "prune.removed",  # what was superseded long ago is dropped, not committed
    "merge.begun",  # the merge and its table are committed, nothing is copied
    "merge.copied",  # rows are copied, not committed
    "merge.advanced",  # these rows are committed
    "merge.built",  # the indexes exist, the leaf is not attached
    "merge.repaired",  # what changed of an upload since it was copied is copied, too
    "merge.dropped",  # the sources are dropped, not committed
    "merge.attached",  # the merged leaf is in their place, not committed
    "merge.committed",
    "vocabulary.added",  # the words of a chunk are added, not committed
    "sweep.selected",  # notified_at is set, no loader is notified
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
    """Arm what `INGEST_FAILPOINT` says; "" arms nothing.

    Raises `ValueError` for an unknown point or action.
    """
    if not specification:
        return
    point, action, marker = specification.split(":", 2)
    if point not in POINTS or action not in ACTIONS:
        raise ValueError(specification)
    _armed.point, _armed.action, _armed.marker = point, action, Path(marker)


def reach(point: str) -> None:
    """Called at each of `POINTS`; acts if the point is armed and was not reached before."""
    if point != _armed.point:
        return
    try:
        _armed.marker.touch(exist_ok=False)
    except FileExistsError:
        return
    if _armed.action == "raise":
        raise Unavailable(f"failpoint {point}")
    os.kill(os.getpid(), signal.SIGKILL if _armed.action == "kill" else signal.SIGSTOP)
