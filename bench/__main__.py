"""`python -m bench`: runs parts, keeps what they find, and writes the report of all that was ever found at this size.

Ratios always come from within one part's run; a part that is run alone later takes its older result's place.
"""

import argparse
import datetime as dt
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from bench import (
    cache,
    exports,
    gzipped,
    huge,
    intake,
    loading,
    memory,
    merging,
    modes,
    observability,
    pings,
    report,
    slow,
    small,
    tables,
    together,
    volume,
)
from bench.catalogue import part as catalogue
from bench.data import BUILD
from bench.machine import describe
from bench.measure import busy_seconds
from bench.plan import FULL_ROWS, QUICK_ROWS, Plan
from bench.results import Part, Result, Stamp, results_directory
from bench.stand import Stand, end_in_order, running_stand

PARTS: Final = (
    Part("movies", "Loading movies", loading.movies),
    Part("titles", "Loading title.basics", loading.titles),
    Part("tables", "Other tables and declared datasets", tables.measure),
    Part("volume", "A full table: loading into it, listing it", volume.measure),
    Part("modes", "Replacing and upserting", modes.measure),
    Part("merging", "Many large uploads of one tenant", merging.measure),
    Part("gzip", "gzip", gzipped.measure),
    Part("together", "Several uploads at once", together.measure),
    Part("cache", "Listings from the cache", cache.measure),
    Part("catalogue", "The catalogue beside a plain service", catalogue.measure),
    Part("exports", "Exports", exports.measure),
    Part("memory", "Memory", memory.measure),
    Part("huge", "One huge file", huge.measure),
    Part("intake", "Intake", intake.measure),
    Part("small", "Small files", small.measure),
    Part("pings", "Answering while loading", pings.measure),
    Part("observability", "Metrics and traces", observability.measure),
    Part("slow", "200 slow clients beside a good one", slow.measure),
)


def main() -> int:
    """0, whether or not the targets are reached; wrong counts and failures raise."""
    arguments = _arguments()
    rows = arguments.rows or (QUICK_ROWS if arguments.quick else FULL_ROWS)
    plan = Plan.of(rows, arguments.runs, is_quick=arguments.quick)
    directory = results_directory(plan)
    parts = [part for part in PARTS if arguments.only is None or part.name in arguments.only.split(",")]
    if parts:
        _run(parts, plan, directory)
    results = [result for part in PARTS if (result := Result.load(directory, part.name)) is not None]
    output = arguments.output or (Path("bench/RESULTS.md") if plan.is_full else directory / "RESULTS.md")
    report.write(output, PARTS, results, directory)
    print(f"wrote {output}")
    return 0


def _run(parts: list[Part], plan: Plan, directory: Path) -> None:
    BUILD.mkdir(parents=True, exist_ok=True)
    # Below build/ and not in /tmp: that may be memory, where durability costs nothing.
    stand_directory = Path(tempfile.mkdtemp(prefix="stand-", dir=BUILD))
    try:
        with running_stand(stand_directory / "main") as stand:
            report.keep_machine(directory, describe(stand.database.settings()))
            for part in parts:
                _run_part(part, stand, plan, directory)
    finally:
        shutil.rmtree(stand_directory, ignore_errors=True)


def _run_part(part: Part, stand: Stand, plan: Plan, directory: Path) -> None:
    print(f"{part.name}: {part.title}", flush=True)
    begun, (busy, ours) = time.perf_counter(), busy_seconds()
    found = part.run(stand, plan)
    seconds, (busy_now, ours_now) = time.perf_counter() - begun, busy_seconds()
    others = max(0.0, (busy_now - busy) - (ours_now - ours)) / (seconds * (os.cpu_count() or 1)) * 100
    date = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    stamp = Stamp(part.name, date, _commit(), plan.rows, plan.runs, round(seconds, 1), round(others, 1))
    Result(stamp, found).save(directory)
    for figure in found.figures:
        print(f"  {figure.label}: {figure.reached} (target {figure.target})", flush=True)
    print(f"  took {seconds:.0f} s; others had {others:.0f}% of the CPU", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100,000 rows and one run, about five minutes")
    parser.add_argument("--only", help=f"parts to run, with commas: {','.join(part.name for part in PARTS)}; or none")
    parser.add_argument("--rows", type=int, help="rows of the movies file; everything else follows")
    parser.add_argument("--runs", type=int, help="runs to take medians of")
    parser.add_argument("--output", type=Path, help="where the report goes; the chart goes beside it")
    arguments = parser.parse_args()
    known = {part.name for part in PARTS} | {"none"}
    if arguments.only is not None and not set(arguments.only.split(",")) <= known:
        parser.error(f"--only knows {', '.join(sorted(known))}")
    if not sys.platform.startswith("linux"):
        parser.error("memory and CPU are read from Linux's /proc")
    return arguments


def _commit() -> str:
    git = shutil.which("git")
    if git is None:
        return "unknown"
    said = [
        subprocess.run([git, *words], capture_output=True, text=True, check=False).stdout.strip()
        for words in (("rev-parse", "--short", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
    ]
    return said[0] + (" and changes" if said[1] else "")


if __name__ == "__main__":
    end_in_order()
    sys.exit(main())
