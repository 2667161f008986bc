r"""Part `modes`: replacing and upserting beside appending and beside `INSERT ... ON CONFLICT`; and undoing them.

A collection of titles gets a file with all of its keys, in which one row in a hundred has changed, in each mode in
turn. Each of these uploads is undone. What else upserts gets the same file, into a table with the same rows and
indexes.

Then the collection is five times as large, and gets files that have nothing but changed rows.

The counts of changes of each upload must be right, and what readers see afterwards must be what the file says.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench import changes, data, generate, upserts
from bench.changes import Published
from bench.data import LoadFile
from bench.database import require_equal
from bench.plan import Plan
from bench.results import Figure, Found, Table, at_most, median
from bench.stand import Stand
from shared.catalog.write_mode import WriteMode

# The collection of the second half has so many parts, of as many rows as the first half's.
_PARTS: Final = 5
# Of each part, one row in so many is in a file with nothing but changes.
_STEP: Final = 500
_WORDS: Final = ("once", "twice")

_HEADER: Final = ["mode", "T s", "counted after s", "longest wait ms", "undo ms"]
_NOTE: Final = (
    "T: from the 202 to `completed`. Counted: from there to the counts of changes. Longest wait: of a reader who asks"
    " for a row each 5 ms from the first byte sent to the counts, in all runs, by the server's clock; the others are"
    " medians."
)


@dataclass
class Times:
    """Seconds of each run: T, until the counts, of the longest wait of a reader, of the undo."""

    loads: list[float] = field(default_factory=list)
    counts: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    undos: list[float] = field(default_factory=list)

    def add(self, published: Published) -> None:
        """What an upload took."""
        self.loads.append(published.seconds)
        self.counts.append(published.counted_seconds)
        self.waits.append(published.wait_seconds)

    @property
    def cells(self) -> list[str]:
        """As a table shows it."""
        seconds = (f"{median(values):.2f}" for values in (self.loads, self.counts) if values)
        milliseconds = (f"{value * 1000:,.0f}" for value in (max(self.waits), median(self.undos)))
        return [*seconds, *milliseconds]


# seconds of each run, by way
Others = dict[str, list[float]]


def measure(stand: Stand, plan: Plan) -> Found:
    """The whole file in each mode, then the files with nothing but changes; then everything is undone."""
    base = data.titles_file(plan.title_rows)
    with _held(stand, [base.path]):
        whole = _whole_file(stand, plan, base)
    others = [data.more_titles_path(base, part) for part in range(1, _PARTS)]
    with _held(stand, [base.path, *others]):
        few = _few_rows(stand, plan, base)
    return Found([*whole.figures, *few.figures], [*whole.tables, *few.tables])


@contextmanager
def _held(stand: Stand, paths: list[Path]) -> Iterator[None]:
    """The collection has these files in a block.

    They are vacuumed, as autovacuum does it soon after a load; like autovacuum, this analyzes no parents of leaves.
    """
    loaded = [stand.client.finish(stand.client.send_file(path, use_celery=True, mode="append")) for path in paths]
    stand.forget_files()
    stand.database.query("VACUUM movies")
    yield
    for done in reversed(loaded):
        stand.clear(done)


def _whole_file(stand: Stand, plan: Plan, base: LoadFile) -> Found:
    changed = data.changed_titles_file(base)
    times = {mode: Times() for mode in WriteMode}
    others: Others = {way: [] for way in upserts.WAYS}
    plans: list[float] = []
    for run in range(plan.runs):
        for mode, taken in times.items():
            _change_and_undo(stand, base, changed, mode, taken)
            print(f"  run {run + 1}: {mode:<34} {taken.loads[-1]:8.2f} s", flush=True)
        replace = WriteMode.REPLACE
        plans.append(changes.plan(stand, changed, replace, _expected(changed, replace)))
        print(f"  run {run + 1}: {'plan of replace':<34} {plans[-1]:8.2f} s", flush=True)
        # What is slowest once is slowest always: rebuilding the target for it takes longer than all the rest.
        for way in upserts.WAYS if run == 0 else [_fastest(others)]:
            upserts.create_target(stand.database)
            stand.settle()
            others[way].append(upserts.upsert(stand.stack.database_url, way, changed))
            require_equal(way, stand.database.sums_of_target(), changed.sums)
            print(f"  run {run + 1}: {upserts.WAYS[way]:<34} {others[way][-1]:8.2f} s", flush=True)
    stand.database.drop_target()
    held = f"{plan.title_rows:,} titles"
    figures = _whole_figures(plan, held, times, others)
    counting = median(plans) - median(times[WriteMode.APPEND].loads)
    figures.append(at_most(plan, "counting a plan of it, beside the time of append", counting, 5, " s"))
    return Found(figures, [_modes_table(held, times), _others_table(held, others)])


def _change_and_undo(stand: Stand, base: LoadFile, changed: LoadFile, mode: WriteMode, taken: Times) -> None:
    published = changes.publish(stand, changed, mode, _expected(changed, mode))
    if mode is not WriteMode.APPEND:
        require_equal(mode, stand.database.sums_of_all(), changed.sums)
    taken.add(published)
    taken.undos.append(changes.undo(stand, published))
    require_equal(f"the undo of {mode}", stand.database.sums_of_all(), base.sums)


def _expected(changed: LoadFile, mode: WriteMode) -> dict[str, int]:
    if mode is WriteMode.APPEND:
        return {"new": changed.good_rows}
    rows = changed.rows // generate.ROWS_PER_CHANGED_ROW
    return {"changed": rows, "unchanged": changed.good_rows - rows}


def _whole_figures(plan: Plan, held: str, times: dict[WriteMode, Times], others: Others) -> list[Figure]:
    append, replace, upsert = (times[mode] for mode in WriteMode)
    fastest = median(others[_fastest(others)])
    file = f"a file of {held}, 1% of them changed,"
    return [
        at_most(plan, f"T for {file} replace ÷ append", median(replace.loads) / median(append.loads), 1.10),
        at_most(plan, "longest wait of a reader while it replaces", max(replace.waits) * 1000, 100, " ms", digits=0),
        at_most(plan, "its counts of changes, after it has completed", median(replace.counts), 10, " s"),
        at_most(plan, "undo of it", median(replace.undos) * 1000, 100, " ms", digits=0),
        at_most(
            plan, f"T for {file} upsert ÷ `\\copy` and `INSERT ... ON CONFLICT`", median(upsert.loads) / fastest, 0.4
        ),
        at_most(plan, "undo of it", median(upsert.undos), 2, " s"),
    ]


def _few_rows(stand: Stand, plan: Plan, base: LoadFile) -> Found:
    """Each upload changes the same rows again: the two files take turns."""
    first, second = (data.scattered_titles_file(base, _PARTS, _STEP, word) for word in _WORDS)
    upserts.create_target(stand.database)
    times = Times()
    others: Others = {way: [] for way in upserts.WAYS}
    published = []
    for run in range(plan.runs):
        for file in (first, second):
            published.append(changes.publish(stand, file, WriteMode.UPSERT, {"changed": file.rows}))
            times.add(published[-1])
            print(f"  run {run + 1}: {'upsert of few rows':<34} {times.loads[-1]:8.2f} s", flush=True)
        for way, file in zip(upserts.WAYS, (first, second) * len(upserts.WAYS), strict=False):
            stand.settle()
            others[way].append(upserts.upsert(stand.stack.database_url, way, file))
            print(f"  run {run + 1}: {upserts.WAYS[way]:<34} {others[way][-1]:8.2f} s", flush=True)
    require_equal("the last upsert", stand.database.sums_of_all(), stand.database.sums_of_target())
    stand.database.drop_target()
    times.undos = [changes.undo(stand, one) for one in reversed(published)]
    held = f"{_PARTS * plan.title_rows:,} titles"
    ratio = median(times.loads) / median(others[_fastest(others)])
    label = f"T for an upsert of {first.rows:,} changed rows into {held} ÷ the same"
    title = f"{first.rows:,} changed rows into {held}"
    tables = [Table(title, _HEADER, [["upsert", *times.cells]], _NOTE), _others_table(title, others)]
    return Found([at_most(plan, label, ratio, 1.0)], tables)


def _fastest(others: Others) -> str:
    """The way with the least median."""
    return min(others, key=lambda way: median(others[way]))


def _modes_table(held: str, times: dict[WriteMode, Times]) -> Table:
    rows = [[str(mode), *taken.cells] for mode, taken in times.items()]
    return Table(f"A file of {held}, 1% of them changed, into {held}", _HEADER, rows, _NOTE)


def _others_table(held: str, others: Others) -> Table:
    rows = [[upserts.WAYS[way], f"{len(seconds)}", f"{median(seconds):.2f}"] for way, seconds in others.items()]
    return Table(f"`INSERT ... ON CONFLICT`: {held}", ["the table beside it", "runs", "s"], rows)
