r"""Parts `movies` and `titles`: every way to load the same rows, side by side.

Each run loads with every contender once, with a CHECKPOINT before each; medians are taken over the runs. A contender
that ends with other counts or sums than the file's stops the bench.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from bench import data
from bench.contenders.run import is_installed
from bench.contenders.run import run as run_contender
from bench.data import LoadFile
from bench.database import require_equal
from bench.measure import MIB, Watch
from bench.plan import Plan
from bench.results import Bar, Found, Table, at_least, at_most, median
from bench.stand import Stand

CELERY: Final = "this service, Celery"
BACKGROUND: Final = "this service, background"
PSQL: Final = "psql \\copy"
EVERYDAY: Final = "pandas chunks, dicts, insert().values()"

_NOTE: Final = (
    "Time and rows/s are medians; the product's are T, from the 202 to `completed`: rows visible, indexes built,"
    " record counts reconciled, and bad rows found and kept, which no other way does. `with intake` begins at the first"
    " byte sent. CPU is of the whole load, the product's with intake. Memory: the loader's peak (the product's largest"
    " process), and PostgreSQL's private memory, all backends together."
)
_HEADER: Final = [
    *("way", "into", "rows", "seconds", "with intake", "rows/s", "time ÷ \\copy", "CPU s client", "CPU s server"),
    *("peak MB client", "peak MB server"),
]


@dataclass(frozen=True)
class Contender:
    """One way to load; `name` None is the product. `bare`: into a table without indexes."""

    label: str
    into: str
    file: LoadFile
    name: str | None = None
    is_bare: bool = False
    use_celery: bool = False


@dataclass(frozen=True)
class Run:
    """One load, checked."""

    seconds: float
    total_seconds: float
    cpu_seconds: float
    server_cpu_seconds: float
    peak_bytes: int
    server_peak_bytes: int
    # of each process of the product
    peaks: dict[str, int] = field(default_factory=dict)


Runs = dict[str, list[Run]]


def movies(stand: Stand, plan: Plan) -> Found:
    """All contenders with the movies file; the slow ones with the beginning of it."""
    contenders = movie_contenders(plan)
    runs = side_by_side(stand, contenders, plan.runs)
    rate = rates(contenders, runs)
    by_celery, by_psql = median_of(runs[CELERY]), median_of(runs[PSQL])
    figures = [
        at_most(
            plan,
            f"T for {plan.rows:,} movies, 1% bad, Celery ÷ `psql \\copy` of the good rows into the same indexed table",
            by_celery / by_psql,
            0.33,
        ),
        at_least(
            plan,
            f"the same in rows/s ÷ the everyday way's ({EVERYDAY})",
            rate[CELERY] / rate[EVERYDAY],
            60,
            " times",
            digits=0,
        ),
    ]
    title = f"Loading {contenders[0].file.good_rows:,} good movies"
    bars = [Bar(one.label, rate[one.label] / rate[PSQL], one.name is None) for one in contenders]
    return Found(figures, [_table(title, contenders, runs, PSQL), _peaks_table(runs)], bars)


def titles(stand: Stand, plan: Plan) -> Found:
    r"""`psql \copy` and the product with twice as many, short rows."""
    file = data.titles_file(plan.title_rows)
    contenders = [
        Contender(PSQL, "indexed table", file, "psql_copy"),
        Contender(f"{PSQL}, no indexes", "bare table", file, "psql_copy", is_bare=True),
        Contender(CELERY, "partition", file, use_celery=True),
    ]
    runs = side_by_side(stand, contenders, plan.runs)
    ratio = median_of(runs[CELERY]) / median_of(runs[PSQL])
    figures = [at_most(plan, f"T for {plan.title_rows:,} title.basics rows, 1% bad, Celery ÷ the same", ratio, 0.50)]
    return Found(figures, [_table(f"Loading {file.good_rows:,} good titles", contenders, runs, PSQL)])


def movie_contenders(plan: Plan) -> list[Contender]:
    """All of them, the product last."""
    file = data.movies_file(plan.rows)
    multi, everyday = data.movies_file(plan.multi_rows), data.movies_file(plan.everyday_rows)
    indexed = "indexed table"
    others = [
        Contender(PSQL, indexed, file, "psql_copy"),
        Contender(f"{PSQL}, no indexes", "bare table", file, "psql_copy", is_bare=True),
        Contender(f"{PSQL}, then indexes", "indexes after", file, "psql_copy_then_index", is_bare=True),
        Contender("pandas to_sql, multi", indexed, multi, "pandas_multi"),
        Contender("pandas to_sql, COPY callable", indexed, file, "pandas_copy"),
        Contender("pyarrow + adbc_ingest", indexed, file, "adbc_ingest"),
        Contender("DuckDB reader + COPY", indexed, file, "duckdb_copy"),
        Contender(EVERYDAY, indexed, everyday, "everyday"),
    ]
    present = [one for one in others if one.name is None or is_installed(one.name)]
    product = [
        Contender(CELERY, "partition", file, use_celery=True),
        Contender(BACKGROUND, "partition", file, use_celery=False),
    ]
    return [*present, *product]


def side_by_side(stand: Stand, contenders: Sequence[Contender], runs: int) -> Runs:
    """Each contender once, then each again, ..."""
    found: Runs = {contender.label: [] for contender in contenders}
    _warm_log(stand, contenders[0])
    for number in range(runs):
        for contender in contenders:
            contender.file.warm()
            stand.settle()
            load: Callable[[Stand, Contender], Run] = _load_product if contender.name is None else _load_other
            run = load(stand, contender)
            found[contender.label].append(run)
            print(f"  run {number + 1}: {contender.label:<40} {run.seconds:8.2f} s", flush=True)
    return found


def _warm_log(stand: Stand, contender: Contender) -> None:
    """Load once, unmeasured: the first one on a new server would pay for making its log files."""
    assert contender.name is not None
    stand.database.create_target(is_indexed=False)
    run_contender(contender.name, contender.file, stand.stack.database_url)
    stand.database.drop_target()


def _load_other(stand: Stand, contender: Contender) -> Run:
    assert contender.name is not None
    stand.database.create_target(is_indexed=not contender.is_bare)
    with Watch({}, stand.server_family).running() as watch:
        answer = run_contender(contender.name, contender.file, stand.stack.database_url)
    require_equal(contender.label, stand.database.sums_of_target(), contender.file.sums)
    stand.database.drop_target()
    return Run(
        answer.seconds,
        answer.seconds,
        answer.cpu_seconds,
        watch.server_cpu_seconds,
        answer.peak_bytes,
        watch.server_peak_bytes,
    )


def _load_product(stand: Stand, contender: Contender) -> Run:
    file = contender.file
    with stand.watch().running() as watch:
        done = stand.client.finish(stand.client.send_file(file.path, use_celery=contender.use_celery))
    stand.require_sums(done, file.sums, file.rows)
    stand.clear(done)
    return Run(
        done.load_seconds,
        done.total_seconds,
        watch.cpu_seconds,
        watch.server_cpu_seconds,
        max(watch.peak_bytes.values()),
        watch.server_peak_bytes,
        watch.peak_bytes,
    )


def median_of(runs: Sequence[Run]) -> float:
    """Median of the seconds."""
    return median([run.seconds for run in runs])


def rates(contenders: Sequence[Contender], runs: Runs) -> dict[str, float]:
    """Good rows per second, by label."""
    return {one.label: one.file.good_rows / median_of(runs[one.label]) for one in contenders}


def _table(title: str, contenders: Sequence[Contender], runs: Runs, reference: str) -> Table:
    rate = rates(contenders, runs)
    rows = []
    for one in contenders:
        mine = runs[one.label]
        rows.append(
            [
                one.label,
                one.into,
                f"{one.file.good_rows:,}",
                f"{median_of(mine):.2f}",
                f"{median([run.total_seconds for run in mine]):.2f}",
                f"{rate[one.label]:,.0f}",
                f"{rate[reference] / rate[one.label]:.2f}",
                f"{median([run.cpu_seconds for run in mine]):.2f}",
                f"{median([run.server_cpu_seconds for run in mine]):.2f}",
                f"{max(run.peak_bytes for run in mine) / MIB:,.0f}",
                f"{max(run.server_peak_bytes for run in mine) / MIB:,.0f}",
            ]
        )
    return Table(title, _HEADER, rows, _NOTE)


def _peaks_table(runs: Runs) -> Table:
    """Each process of the product, the largest of all runs."""
    names = list(runs[CELERY][0].peaks)
    rows = [
        [label, *(f"{max(run.peaks[name] for run in runs[label]) / MIB:,.0f}" for name in names)]
        for label in (CELERY, BACKGROUND)
    ]
    return Table(
        "Peak memory of the product's processes, MB", ["load by", *names], rows, "VmHWM, reset before each load."
    )
