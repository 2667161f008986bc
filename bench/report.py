"""Writes RESULTS.md and the chart beside it, from whatever parts have run at this size."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from bench.chart import draw
from bench.results import Figure, Part, Result, Table

_MACHINE: Final = "machine.json"
_CHART: Final = "chart.svg"
_INTRODUCTION: Final = """\
# Measurements

Written by `make bench`. All contenders load the same generated rows into the same PostgreSQL with the same durability;
each run's counts and column sums are checked against the file's. Figures are ratios of medians of interleaved runs, or
have their own definition in the tables below. Programs: `bench/`.
"""


def keep_machine(directory: Path, description: dict[str, str]) -> None:
    """Keep what the parts run on."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / _MACHINE).write_text(json.dumps(description, ensure_ascii=False, indent=1))


def write(output: Path, parts: Sequence[Part], results: Sequence[Result], directory: Path) -> None:
    """The report, and the chart if the contenders have run."""
    output.parent.mkdir(parents=True, exist_ok=True)
    bars = [bar for result in results for bar in result.found.bars]
    if bars:
        (output.parent / _CHART).write_text(draw(bars))
    machine = directory / _MACHINE
    description = json.loads(machine.read_text()) if machine.exists() else {}
    titles = {part.name: part.title for part in parts}
    lines = [_INTRODUCTION, *_figures(results)]
    if bars:
        lines += ["", f"![rows per second by loader]({_CHART})"]
    lines += ["", "## Machine", "", *(f"* {name}: {text}" for name, text in description.items())]
    for result in results:
        lines += ["", f"## {titles[result.stamp.part]}", *_part(result)]
    output.write_text("\n".join(lines) + "\n")


def _figures(results: Sequence[Result]) -> Iterator[str]:
    yield "| figure | reached | target | |"
    yield "|---|---|---|---|"
    for result in results:
        for figure in result.found.figures:
            yield f"| {figure.label} | {figure.reached} | {figure.target} | {_verdict(figure)} |"


def _verdict(figure: Figure) -> str:
    return {True: "yes", False: "**no**", None: "at full size only"}[figure.is_met]


def _part(result: Result) -> Iterator[str]:
    stamp = result.stamp
    yield ""
    yield (
        f"Part `{stamp.part}`, {stamp.date}, commit {stamp.commit}; {stamp.runs} runs, {stamp.rows:,} movies,"
        f" {stamp.seconds:,.0f} s; other programs took {stamp.others_percent:.0f}% of the machine's CPU meanwhile."
    )
    for table in result.found.tables:
        yield ""
        yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    yield f"### {table.title}"
    yield ""
    yield f"| {' | '.join(table.header)} |"
    yield "|" + "|".join("---:" if _is_number(cell) else "---" for cell in table.rows[0]) + "|"
    for row in table.rows:
        yield f"| {' | '.join(row)} |"
    if table.note:
        yield ""
        yield table.note


def _is_number(cell: str) -> bool:
    return cell[:1].isdigit() or cell[:1] == "-"
