"""The control: `python -m tests.chaos.naive --seed 1 --kills 15`, the same storm on a plain Celery chord.

The same servers, the same nemesis and the same kind of files as for the platform; the loading is `naive_app`. It
prints how many of its acknowledged uploads and rows are lost, duplicated and stuck. It is no test.
"""

import argparse
import faulthandler
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

import psycopg2
from kombu.exceptions import OperationalError
from rich.console import Console
from rich.table import Table

from bench.generate import movies
from stack.postgres import PostgresServer
from stack.process import Recipe
from stack.services import ROOT, Service
from stack.valkey import ValkeyServer
from tests.chaos import naive_app
from tests.chaos.faults import KINDS, Nemesis, plan
from tests.chaos.ledger import Ledger
from tests.chaos.seeds import stream

_KINDS: Final = tuple(kind for kind in KINDS if not kind.endswith(("api", "background")))
_QUIET_SECONDS: Final = 90.0  # more than the platform gets: the visibility timeout has to pass, too
_MOST_OPEN: Final = 8
_TABLES = """
CREATE TABLE naive_uploads (number int PRIMARY KEY, rows int NOT NULL, state text NOT NULL,
                            sent_at timestamptz DEFAULT now());
CREATE TABLE naive_rows (upload int NOT NULL, position int NOT NULL, title text);
CREATE INDEX ON naive_rows (upload);
"""
_OUTCOMES = """
SELECT number, rows, state, (SELECT count(*) FROM naive_rows WHERE upload = number),
       (SELECT count(DISTINCT position) FROM naive_rows WHERE upload = number)
FROM naive_uploads WHERE state <> 'sending'
"""


@dataclass
class Rig:
    """Servers and workers; what the nemesis needs to know."""

    directory: Path
    workers: list[Service] = field(default_factory=list)
    apis: list[Service] = field(default_factory=list)

    def __post_init__(self) -> None:
        logs = self.directory / "logs"
        self.postgres = PostgresServer(self.directory / "postgres", log_path=logs / "postgres.log")
        self.valkey = ValkeyServer(self.directory / "valkey", log_path=logs / "valkey.log")

    @property
    def database_url(self) -> str:
        """Of our own server."""
        return self.postgres.url

    def start(self, workers: int) -> None:
        """Servers, tables, workers."""
        self.postgres.start()
        self.valkey.start()
        execute(self.database_url, _TABLES)
        os.environ.update(NAIVE_REDIS=self.valkey.url, NAIVE_DATABASE=self.database_url)
        self.workers = [Service(self._recipe(f"naive-{number}")) for number in range(workers)]
        for worker in self.workers:
            worker.start()

    def stop(self) -> None:
        """All of it, in the opposite order."""
        for worker in self.workers:
            worker.kill()
        self.valkey.stop()
        self.postgres.stop()

    def _recipe(self, name: str) -> Recipe:
        options = ["--concurrency=1", "--loglevel=WARNING", f"--hostname={name}@local"]
        return Recipe(
            name=name,
            command=[sys.executable, "-m", "celery", "-A", "tests.chaos.naive_app", "worker", *options],
            log_path=self.directory / "logs" / f"{name}.log",
            pid_path=self.directory / "run" / f"{name}.pid",
            environment=dict(os.environ),
            cwd=ROOT,
        )


def execute(url: str, sql: str, *values: object) -> None:
    """One statement, committed."""
    with closing(psycopg2.connect(url, connect_timeout=3)) as connection, connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        connection.commit()


