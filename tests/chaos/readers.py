"""Readers who look all the time: an upload's rows are all there or none is, through the API and through SQL.

Each tenant has one upload only, so that any number other than 0 or its whole is a partial observation.
"""

import itertools
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

import httpx
import psycopg2
from psycopg2 import extensions

from tests.chaos.clients import OpenCount
from tests.chaos.ledger import Attempt, Ledger

_PAGE = 100
_WATCHED = 14  # the newest, which are loading or were published a moment ago


@dataclass
class Watch:
    """One reader's memory: what it has seen whole may go only when somebody asked for that."""

    name: str
    ledger: Ledger
    whole: set[str] = field(default_factory=set)

    def saw(self, attempt: Attempt, rows: int, how: str) -> None:
        """Judge one number of rows."""
        self.ledger.observed()
        if rows not in (0, attempt.expected.rows):
            self.ledger.report("half visible", attempt.tenant, f"{how}: {rows} of {attempt.expected.rows} rows")
        elif rows:
            self.whole.add(attempt.tenant)
        elif attempt.tenant in self.whole and attempt.expected.rows and not attempt.is_undo_asked:
            self.ledger.report("half visible", attempt.tenant, f"{how}: all {attempt.expected.rows} rows vanished")
            self.whole.discard(attempt.tenant)


@dataclass(frozen=True)
class ApiReader:
    """Asks for the first page and its total; the two must fit each other."""

    api_urls: Sequence[str]
    ledger: Ledger

    def run(self) -> None:
        """The thread's body."""
        watch = Watch("api", self.ledger)
        urls = itertools.cycle(self.api_urls)
        with httpx.Client(timeout=httpx.Timeout(10, connect=2)) as client:
            while not self.ledger.readers_may_go.is_set():
                for attempt in self.ledger.attempts[-_WATCHED:]:
                    self._look(client, next(urls), attempt, watch)
                self.ledger.readers_may_go.wait(0.05)

    def _look(self, client: httpx.Client, url: str, attempt: Attempt, watch: Watch) -> None:
        try:
            answer = client.get(f"{url}/api/v1/movies", params={"tenant": attempt.tenant, "page_size": str(_PAGE)})
        except httpx.TransportError:
            time.sleep(0.02)
            return
        if answer.status_code == httpx.codes.OK:
            page = answer.json()
            watch.saw(attempt, page["total"], "GET /movies total")
            if len(page["items"]) != min(page["total"], _PAGE):
                evidence = f"GET /movies: total {page['total']}, but {len(page['items'])} items on the first page"
                self.ledger.report("half visible", attempt.tenant, evidence)
        elif answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            self.ledger.report(
                "unexpected answer", f"movies {attempt.tenant}", f"{answer.status_code} {answer.text[:300]}"
            )


@dataclass(frozen=True)
class SqlReader:
    """Counts rows, and reads the totals, straight from the database; tells senders how much is open."""

    database_url: str
    ledger: Ledger
    open_count: OpenCount

    def run(self) -> None:
        """The thread's body."""
        rows, totals = Watch("rows", self.ledger), Watch("totals", self.ledger)
        while not self.ledger.readers_may_go.is_set():
            try:
                with closing(psycopg2.connect(self.database_url, connect_timeout=3)) as connection:
                    connection.autocommit = True
                    self._look_on(connection, rows, totals)
            except psycopg2.Error:
                self.ledger.readers_may_go.wait(0.2)

    def _look_on(self, connection: extensions.connection, rows: Watch, totals: Watch) -> None:
        while not self.ledger.readers_may_go.is_set():
            self.open_count.value = counts(connection, _OPEN).get("open", 0)
            attempts = self.ledger.attempts
            _judge(rows, attempts, counts(connection, _ROWS), "SELECT count(*) FROM movies")
            _judge(totals, attempts, counts(connection, _TOTALS), "collection_totals")
            self.ledger.readers_may_go.wait(0.25)


_OPEN = "SELECT 'open', count(*) FROM uploads WHERE state IN ('queued', 'loading')"
_ROWS = "SELECT tenant, count(*) FROM movies GROUP BY tenant"
_TOTALS = "SELECT tenant, sum(row_count)::bigint FROM collection_totals WHERE breakdown = 'rows' GROUP BY tenant"


def counts(connection: extensions.connection, sql: str) -> dict[str, int]:
    """A number for each name."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return {str(name): int(number) for name, number in cursor.fetchall()}


def _judge(watch: Watch, attempts: Sequence[Attempt], seen: dict[str, int], how: str) -> None:
    for attempt in attempts:
        watch.saw(attempt, seen.get(attempt.tenant, 0), how)
