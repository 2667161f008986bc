"""How many rejected records an upload may have before it fails."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, Self

from shared.errors import InvalidRequest

OnError = Literal["skip", "abort"]

_BOUND: Final = re.compile(r"(?P<count>\d{1,15})|(?P<percent>\d{1,3}(\.\d{1,6})?)%", re.ASCII)


@dataclass(frozen=True, slots=True)
class Budget:
    """How many rejected records are allowed.

    `abort`: none. `skip`: at most `max_rejects`, or at most `max_rejects_percent` of the records, or any number.
    """

    on_error: OnError = "skip"
    max_rejects: int | None = None
    max_rejects_percent: float | None = None

    @classmethod
    def parse(cls, on_error: OnError, max_rejects: str) -> Self:
        """From `100`, `2.5%` or an empty text; raises `InvalidRequest`."""
        if not max_rejects:
            return cls(on_error)
        match = _BOUND.fullmatch(max_rejects)
        if match is None or (match["percent"] and float(match["percent"]) > 100):
            raise InvalidRequest("max_rejects must be a count like 100 or a percentage like 2.5%")
        if match["count"]:
            return cls(on_error, max_rejects=int(match["count"]))
        return cls(on_error, max_rejects_percent=float(match["percent"]))

    def is_exceeded(self, rejected: int, records: int) -> bool:
        """Whether `rejected` out of so many records are too many."""
        allowed = self.allowed(records)
        return allowed is not None and rejected > allowed

    def allowed(self, records: int) -> int | None:
        """How many of so many records may be rejected; None means all of them."""
        if self.on_error == "abort":
            return 0
        if self.max_rejects is not None:
            return self.max_rejects
        if self.max_rejects_percent is not None:
            # Decimal, as people write it: 0.57 % of 10,000 is 57, but 56 with binary fractions.
            return int(records * Decimal(repr(self.max_rejects_percent)) / 100)
        return None