def rows_of(url: str, sql: str) -> list[tuple[int, int, str, int, int]]:
    """What a query answers."""
    with closing(psycopg2.connect(url, connect_timeout=3)) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def send_all(rig: Rig, seed: int, over: threading.Event) -> None:
    """Upload until the storm is over: acknowledged is what was stored and whose chord was sent without an error."""
    header, *lines = movies(6_000, seed)
    for number in count(1):
        chance = stream(seed, f"naive/{number}")
        rows = chance.randint(200, 3_000)
        path = rig.directory / f"{number}.csv"
        path.write_text("".join([header, *lines[number : number + rows]]), newline="")
        try:
            while not over.is_set() and len(rows_of(rig.database_url, _RECENT)) >= _MOST_OPEN:
                over.wait(0.2)
            execute(
                rig.database_url,
                "INSERT INTO naive_uploads (number, rows, state) VALUES (%s, %s, 'sending')",
                number,
                rows,
            )
            naive_app.begin(number, str(path), rows)
            execute(
                rig.database_url,
                "UPDATE naive_uploads SET state = 'sent' WHERE number = %s AND state = 'sending'",
                number,
            )
        except (psycopg2.Error, OperationalError, OSError):
            over.wait(0.5)
        if over.is_set():
            return


_SENT = "UPDATE naive_uploads SET state = 'sent' WHERE number = %s AND state = 'sending'"
_OPEN = "SELECT number, rows, state, 0, 0 FROM naive_uploads WHERE state = 'sent'"
_RECENT = f"{_OPEN} AND sent_at > now() - interval '20 s'"  # older ones may hang for ever, and others go on


def storm(
    rig: Rig, seed: int, kills: int, tell: Callable[[str], None]
) -> tuple[int, list[tuple[int, int, str, int, int]]]:
    """The number of faults done, and for each acknowledged upload: number, rows, state, rows found, positions found."""
    over = threading.Event()
    nemesis = Nemesis(rig, plan(seed, kills, 3.5, 20.0, _KINDS), Ledger(), tell)
    sender = threading.Thread(target=send_all, args=(rig, seed, over), daemon=True)
    try:
        sender.start()
        nemesis.run()
        time.sleep(0 if kills else 20)  # without any fault nothing may be lost, or the control itself is at fault
        over.set()
        sender.join(30)
        quiet_ends = time.monotonic() + _QUIET_SECONDS
        while time.monotonic() < quiet_ends and rows_of(rig.database_url, _OPEN):
            time.sleep(0.5)
        return len(nemesis.done), rows_of(rig.database_url, _OUTCOMES)
    finally:
        over.set()
        nemesis.clear_up()


def show(seed: int, faults: int, outcomes: list[tuple[int, int, str, int, int]], console: Console) -> None:
    """The figures to compare with the platform's."""
    lost = [rows - positions for _number, rows, _state, _found, positions in outcomes if positions < rows]
    twice = [found - positions for *_rest, found, positions in outcomes if found > positions]
    lies = sum(state == "done" and positions < rows for _number, rows, state, _found, positions in outcomes)
    table = Table("plain chord with acks_late", "is", title=f"the control, seed {seed}, {faults} faults")
    table.add_row("uploads acknowledged", str(len(outcomes)))
    table.add_row("rows sent", f"{sum(rows for _number, rows, *_rest in outcomes):,}")
    table.add_row("uploads with rows lost", str(len(lost)))
    table.add_row("rows lost", f"{sum(lost):,}")
    table.add_row("uploads with rows duplicated", str(len(twice)))
    table.add_row("rows duplicated", f"{sum(twice):,}")
    table.add_row(f"stuck {_QUIET_SECONDS:.0f} s after the storm", str(sum(row[2] != "done" for row in outcomes)))
    table.add_row("called done with rows missing", str(lies))
    console.print(table)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.naive", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=15)
    arguments = parser.parse_args()
    faulthandler.dump_traceback_later(240 + arguments.kills * 10, exit=True)
    with tempfile.TemporaryDirectory(prefix="imdb-ingest-naive-") as directory:
        rig = Rig(Path(directory))
        try:
            rig.start(workers=3)
            naive_app.app.conf.update(broker_url=rig.valkey.url, result_backend=rig.valkey.url)
            console = Console(width=100)
            show(arguments.seed, *storm(rig, arguments.seed, arguments.kills, console.print), console)
        finally:
            rig.stop()


if __name__ == "__main__":
    main()
