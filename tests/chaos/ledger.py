"""What was sent, what was promised for it, and what readers saw: written down outside the platform."""

import threading
import time
from dataclasses import dataclass, field
from typing import Literal

from tests.chaos.files import Expected

Intent = Literal["keep", "cancel", "retry", "undo"]


@dataclass(slots=True, kw_only=True)
class Request:
    """A request to upload a file. `number` is that of the file.

    `allowed` are the states in which it may end: by what was answered so far, and what `may_come` of orders that were
    sent and not answered, as a network may deliver one of them late. `unanswered` counts tries without 202.
    Times are those of `time.time`.
    """

    tenant: str
    number: int
    use_celery: bool
    intent: Intent
    status: int | None = None
    upload_id: str = ""
    acknowledged_at: float = 0.0
    allowed: set[str] = field(default_factory=lambda: {"completed"})
    may_come: set[str] = field(default_factory=set)
    is_undo_asked: bool = False
    unanswered: int = 0

    @property
    def is_acknowledged(self) -> bool:
        """Whether the client got 202."""
        return self.status == 202


@dataclass(slots=True, kw_only=True)
class Attempt(Request):
    """One under a tenant of its own: a second try cannot be mixed up with the first."""

    expected: Expected


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be: its kind, where, and the evidence."""

    kind: str
    where: str
    evidence: str


class Ledger:
    """Safe for all threads of the storm."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._attempts: list[Attempt] = []
        self._findings: list[Finding] = []
        self.observations = 0
        self.slowest: dict[str, float] = {}
        self.storm_is_over = threading.Event()
        self.readers_may_go = threading.Event()

    def add(self, attempt: Attempt) -> None:
        """Before its request is sent."""
        with self._lock:
            self._attempts.append(attempt)

    @property
    def attempts(self) -> list[Attempt]:
        """All so far, oldest first."""
        with self._lock:
            return list(self._attempts)

    @property
    def findings(self) -> list[Finding]:
        """All that was reported while the storm went on."""
        with self._lock:
            return list(self._findings)

    def report(self, kind: str, where: str, evidence: str) -> None:
        """Something that must not be was seen."""
        with self._lock:
            self._findings.append(Finding(kind, where, f"{time.strftime('%H:%M:%S')} {evidence}"))

    def observed(self, count: int = 1) -> None:
        """Readers have looked."""
        with self._lock:
            self.observations += count

    def took(self, what: str, seconds: float) -> None:
        """Remember the slowest answer of each kind."""
        with self._lock:
            self.slowest[what] = max(seconds, self.slowest.get(what, 0.0))
