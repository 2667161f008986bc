"""How long faults held things up, and what the services' logs say of them."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2

from tests.chaos.faults import Fault
from tests.chaos.ledger import Request


@dataclass(frozen=True, slots=True)
class Recovery:
    """Seconds. `standstill`: from a fault to the next progress of anybody, while there was work; `redone`: from a fault
    until a batch that it interrupted was done, for `interrupted` batches; `slowest`: from 202 to completed."""

    standstill: float
    standstill_after: str
    redone: float
    redone_after: str
    interrupted: int
    slowest: float


def recovery(database_url: str, faults: Sequence[Fault], requests: Sequence[Request]) -> Recovery:
    """From the times that the database wrote down itself."""
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT upload_number, number, extract(epoch FROM done_at)::float8 FROM batches")
        batches = {(upload, number): done for upload, number, done in cursor.fetchall() if done is not None}
        cursor.execute("SELECT id::text, extract(epoch FROM finished_at)::float8 FROM uploads")
        finished = {upload: moment for upload, moment in cursor.fetchall() if moment is not None}
    progress = sorted([*batches.values(), *finished.values()])
    acknowledged = [request for request in requests if request.is_acknowledged]
    open_spans = [(one.acknowledged_at, finished.get(one.upload_id, 0.0)) for one in acknowledged]
    still, redone, interrupted = (0.0, ""), (0.0, ""), 0
    for fault in faults:
        if any(begin < fault.at < end for begin, end in open_spans):
            gap = next((moment for moment in progress if moment > fault.at), fault.at) - fault.at
            still = max(still, (gap, f"{fault.kind} ({fault.target})"))
        times = [batches[key] - fault.at for key in fault.interrupted if key in batches]
        interrupted += len(times)
        redone = max([redone, *((seconds, f"{fault.kind} ({fault.target})") for seconds in times)])
    kept = [end - begin for one, (begin, end) in zip(acknowledged, open_spans, strict=True) if one.intent == "keep"]
    return Recovery(*still, *redone, interrupted, max(kept, default=0.0))


@dataclass(slots=True)
class Said:
    """Events of warnings and errors with their count and one example; lines of tracebacks by their last line."""

    events: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    @property
    def fence_refusals(self) -> int:
        """How often a loader that had lost its claim was refused."""
        return sum(count for event, count in self.events.items() if event.endswith(" fence_refused"))

    def add(self, event: str, example: str) -> None:
        """One more."""
        self.events[event] += 1
        self.examples.setdefault(event, example)


def read_logs(directory: Path) -> Said:
    """What all services wrote, rotated files included."""
    said = Said()
    for path in sorted(directory.glob("*.log*")):
        service = path.name.partition(".")[0].partition("-")[0]
        for line in path.read_text(errors="replace").splitlines():
            for event in _events(service, line):
                said.add(event, f"{path.name}: {line[:400]}")
    return said


def _events(service: str, line: str) -> Iterator[str]:
    entry = _json(line)
    if entry is None:
        if service == "postgres" and any(word in line for word in ("ERROR:", "FATAL:", "PANIC:")):
            yield f"postgres {line.partition(': ')[0].rsplit(' ', 1)[-1]}: {line.partition(': ')[2].strip()[:70]}"
        return
    level, event = str(entry.get("level", "")), str(entry.get("event", ""))
    if level in {"warning", "error", "critical"} or event in {"notified_again", "batch_taken_over"}:
        # Celery puts names and numbers into its events: the first words tell them apart
        yield f"{entry.get('service', service)} {level} {event[:60]}"
    last_line = str(entry.get("exception", "")).strip().strip('"').strip().rpartition("\n")[2]
    if last_line:
        yield f"{entry.get('service', service)} exception {last_line[:90]}"


def _json(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
