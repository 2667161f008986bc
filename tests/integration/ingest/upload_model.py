"""What an upload may be, in plain Python: which loader may commit and publish, what must be visible.

It has no SQL, no epochs and no clock: only which loader was given what last.
"""

import uuid
from dataclasses import dataclass, field
from typing import Final

ACTIVE: Final = ("queued", "loading")
NEXT: Final = {
    "queued": {"loading", "cancelled", "failed"},
    "loading": {"planned", "completed", "cancelled", "failed"},
    "planned": {"queued", "cancelled"},
    "failed": {"queued"},
    "cancelled": {"queued"},
    "completed": {"undone"},
    "undone": set[str](),
}
# action -> its sources, its target, and the states in which it changes nothing
ACTIONS: Final = {
    "apply": (("planned",), "queued", (*ACTIVE, "completed")),
    "cancel": ((*ACTIVE, "planned"), "cancelled", ("cancelled",)),
    "retry": (("failed", "cancelled"), "queued", ACTIVE),
    "undo": (("completed",), "undone", ("undone",)),
}
MAX_ATTEMPTS: Final = 2


@dataclass(eq=False, slots=True)
class ModelBatch:
    number: int
    good: int
    bad: int
    owner: object | None = None
    is_leased: bool = False
    is_done: bool = False
    attempts: int = 0


@dataclass(eq=False, slots=True)
class ModelUpload:
    id: uuid.UUID
    number: int
    is_large: bool
    may_reject: bool
    batches: list[ModelBatch]
    is_plan: bool = False
    is_applied: bool = False
    history: list[str] = field(default_factory=lambda: ["queued"])
    publisher: object | None = None
    is_publishing: bool = False
    publish_attempts: int = 0
    is_merged: bool = False

    @property
    def state(self) -> str:
        return self.history[-1]

    @property
    def visible(self) -> int:
        return sum(batch.good for batch in self.batches) if self.state == "completed" else 0

    @property
    def rejected(self) -> int:
        if self.state in ("cancelled", "undone"):
            return 0
        return sum(batch.bad for batch in self.batches if batch.is_done)

    @property
    def has_table(self) -> bool:
        has_rows = self.state in ("loading", "planned", "completed") or (self.state == "queued" and self.is_applied)
        return self.is_large and has_rows and not self.is_merged

    def begin(self) -> bool:
        if self.state == "queued":
            self._become("loading")
        return self.state == "loading"

    def free(self) -> list[ModelBatch]:
        if self.state != "loading":
            return []
        return [b for b in self.batches if not b.is_done and not b.is_leased and b.attempts < MAX_ATTEMPTS]

    def claim(self, batch: ModelBatch, owner: object) -> None:
        batch.owner, batch.is_leased, batch.attempts = owner, True, batch.attempts + 1

    def may_commit(self, batch: ModelBatch, owner: object) -> bool:
        return self.state == "loading" and batch.owner is owner and not batch.is_done

    def commit(self, batch: ModelBatch) -> None:
        batch.is_done, batch.is_leased = True, False
        if batch.bad and not self.may_reject:
            self._fail()
        elif not self.is_large:
            self._become("completed")

    def give_back(self, batch: ModelBatch, owner: object, counts_as_attempt: bool) -> None:
        if batch.owner is owner and not batch.is_done:
            batch.is_leased = False
            batch.attempts -= 0 if counts_as_attempt else 1

    def expire(self) -> None:
        self.is_publishing = False
        for batch in self.batches:
            batch.is_leased = False

    def may_publish(self) -> bool:
        is_ready = self.state == "loading" and all(batch.is_done for batch in self.batches)
        return self.is_large and is_ready and not self.is_publishing and self.publish_attempts < MAX_ATTEMPTS

    def claim_publishing(self, publisher: object) -> None:
        self.publisher, self.is_publishing, self.publish_attempts = publisher, True, self.publish_attempts + 1

    def publish(self, publisher: object) -> bool:
        if self.publisher is not publisher or self.state != "loading":
            return False
        self._become("planned" if self.is_plan and not self.is_applied else "completed")
        self.is_publishing = False
        return True

    def load_batches(self) -> None:
        self.begin()
        while free := self.free():
            self.claim(free[0], self)
            self.commit(free[0])

    def act(self, action: str) -> bool:
        """Apply the action; False if it is forbidden."""
        allowed, reached, nothing_to_do = ACTIONS[action]
        if self.state not in allowed:
            return self.state in nothing_to_do and (action != "apply" or self.is_applied)
        self._become(reached)
        self.publisher, self.is_publishing = None, False
        if action in ("cancel", "retry"):
            self._revoke()
            for batch in self.batches:
                batch.is_done, batch.attempts = False, 0
        if action in ("apply", "retry"):
            self.publish_attempts = 0
            self.is_applied = action == "apply"
        return True

    def sweep(self) -> bool:
        """Fail it if it crashed too many loaders; whether loaders must be notified, because none works on it."""
        poisoned = [b for b in self.batches if not b.is_done and not b.is_leased and b.attempts >= MAX_ATTEMPTS]
        is_unpublishable = self.publish_attempts >= MAX_ATTEMPTS and not self.is_publishing
        if self.state == "loading" and (poisoned or is_unpublishable):
            self._fail()
        is_worked_on = self.is_publishing or any(batch.is_leased for batch in self.batches)
        return self.state in ACTIVE and not is_worked_on

    def _fail(self) -> None:
        self._become("failed")
        self.publisher, self.is_publishing = None, False
        self._revoke()

    def _revoke(self) -> None:
        for batch in self.batches:
            batch.owner, batch.is_leased = None, False

    def _become(self, state: str) -> None:
        assert state in NEXT[self.state]
        self.history.append(state)
