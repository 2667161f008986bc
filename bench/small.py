"""Part `small`: a file of 100 rows, from the 202 to `completed`."""

from bench import generate
from bench.plan import Plan
from bench.results import Figure, Found, Table, at_most, median, percentile
from bench.stand import Stand

_ROWS = 100
_BOUNDS = {"Celery": 150, "background": 100}


def measure(stand: Stand, plan: Plan) -> Found:
    """One after the other, both ways alternating; every file is another one."""
    path = stand.stack.data_dir / "small.csv"
    times: dict[str, list[float]] = {"Celery": [], "background": []}
    stand.settle()
    for number in range(plan.small_files):
        generate.write(path, generate.movies(_ROWS, seed=number))
        for name, values in times.items():
            done = stand.client.finish(stand.client.send_file(path, use_celery=name == "Celery"))
            assert done.document["records"]["loaded"] == _ROWS - 1
            values.append(done.load_seconds * 1000)
            stand.clear(done)
    figures: list[Figure] = [
        at_most(
            plan,
            f"a file of {_ROWS} rows: 202 to `completed`, median, {name}",
            median(values),
            _BOUNDS[name],
            " ms",
            digits=0,
        )
        for name, values in times.items()
    ]
    rows = [
        [name, f"{len(values)}", f"{median(values):.0f}", f"{percentile(values, 95):.0f}", f"{max(values):.0f}"]
        for name, values in times.items()
    ]
    return Found(
        figures,
        [Table(f"A file of {_ROWS} rows, ms", ["by", "files", "median", "p95", "longest"], rows, "Polled each 10 ms.")],
    )
