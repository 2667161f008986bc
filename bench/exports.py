"""Part `exports`: each format over HTTP against `COPY TO STDOUT` of the plain table, in the same run."""

import time
from collections.abc import Callable
from typing import Final

import httpx

from bench import data
from bench.measure import MIB
from bench.plan import Plan
from bench.results import Found, Table, at_least, at_most, median
from bench.stand import Stand
from shared.catalog.export_formats import ExportFormat

_COPY: Final = "COPY (SELECT * FROM movies WHERE tenant = 'public') TO STDOUT (FORMAT csv)"
_HALF: Final = 0.5
_MOST_MIB: Final = 64


def measure(stand: Stand, plan: Plan) -> Found:
    """Wall time to the last byte, which nobody keeps; and how far the API's memory grows over what it has when idle."""
    file = data.movies_file(plan.rows)
    stand.restart()
    done = stand.load(file, use_celery=False)
    ways: dict[str, Callable[[], int]] = {"COPY TO": lambda: stand.database.copied_bytes(_COPY)}
    for each in ExportFormat:
        ways[each] = lambda each=each: _download(stand, each)  # type: ignore[misc]
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    sizes: dict[str, int] = {}
    grown: dict[str, float] = dict.fromkeys(ways, 0.0)
    for _ in range(plan.runs):
        for name, way in ways.items():
            stand.settle()
            with (idle := stand.watch()).running():
                pass
            with (watch := stand.watch()).running():
                began = time.perf_counter()
                sizes[name] = way()
                seconds[name].append(time.perf_counter() - began)
            grown[name] = max(grown[name], (watch.peak_bytes["API"] - idle.peak_bytes["API"]) / MIB)
    stand.clear(done)
    spent = {name: median(values) for name, values in seconds.items()}
    figures = [
        at_least(plan, f"export as {each}: rows/s ÷ `COPY TO`", spent["COPY TO"] / spent[each], _HALF)
        for each in ExportFormat
    ]
    most = max(grown[each] for each in ExportFormat)
    label = "memory of the API over idle during an export"
    rows = [
        [name, f"{spent[name]:.1f}", f"{file.good_rows / spent[name]:,.0f}", f"{sizes[name] / MIB:,.0f}"]
        for name in ways
    ]
    note = "`COPY TO` is CSV to a client that drops it; exports are read by an HTTP client that drops them."
    return Found(
        [*figures, at_most(plan, label, most, _MOST_MIB, " MB", digits=0)],
        [Table("Exports", ["way", "seconds", "rows/s", "MB"], rows, note)],
    )


def _download(stand: Stand, file_format: ExportFormat) -> int:
    address = f"{stand.stack.api_url}/api/v1/datasets/movies/rows.{file_format}"
    with httpx.stream("GET", address, timeout=600, trust_env=False) as answer:
        return sum(len(block) for block in answer.raise_for_status().iter_raw(MIB))
