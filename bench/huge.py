"""Part `huge`: one upload of fifty million titles by three workers, beside one of a million; and of principals.

Generated rows with keys of their own; each worker has one process. What a row costs is seconds, and processor time of
all processes together, PostgreSQL's included: other programs may run, and the processors are fewer than the workers.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from bench import data, generate, tables
from bench.catalogue.filling import wait_for_words
from bench.client import Document, Sample, Sent
from bench.data import BUILD
from bench.database import WrongSums
from bench.measure import MIB, Watch
from bench.plan import Plan
from bench.results import Figure, Found, Table, at_most, median
from bench.stand import Stand
from stack.local import LocalStack

_WORKERS: Final = 3
_SETTINGS: Final = {"INGEST_PARALLELISM": str(_WORKERS)}
_PROCESSES: Final = ("Celery parent", "Celery pool process")
# From here on all keys have eight digits, so that no row is longer than another.
_FIRST_PART: Final = 10
_BEFORE_INDEXING: Final = ("queued", "loading")
_LONGEST_POLL_SECONDS: Final = 1.0
_SHOWN_PERCENTS: Final = (10, 25, 50, 75, 90)
_MICROSECONDS: Final = 1_000_000
_TITLES: Final = "title.basics"
_PRINCIPALS: Final = "title.principals"
_SIZES: Final = """
SELECT pg_table_size(leaf), pg_indexes_size(leaf)
FROM (SELECT tableoid AS leaf FROM {table} WHERE id >= {first_id} LIMIT 1) AS found
"""


@dataclass(frozen=True)
class Load:
    """One upload of `rows` records; `words_seconds`: from `completed` until its words could be searched."""

    rows: int
    file_bytes: int
    sent: Sent
    samples: list[Sample]
    watch: Watch
    words_seconds: float
    row_bytes: float
    index_bytes: float

    @property
    def seconds(self) -> float:
        """T: from the 202 to `completed`."""
        return self.samples[-1].seconds

    @property
    def loaded_seconds(self) -> float:
        """From the 202 until all records were loaded; the rest of T built indexes and published."""
        return next(sample.seconds for sample in self.samples if sample.document["phase"] not in _BEFORE_INDEXING)

    @property
    def cpu_seconds(self) -> float:
        """Of all processes, with receiving."""
        return self.watch.cpu_seconds + self.watch.server_cpu_seconds

    @property
    def worker_bytes(self) -> int:
        """The largest process of a worker."""
        return max(self.watch.peak_bytes[name] for name in _PROCESSES)


def measure(_stand: Stand, plan: Plan) -> Found:
    """On a stack of its own with three workers; the small upload comes before and after the huge one."""
    base = data.titles_file(plan.rows).path
    with (
        tempfile.TemporaryDirectory(prefix="huge-", dir=BUILD) as directory,
        LocalStack(Path(directory), workers=_WORKERS, worker_concurrency=1, settings=_SETTINGS) as stack,
        closing(Stand(stack)) as stand,
    ):
        stand.warm_up()

        def titles(factor: int) -> Load:
            return _load(stand, _TITLES, "movies", plan.rows * factor, lambda: _titles(base, plan.rows, factor))

        def principals(factor: int) -> Load:
            rows = plan.rows * factor
            return _load(stand, _PRINCIPALS, "credits", rows, lambda: tables.principals(rows))

        small = [titles(1) for _ in range(plan.runs)]
        huge = titles(plan.huge_factor)
        small += [titles(1) for _ in range(plan.runs)]
        few = [principals(1) for _ in range(plan.runs)]
        many = principals(plan.principals_factor)
    figures = [
        *_flat(plan, _TITLES, small, huge),
        *_flat(plan, _PRINCIPALS, few, many),
        at_most(
            plan, "the same: most that `percent` and the share of the time differ", _dishonesty(huge), 10, " points"
        ),
    ]
    compared = [(_TITLES, _middle(small)), (_TITLES, huge), (_PRINCIPALS, _middle(few)), (_PRINCIPALS, many)]
    return Found(figures, [_costs(compared), _memory(compared), _progress(huge)])


def _load(stand: Stand, dataset: str, table: str, rows: int, lines: Callable[[], Iterator[str]]) -> Load:
    path = stand.stack.data_dir / "huge.tsv"
    generate.write(path, lines())
    size = path.stat().st_size
    stand.settle()
    with (watch := stand.watch()).running():
        sent = stand.client.send_file(path, use_celery=True, dataset=dataset, mode="append")
        path.unlink()
        samples = list(stand.client.followed(sent, _LONGEST_POLL_SECONDS))
    _require(rows, samples[-1].document)
    begun = time.perf_counter()
    wait_for_words(stand)
    words_seconds = time.perf_counter() - begun
    [[first_id]] = stand.database.query("SELECT first_id FROM uploads WHERE number = %s", sent.number)
    [[row_bytes, index_bytes]] = stand.database.query(_SIZES.format(table=table, first_id=first_id))
    stand.client.post(f"/uploads/{sent.id}/undo")
    stand.forget_files()
    load = Load(rows, size, sent, samples, watch, words_seconds, row_bytes / rows, index_bytes / rows)
    print(
        f"  {rows:>11,} {dataset:<17} {load.seconds:8.2f} s, loaded after {load.loaded_seconds:8.2f} s,"
        f" {load.cpu_seconds:8.2f} s of CPU, words after {words_seconds:6.1f} s, {load.worker_bytes / MIB:4.0f} MB",
        flush=True,
    )
    return load


def _require(rows: int, document: Document) -> None:
    bad = rows // generate.ROWS_PER_BAD_ROW
    expected = {"read": rows, "loaded": rows - bad, "rejected": bad, "duplicate": 0}
    if document["state"] != "completed" or document["records"] != expected:
        raise WrongSums(f"{document['state']} with {document['records']} instead of {expected}: {document['error']}")


def _titles(base: Path, rows: int, factor: int) -> Iterator[str]:
    """The lines of a title.basics file again and again, each time with other keys."""
    for part in range(_FIRST_PART, _FIRST_PART + factor):
        with base.open(encoding="utf-8", newline="\n") as lines:
            yield from islice(generate.more_titles(lines, rows, part), int(part > _FIRST_PART), None)


def _flat(plan: Plan, dataset: str, small: Sequence[Load], large: Load) -> list[Figure]:
    one, many = f"{small[0].rows:,}", f"{large.rows:,}"
    worker = median([load.worker_bytes for load in small])
    seconds = _microseconds(large, large.seconds) / median([_microseconds(load, load.seconds) for load in small])
    cpu = _microseconds(large, large.cpu_seconds) / median([_microseconds(load, load.cpu_seconds) for load in small])
    label = f"{many} rows of {dataset} in one upload, {_WORKERS} workers:"
    return [
        at_most(plan, f"{label} T of a row ÷ that of one of {one}", seconds, 1.1),
        at_most(plan, f"{label} processor time of a row ÷ the same", cpu, 1.1),
        at_most(plan, f"{label} peak memory of a worker process ÷ the same", large.worker_bytes / worker, 1.1),
    ]


def _microseconds(load: Load, seconds: float) -> float:
    return seconds * _MICROSECONDS / load.rows


def _middle(loads: Sequence[Load]) -> Load:
    return sorted(loads, key=lambda load: load.seconds)[len(loads) // 2]


def _dishonesty(load: Load) -> float:
    """The largest difference, while records are loaded, of `percent` and the share of that time that has passed."""
    loading = [sample for sample in load.samples if sample.document["phase"] == "loading"]
    shares = [100 * sample.seconds / load.loaded_seconds for sample in loading]
    percents: list[float] = [sample.document["progress"]["percent"] for sample in loading]
    return max(abs(share - percent) for share, percent in zip(shares, percents, strict=True))


def _costs(loads: Sequence[tuple[str, Load]]) -> Table:
    header = ["file", "rows", "MB", "T s", "of it loading", "words, s later", "µs a row", "CPU µs a row"]
    header += ["bytes a row", "of indexes"]
    rows = [
        [
            dataset,
            f"{load.rows:,}",
            f"{load.file_bytes / 1e6:,.0f}",
            f"{load.seconds:.1f}",
            f"{load.loaded_seconds:.1f}",
            f"{load.words_seconds:.1f}",
            f"{_microseconds(load, load.seconds):.2f}",
            f"{_microseconds(load, load.cpu_seconds):.2f}",
            f"{load.row_bytes:.0f}",
            f"{load.index_bytes:.0f}",
        ]
        for dataset, load in loads
    ]
    note = (
        "T from the 202 to `completed`; the rest of it builds indexes and publishes. Words: until a search finds them."
        " CPU of all processes, PostgreSQL's and the intake included. Of several loads the one in the middle."
    )
    return Table("What a row costs", header, rows, note)


def _memory(loads: Sequence[tuple[str, Load]]) -> Table:
    names = list(loads[0][1].watch.peak_bytes)
    rows = [
        [
            dataset,
            f"{load.rows:,}",
            *(f"{load.watch.peak_bytes[name] / MIB:,.0f}" for name in names),
            f"{load.watch.server_peak_bytes / MIB:,.0f}",
        ]
        for dataset, load in loads
    ]
    return Table("Peak memory, MB, the largest process of each kind", ["file", "rows", *names, "PostgreSQL"], rows)


def _progress(load: Load) -> Table:
    rows = []
    for percent in _SHOWN_PERCENTS:
        sample = next(each for each in load.samples if each.document["progress"]["percent"] >= percent)
        said = sample.document["progress"]["eta_seconds"]
        left = load.loaded_seconds - sample.seconds
        rows.append([f"{percent}%", f"{sample.seconds:.1f}", "-" if said is None else f"{said:.1f}", f"{left:.1f}"])
    header = ["percent", "s after the 202", "eta_seconds", "true seconds left"]
    return Table(f"What was said of {load.rows:,} titles while they were loaded", header, rows)
