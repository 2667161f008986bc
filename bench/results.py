"""What a part found, in the shape in which it is kept and shown."""

import json
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from bench.data import BUILD
from bench.plan import Plan
from bench.stand import Stand


@dataclass(frozen=True)
class Figure:
    """One number with its target, in words; `is_met` None: the sizes were not those that the target speaks of."""

    label: str
    reached: str
    target: str
    is_met: bool | None


@dataclass(frozen=True)
class Table:
    """Rows of cells under a title; `note` says how they came about."""

    title: str
    header: list[str]
    rows: list[list[str]]
    note: str = ""


@dataclass(frozen=True)
class Bar:
    """One bar of the chart: rows per second as a multiple of the reference's."""

    label: str
    value: float
    is_product: bool


@dataclass(frozen=True)
class Found:
    """All that a part has to say."""

    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)


@dataclass(frozen=True)
class Stamp:
    """When and how a part ran."""

    part: str
    date: str
    commit: str
    rows: int
    runs: int
    seconds: float
    # how much of the machine's CPU others took meanwhile
    others_percent: float


@dataclass(frozen=True)
class Result:
    """A part's findings with its stamp."""

    stamp: Stamp
    found: Found

    def save(self, directory: Path) -> None:
        """Keep it as JSON; a later run of the same part takes its place."""
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{self.stamp.part}.json"
        path.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1))

    @classmethod
    def load(cls, directory: Path, part: str) -> Self | None:
        """What the part found when it last ran; None if it never did."""
        path = directory / f"{part}.json"
        if not path.exists():
            return None
        document = json.loads(path.read_text())
        found = document["found"]
        return cls(
            Stamp(**document["stamp"]),
            Found(
                [Figure(**figure) for figure in found["figures"]],
                [Table(**table) for table in found["tables"]],
                [Bar(**bar) for bar in found["bars"]],
            ),
        )


@dataclass(frozen=True)
class Part:
    """One part of the bench under its `--only` name."""

    name: str
    title: str
    run: Callable[[Stand, Plan], Found]


def results_directory(plan: Plan) -> Path:
    """Where results of this kind of run are kept."""
    return BUILD / ("results" if plan.is_full else f"results-{plan.rows}")


def median(values: Sequence[float]) -> float:
    """The middle one, or the mean of the two in the middle."""
    return statistics.median(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def at_most(plan: Plan, label: str, value: float, bound: float, unit: str = "", digits: int = 2) -> Figure:
    """A figure that must not be larger than its bound."""
    return _figure(plan, label, value, f"≤ {bound:g}{unit}", unit, digits, value <= bound)


def at_least(plan: Plan, label: str, value: float, bound: float, unit: str = "", digits: int = 2) -> Figure:
    """A figure that must not be smaller than its bound."""
    return _figure(plan, label, value, f"≥ {bound:g}{unit}", unit, digits, value >= bound)


def _figure(plan: Plan, label: str, value: float, target: str, unit: str, digits: int, met: bool) -> Figure:
    return Figure(label, f"{value:,.{digits}f}{unit}", target, met if plan.is_full else None)
