"""Part `together`: several uploads at once, two worker processes, against the same uploads one after the other."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from bench import data
from bench.client import Client, Done
from bench.data import LoadFile
from bench.plan import Plan
from bench.results import Found, Table, at_least, median
from bench.stand import Stand


def measure(stand: Stand, plan: Plan) -> Found:
    """Wall time from the first byte of the first upload to the last `completed`; both ways have both processes."""
    file = data.movies_file(plan.rows_at_once)
    ways = {"one at a time": _one_by_one, "all at once": _at_once}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    _warm(stand, file)
    for _ in range(plan.runs):
        for name, load in ways.items():
            file.warm()
            stand.settle()
            begun = time.perf_counter()
            finished = load(stand, file, plan.uploads_at_once)
            seconds[name].append(max(done.completed for done in finished) - begun)
            for done in finished:
                stand.require_sums(done, file.sums, file.rows)
                stand.client.post(f"/uploads/{done.sent.id}/undo")
            stand.forget_files()
    rate = {name: plan.uploads_at_once * file.good_rows / median(values) for name, values in seconds.items()}
    label = (
        f"{plan.uploads_at_once} uploads of {plan.rows_at_once:,} rows at once, two worker processes: rows/s"
        " ÷ one upload at a time"
    )
    rows = [[name, f"{median(seconds[name]):.2f}", f"{rate[name]:,.0f}"] for name in ways]
    note = "From the first byte of the first upload to the last `completed`."
    return Found(
        [at_least(plan, label, rate["all at once"] / rate["one at a time"], 1.3)],
        [Table("Uploads at once", ["way", "seconds", "rows/s"], rows, note)],
    )


def _one_by_one(stand: Stand, file: LoadFile, count: int) -> list[Done]:
    return [_load(stand, file) for _ in range(count)]


def _at_once(stand: Stand, file: LoadFile, count: int) -> list[Done]:
    with ThreadPoolExecutor(count) as executor:
        return [future.result() for future in [executor.submit(_load, stand, file) for _ in range(count)]]


def _load(stand: Stand, file: LoadFile) -> Done:
    with closing(Client(stand.stack.api_url)) as client:
        return client.finish(client.send_file(file.path, use_celery=True))


def _warm(stand: Stand, file: LoadFile) -> None:
    """Both processes have had a task: two uploads at once need both."""
    for done in _at_once(stand, file, 2):
        stand.client.post(f"/uploads/{done.sent.id}/undo")
    stand.forget_files()
