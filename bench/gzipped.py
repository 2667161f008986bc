"""Part `gzip`: the same file compressed and plain, from the first byte to `completed`."""

from bench import data
from bench.plan import Plan
from bench.results import Found, Table, at_most, median
from bench.stand import Stand


def measure(stand: Stand, plan: Plan) -> Found:
    """Unpacking happens while the file comes in, so receiving belongs to the time."""
    file = data.movies_file(plan.rows)
    packed = data.gzipped(file.path)
    totals: dict[str, list[float]] = {"plain": [], "gzip": []}
    loads: dict[str, list[float]] = {"plain": [], "gzip": []}
    for _ in range(plan.runs):
        for name, path in (("plain", file.path), ("gzip", packed)):
            file.warm()
            stand.settle()
            done = stand.client.finish(stand.client.send_file(path, use_celery=True))
            stand.require_sums(done, file.sums, file.rows)
            stand.clear(done)
            totals[name].append(done.total_seconds)
            loads[name].append(done.load_seconds)
    ratio = median(totals["gzip"]) / median(totals["plain"])
    rows = [
        [
            name,
            f"{median(totals[name]) - median(loads[name]):.2f}",
            f"{median(loads[name]):.2f}",
            f"{median(totals[name]):.2f}",
        ]
        for name in totals
    ]
    note = f"{file.path.stat().st_size / 1e6:,.0f} MB plain, {packed.stat().st_size / 1e6:,.0f} MB packed."
    return Found(
        [at_most(plan, "gzip input ÷ plain, from the first byte sent to `completed`", ratio, 1.3)],
        [Table(f"gzip, {plan.rows:,} movies", ["input", "receiving s", "T s", "together s"], rows, note)],
    )
