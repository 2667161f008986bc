"""Which leaves of a collection to merge next: a decision about numbers, without a database.

A row must not be copied over and over, so leaves of similar sizes are merged: the largest of a run holds at most half
of its rows. That is how LSM trees do it: a row that was copied is in a leaf of at least twice the size, so it is copied
a logarithmic number of times.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.ingest.versions.leaves import Leaf


@dataclass(frozen=True, slots=True)
class _Run:
    """Adjacent leaves, from `start` on."""

    start: int
    length: int
    rows: int
    largest: int

    @property
    def cost(self) -> tuple[float, int, int]:
        """Rows to copy for each leaf that there will be less; of equal ones the longest run, then the first."""
        return self.rows / (self.length - 1), -self.length, self.start


@dataclass(frozen=True, slots=True)
class Policy:
    """How many leaves are too many, and how many are merged at once.

    A collection with `few_leaves` gains nothing. One with more than `most_leaves` is brought down to that number, even
    if the leaves are of unequal sizes. A merge drops the leaves of its run in one transaction, which locks some ten
    tables and indexes for each: so `longest_run` bounds its locks and its time.
    """

    few_leaves: int = 8
    most_leaves: int = 16
    shortest_run: int = 4
    longest_run: int = 32

    def choose(self, leaves: Sequence[Leaf], reserved: Sequence[int] = ()) -> Sequence[Leaf]:
        """The leaves to merge next; none if it is not worth it.

        `leaves` of one collection and `reserved` are in order. The latter are the first ids of uploads whose leaves
        will be attached one day: a merged leaf must leave room for them.
        """
        if len(leaves) <= self.few_leaves:
            return ()
        runs = list(self._runs(leaves, reserved))
        worthwhile = [run for run in runs if run.length >= self.shortest_run and 2 * run.largest <= run.rows]
        too_many = len(leaves) - self.most_leaves
        if not worthwhile and runs and too_many > 0:
            needed = min(too_many + 1, max(run.length for run in runs))
            worthwhile = [run for run in runs if run.length >= needed]
        if not worthwhile:
            return ()
        best = min(worthwhile, key=lambda run: run.cost)
        return leaves[best.start : best.start + best.length]

    def _runs(self, leaves: Sequence[Leaf], reserved: Sequence[int]) -> Iterator[_Run]:
        for start, first in enumerate(leaves):
            next_reserved = bisect_left(reserved, first.low)
            room = reserved[next_reserved] if next_reserved < len(reserved) else leaves[-1].high
            rows = largest = 0
            for length, leaf in enumerate(leaves[start : start + self.longest_run], start=1):
                if leaf.high > room:
                    break
                rows, largest = rows + leaf.rows, max(largest, leaf.rows)
                if length > 1:
                    yield _Run(start, length, rows, largest)
