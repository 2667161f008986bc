"""What readers saw of a collection, and whether it was one of the versions that it may have been at that time."""

import json
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tests.chaos.ledger import Finding
from tests.chaos.versions.model import Row, State, digest_of


class Version(NamedTuple):
    """One that the database has recorded: `change` is published or undone, `at` is by `time.time`."""

    number: int
    upload: str
    change: str
    at: float


@dataclass(frozen=True, slots=True)
class Read:
    """What one answer had, between its request and its end; times are those of `time.time`.

    It has some of the `total` rows, or all: then `digest` is theirs, otherwise None. They are `packed`, because a storm
    reads some millions.
    """

    reader: str
    begin: float
    end: float
    total: int
    digest: bytes | None
    packed: bytes

    @classmethod
    def of(cls, reader: str, begin: float, end: float, total: int, rows: Sequence[Row]) -> "Read":
        """What came in an answer."""
        digest = digest_of(rows) if len(rows) == total else None
        return cls(reader, begin, end, total, digest, zlib.compress(json.dumps(rows).encode(), 1))

    @property
    def rows(self) -> frozenset[Row]:
        """Those that were in the answer."""
        return frozenset(Row(*values) for values in json.loads(zlib.decompress(self.packed)))

    def fits(self, state: State) -> bool:
        """Whether this is what the version has."""
        if self.digest is None:
            return self.total == len(state.rows) and self.rows <= state.rows
        return self.digest == state.digest


def judge(where: str, reads: Sequence[Read], versions: Sequence[Version], states: Sequence[State]) -> Iterator[Finding]:
    """What no order of events allows, in the reads of one collection; `states` has that of version 0, too.

    A version is visible some time after its `at`, but before the `at` of the next one: whoever makes that has waited
    for the commit. So the version before may be seen that long. A reader never sees an older one than before.
    """
    moments = [float("-inf"), *(version.at for version in versions)]
    latest: dict[str, int] = {}
    for read in sorted(reads, key=lambda read: read.begin):
        first = max(bisect_left(moments, read.begin) - 2, 0)
        allowed = range(first, bisect_right(moments, read.end))
        fitting = [number for number in allowed if read.fits(states[number])]
        least = latest.get(read.reader, 0)
        later = [number for number in fitting if number >= least]
        if later:
            latest[read.reader] = later[0]
        elif fitting:
            yield _found("stale version", where, read, f"version {fitting[-1]} after version {least}")
        else:
            yield _unfit(where, read, allowed, states)


def _unfit(where: str, read: Read, allowed: range, states: Sequence[State]) -> Finding:
    between = f"where versions {allowed[0]} to {allowed[-1]} may be seen"
    others = [number for number, state in enumerate(states) if read.fits(state)]
    if others:
        return _found("stale version", where, read, f"version {others[-1]} {between}")
    rows = read.rows
    nearest = min(allowed, key=lambda number: len(states[number].rows ^ rows))
    lacking = sorted(states[nearest].rows - rows) if read.digest else []
    strange = sorted(rows - states[nearest].rows)
    evidence = f"{read.total} rows of no version, {between}; of version {nearest} it lacks {len(lacking)} rows,"
    evidence += f" such as {lacking[:2]}, and it has {len(strange)} others, such as {strange[:2]}"
    return _found("mixed versions", where, read, evidence)


def _found(kind: str, where: str, read: Read, evidence: str) -> Finding:
    return Finding(kind, where, f"{read.reader} from {read.begin:.3f} to {read.end:.3f}: {evidence}")
