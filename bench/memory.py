"""Part `memory`: peaks of every process for one upload, and for one that is many times as long.

The long one's body is made while it is sent: the records of the movies file again and again, never stored by us.
"""

from bench import data
from bench.client import Done, Segment
from bench.data import LoadFile
from bench.measure import MIB, Watch
from bench.plan import Plan
from bench.results import Found, Table, at_most
from bench.stand import Stand, whole

_WORKERS = ("Celery parent", "Celery pool process")


def measure(stand: Stand, plan: Plan) -> Found:
    """The API's peak is taken while the body comes in, the others' until the upload has completed."""
    file = data.movies_file(plan.rows)
    stand.restart()
    watches: dict[int, Watch] = {}
    api_peaks: dict[int, int] = {}
    for factor in (1, plan.big_factor):
        stand.settle()
        intake = stand.watch()
        with (watch := stand.watch()).running():
            with intake.running():
                sent = stand.client.send(_segments(file, factor), "movies.csv", use_celery=True)
            done = stand.client.finish(sent)
        _require(stand, done, file, factor)
        stand.clear(done)
        watches[factor], api_peaks[factor] = watch, intake.peak_bytes["API"]
    peaks = {factor: max(watch.peak_bytes[name] for name in _WORKERS) / MIB for factor, watch in watches.items()}
    small, large = peaks[1], peaks[plan.big_factor]
    intake_gb = file.path.stat().st_size * plan.big_factor / 1e9
    many = plan.rows * plan.big_factor
    return Found(
        [
            at_most(plan, f"peak memory of a worker process, {plan.rows:,} rows", small, 400, " MB", digits=0),
            at_most(plan, f"peak memory of a worker process, {many:,} rows", large, 400, " MB", digits=0),
            at_most(plan, "difference between these two", 100 * abs(large - small) / small, 10, "%", digits=1),
            at_most(
                plan,
                f"peak memory of the API during the intake of {intake_gb:.1f} GB",
                api_peaks[plan.big_factor] / MIB,
                200,
                " MB",
                digits=0,
            ),
        ],
        [_table(plan, watches)],
    )


def _segments(file: LoadFile, factor: int) -> list[Segment]:
    size, header = file.path.stat().st_size, data.header_bytes(file.path)
    return [whole(file.path), *[Segment(file.path, header, size)] * (factor - 1)]


def _require(stand: Stand, done: Done, file: LoadFile, factor: int) -> None:
    sums = {name: value * factor for name, value in file.sums.items()}
    stand.require_sums(done, sums, file.rows * factor)


def _table(plan: Plan, watches: dict[int, Watch]) -> Table:
    names = list(watches[1].peak_bytes)
    rows = [
        [
            f"{plan.rows * factor:,}",
            *(f"{watch.peak_bytes[name] / MIB:,.0f}" for name in names),
            f"{watch.server_peak_bytes / MIB:,.0f}",
        ]
        for factor, watch in watches.items()
    ]
    note = (
        "VmHWM of each process, shared libraries included; of PostgreSQL the private memory of all backends together."
    )
    return Table("Peak memory by size of one upload, MB", ["rows", *names, "PostgreSQL"], rows, note)
