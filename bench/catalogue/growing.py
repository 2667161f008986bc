r"""Loading one more file into the full catalogue, beside `\copy` of its rows into a table with the same indexes."""

from pathlib import Path
from typing import Final

from bench import generate
from bench.catalogue import files
from bench.contenders.run import run as run_contender
from bench.data import LoadFile
from bench.database import WrongSums
from bench.plan import Plan
from bench.results import Found, Table, at_most, median
from bench.stand import Stand
from shared.catalog.tables.movies import TABLE as MOVIES
from shared.database.record_ids import end_of
from shared.database.row_tables import sql_table

# No other file of titles has this number.
_NUMBER: Final = 50
_COPY_SHARE: Final = 1.0


def load_into_full(full: Stand, plan: Plan) -> Found:
    r"""T of the product; `\copy` fills an empty table, which is less work, with the words that the product has made."""
    path, good_path = (full.stack.data_dir / name for name in ("more.tsv", "more.good.csv"))
    generate.write(path, files.titles(plan.rows, _NUMBER))
    ours, theirs = list[float](), list[float]()
    for _ in range(plan.runs):
        full.settle()
        done = full.client.finish(full.client.send_file(path, use_celery=True, dataset="title.basics", mode="append"))
        ours.append(done.load_seconds)
        file = _copied_out(full, done.sent.number, path, good_path)
        full.clear(done)
        full.database.create_target(is_indexed=True)
        full.settle()
        theirs.append(run_contender("psql_copy", file, full.stack.database_url).seconds)
        if full.database.query("SELECT count(*) FROM bench_target")[0][0] != plan.rows:
            raise WrongSums("the table that was copied into has other rows")
    full.database.drop_target()
    for each in (path, good_path):
        each.unlink()
    label = f"T for {plan.rows:,} more titles ÷ `psql \\copy` of their rows, with their words, into an empty table"
    cells = [f"{median(ours):.2f}", f"{median(theirs):.2f}", f"{median(ours) / median(theirs):.2f}"]
    table = Table(f"Loading {plan.rows:,} more titles", ["this service, s", "psql \\copy, s", "÷"], [cells])
    return Found([at_most(plan, label, median(ours) / median(theirs), _COPY_SHARE)], [table])


def _copied_out(full: Stand, number: int, path: Path, good_path: Path) -> LoadFile:
    """The rows of the upload as COPY reads them."""
    [[first_id]] = full.database.query("SELECT first_id FROM uploads WHERE number = %s", number)
    columns = tuple(sql_table(MOVIES).columns.keys())
    selected = f"SELECT {', '.join(columns)} FROM movies WHERE id >= {first_id} AND id < {end_of(first_id)}"
    rows = full.database.copy_to(good_path, f"COPY ({selected}) TO STDOUT (FORMAT csv, HEADER)")
    return LoadFile(path, good_path, rows, columns, {"rows": rows})
