"""Quotas: so much of something in a sliding window of time, as the library `limits` counts it."""

import math
from dataclasses import dataclass
from typing import Final

from limits import RateLimitItem, RateLimitItemPerDay

from shared.errors import LimitReached, TooLarge

# Under which Redis has what is used. Whoever counts the same quota must write the same names.
COUNTERS_PREFIX: Final = "limits"
# Bytes of a file are counted in steps and not with each chunk.
STEP_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `amount` of `what` in one `window`, for `owner`. An amount of 0 means no limit."""

    what: str
    amount: int
    window: type[RateLimitItem]
    owner: str

    def __str__(self) -> str:
        """The quota as a part of a sentence."""
        return f"{self.amount:,} {self.what} a {self.window.GRANULARITY.name} for {self.owner}"

    @property
    def item(self) -> RateLimitItem:
        """The quota as an object of the library."""
        return self.window(self.amount, namespace=self.what)

    def require_possible(self, size_bytes: int) -> None:
        """Raise `TooLarge` if a file exceeds even an unused quota."""
        if self.amount and size_bytes > self.amount:
            raise TooLarge(
                f"The file is larger than the quota of a whole day: {self}.", {"max_upload_bytes": self.amount}
            )

    def reached(self, cost: int, window: tuple[float, float, float, float]) -> LimitReached:
        """The error for who wants `cost` and finds less; `window`: see the last arguments of `seconds_until`."""
        room = max(0, self.amount - cost)
        seconds = math.floor(seconds_until(room, self.item.get_expiry(), *window)) + 1
        return LimitReached(
            f"No more than {self}; try again in {seconds:,} seconds.",
            {"limit": self.amount, "what": self.what, "retry_after_seconds": seconds},
        )


def bytes_of_tenant(tenant: str, amount: int) -> Quota:
    """Bytes a day of the files that all clients of a tenant send, and of those that are fetched for it."""
    return Quota("bytes", amount, RateLimitItemPerDay, f"tenant {tenant}")


def seconds_until(
    room: int,
    window_seconds: float,
    previous_count: float,
    previous_expires_in: float,
    current_count: float,
    current_expires_in: float,
) -> float:
    """Seconds until the sliding window counts at most `room`, if nothing is added meanwhile.

    The library keeps the counts of two fixed windows. The current one counts in full, the previous one as far as the
    sliding window still covers it; the sum is rounded down:

           previous_count            current_count
        |------------------------|------------------------|
                  |<---- sliding window --->|
                  |<- covered -->|         now

        counted = floor(previous_count * previous_expires_in / window_seconds + current_count)

    `previous_expires_in` is the covered part: the seconds until the sliding window has left the previous window.
    `current_expires_in` is the same for the current window, so a window length more than the rest of that window.
    """
    if current_count <= room:
        # The covered part of the previous window shrinks until its share fits beside the current count.
        if not previous_count:
            return 0.0
        return max(0.0, previous_expires_in - (room + 1 - current_count) * window_seconds / previous_count)
    # First the current window ends and becomes the previous one, then its own share shrinks.
    current_ends_in = max(0.0, current_expires_in - window_seconds)
    return current_ends_in + window_seconds - (room + 1) * window_seconds / current_count
