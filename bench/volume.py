"""Part `volume`: loading into a table that is full already, against an empty one; then its listing.

Both tables are in one server, each behind a product of its own, so that the loads can alternate. Nothing is merged: the
table has a leaf for each of its uploads, and a load has no merge beside it. No answer is kept.
"""

import time
from typing import Final

from bench import data, generate, listing
from bench.database import connected
from bench.plan import Plan
from bench.results import Found, Table, at_least, median
from bench.stand import NO_ANSWERS_KEPT, Stand, running_stand

_DATABASE: Final = "bench_full"
# Longer than the pause between two rounds of merging, each of which begins with indexes of words.
_QUIET_SECONDS: Final = 25
_PAUSE_MERGING: Final = "UPDATE merge_control SET is_paused = true"
_IS_INDEXING: Final = """
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'ingest-merging' AND state <> 'idle')
"""


def measure(stand: Stand, plan: Plan) -> Found:
    """Fill, load alternating, list; then everything is removed."""
    stand.database.query(f"CREATE DATABASE {_DATABASE}")
    try:
        url = stand.stack.postgres.url_of(_DATABASE)
        with running_stand(stand.stack.data_dir.parent / "full", url, NO_ANSWERS_KEPT) as full:
            full.database.query(_PAUSE_MERGING)
            _fill(full, plan)
            growth = _load_alternating(stand, full, plan)
            _rest(full)
            with connected(url) as database:
                listed = listing.measure(full, database, plan)
    finally:
        stand.database.query(f"DROP DATABASE {_DATABASE} WITH (FORCE)")
        stand.settle()
    return Found([*growth.figures, *listed.figures], [*growth.tables, *listed.tables])


def _fill(full: Stand, plan: Plan) -> None:
    """Large uploads, no two alike, over HTTP."""
    path = full.stack.data_dir / "fill.csv"
    for number in range(plan.fill_uploads):
        generate.write(path, generate.movies(plan.fill_rows, seed=100 + number))
        done = full.client.finish(full.client.send_file(path, use_celery=True))
        full.forget_files()
        print(f"  filled {number + 1} of {plan.fill_uploads}: {done.load_seconds:8.2f} s", flush=True)
    path.unlink()


def _rest(full: Stand) -> None:
    """Until words are indexed: what that reads would count as read by requests."""
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < _QUIET_SECONDS:
        [[is_indexing]] = full.database.query(_IS_INDEXING)
        quiet_since = time.monotonic() if is_indexing else quiet_since
        time.sleep(0.1)


def _load_alternating(stand: Stand, full: Stand, plan: Plan) -> Found:
    file = data.movies_file(plan.rows)
    seconds: dict[str, list[float]] = {"empty": [], "full": []}
    for _ in range(plan.runs):
        for name, product in (("empty", stand), ("full", full)):
            file.warm()
            stand.settle()
            done = product.load(file, use_celery=True)
            product.clear(done)
            seconds[name].append(done.load_seconds)
    held = plan.fill_uploads * plan.fill_rows
    rate = {name: file.good_rows / median(values) for name, values in seconds.items()}
    label = f"rows/s loading {plan.rows:,} into a table that already holds {held:,} ÷ into an empty one"
    rows = [[name, f"{median(seconds[name]):.2f}", f"{rate[name]:,.0f}"] for name in seconds]
    return Found(
        [at_least(plan, label, rate["full"] / rate["empty"], 0.9)],
        [Table(f"Loading {plan.rows:,} movies", ["into a table that is", "T s", "rows/s"], rows)],
    )
