"""The listing on a full table of many large uploads: over HTTP, and its query alone against an unpartitioned table.

Both with the role that requests have, so the cost of row-level security is in all of it but the owner's column.
"""

import asyncio
import base64
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, Literal

from bench import flat
from bench.client import Client
from bench.database import Database
from bench.plan import Plan
from bench.results import Figure, Found, Table, at_most, median
from bench.stand import Stand
from shared.database.queries.browsing.listing import Listing, SortBy

PAGE_SIZE: Final = 20
_DEEP_PAGE: Final = 1_000
_YEAR, _LANGUAGE = 1995, "fr"
_HEADER: Final = ["filter", "sort", "page", "request - ping", "SQL", "SQL, as owner", "SQL, one table", "÷"]
# A backend passes its counters on with a statement that comes at least a second after the last time.
_STATISTICS_SECONDS: Final = 1.2
_FLUSHING_REQUESTS: Final = 3
# A page of 20 and one row to see whether there is more; a merge reads one row ahead of each partition.
_ROWS_A_REQUEST: Final = 200

_ROWS_READ: Final = r"""
SELECT (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname LIKE 'movies\_%')
     + (SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname LIKE 'movies\_%')
"""


@dataclass(frozen=True)
class Case:
    """One listing, its first page (`cursor` None) or one further on; `page` is its number."""

    year: int | None
    language: str | None
    sort_by: SortBy
    sort_order: Literal["asc", "desc"]
    page: int = 1
    cursor: str | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """Of the request."""
        names = ("language", "sort_by", "sort_order", "cursor")
        return {"release_year": self.year, **{name: getattr(self, name) for name in names}}

    @property
    def listing(self) -> Listing:
        """For the product's query."""
        return Listing("public", self.year, self.language, self.sort_by, is_descending=self.sort_order == "desc")

    @property
    def after(self) -> tuple[float, int] | None:
        """Sort key and id before the page."""
        if self.cursor is None:
            return None
        fields = json.loads(base64.urlsafe_b64decode(self.cursor + "=" * (-len(self.cursor) % 4)))
        return fields["k"], fields["i"]

    @property
    def cells(self) -> list[str]:
        """As a table shows it."""
        chosen = [str(value) for value in (self.year, self.language) if value is not None]
        return [", ".join(chosen) or "all", f"{self.sort_by} {self.sort_order}", f"{self.page:,}"]


def measure(full: Stand, database: Database, plan: Plan) -> Found:
    """Requests first, then the query alone: the server counts what the requests read."""
    cases = _cases(full.client)
    exact = _exact_totals(full.client, database)
    flat.create(database)
    full.settle()
    read_before = _rows_read(full.client, database)
    requests, pings = _request_times(full.client, cases, plan.listing_requests)
    asked = len(cases) * plan.listing_requests + _FLUSHING_REQUESTS
    read = (_rows_read(full.client, database) - read_before) / asked
    queries = asyncio.run(flat.compare(full.stack.database_url, cases, PAGE_SIZE + 1, plan.listing_requests))
    flat.drop(database)
    beyond = [median(times) - median(pings) for times in requests]
    ratios = [median(times.requests) / median(times.flat) for times in queries]
    slowest = max(median(times.requests) for times in queries)
    held = f"{plan.fill_uploads * plan.fill_rows:,} rows of {plan.fill_uploads} large uploads"
    figures = [
        at_most(
            plan,
            f"listing on {held}, each filter and sort of the contract, first page and page {_DEEP_PAGE:,} by cursor:"
            " p50 of the request minus p50 of `/ping`",
            max(beyond),
            10,
            " ms",
            digits=1,
        ),
        at_most(
            plan, "the same list query's p50 in SQL ÷ on one unpartitioned table with the same indexes", max(ratios), 6
        ),
        at_most(plan, "p50 of that query", slowest, 5, " ms"),
        _total_figure(plan, exact, read),
    ]
    title = f"Listing on {held}, ms"
    note = (
        f"p50 of {plan.listing_requests} each, alternating; /ping p50 {median(pings):.2f} ms; the worst cell counts."
        " SQL is as requests ask, bound by policies, unless it is the owner's."
    )
    return Found(figures, [Table(title, _HEADER, _rows(cases, beyond, queries), note)])


def _rows(cases: Sequence[Case], beyond: Sequence[float], queries: Sequence[flat.Times]) -> list[list[str]]:
    rows = []
    for case, more, times in zip(cases, beyond, queries, strict=True):
        ours, owners, flat_table = median(times.requests), median(times.owners), median(times.flat)
        numbers = (more, ours, owners, flat_table, ours / flat_table)
        rows.append([*case.cells, *(f"{number:.2f}" for number in numbers)])
    return rows


def _cases(client: Client) -> list[Case]:
    """Every filter and sort of the contract, its first page and page 1,000, or its last but one where it is shorter."""
    cases = []
    sorts: list[SortBy] = ["release_date", "vote_average"]
    orders: list[Literal["asc", "desc"]] = ["asc", "desc"]
    for year, language, sort_by, order in product((None, _YEAR), (None, _LANGUAGE), sorts, orders):
        first = Case(year, language, sort_by, order)
        total = client.get("/movies", first.parameters)["total"]
        page = max(min(_DEEP_PAGE, total // PAGE_SIZE - 1), 2)
        before = client.get("/movies", {**first.parameters, "page": page - 1})
        cases += [first, Case(year, language, sort_by, order, page, before["next_cursor"])]
    return cases


def _exact_totals(client: Client, database: Database) -> bool:
    """Whether `total` is what a count of the rows says, with each filter."""
    found = []
    for year, language in product((None, _YEAR), (None, _LANGUAGE)):
        counted = database.query(
            "SELECT count(*) FROM movies WHERE tenant = 'public' AND release_year = coalesce(%s, release_year)"
            " AND original_language = coalesce(%s, original_language)",
            year,
            language,
        )[0][0]
        found.append(client.get("/movies", {"release_year": year, "language": language})["total"] == counted)
    return all(found)


def _rows_read(client: Client, database: Database) -> float:
    """Entries of indexes and rows of tables that were read of `movies` so far, by everybody."""
    time.sleep(_STATISTICS_SECONDS)
    database.query("SELECT pg_stat_force_next_flush()")
    for _ in range(_FLUSHING_REQUESTS):
        client.get("/movies")
    return float(database.query(_ROWS_READ)[0][0])


def _request_times(client: Client, cases: Sequence[Case], repeats: int) -> tuple[list[list[float]], list[float]]:
    """Milliseconds of each case's requests, and of a ping before each."""
    pings: list[float] = []
    requests: list[list[float]] = [[] for _ in cases]
    client.get("/ping")
    for _ in range(repeats):
        for case, times in zip(cases, requests, strict=True):
            pings.append(client.milliseconds("/ping"))
            times.append(client.milliseconds("/movies", case.parameters))
    return requests, pings


def _total_figure(plan: Plan, exact: bool, read: float) -> Figure:
    reached = f"{'exact' if exact else 'NOT exact'}; {read:.0f} rows of movies read per request"
    target = f"exact, never a count(*): ≤ {_ROWS_A_REQUEST} rows read"
    return Figure("`total`", reached, target, exact and read <= _ROWS_A_REQUEST if plan.is_full else None)
