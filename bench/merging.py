"""Part `merging`: many large uploads, of one tenant or of a tenant each, listed while and after they are merged.

The product runs on databases of its own. In the first one batches are so small that a large upload has ten rows, and
making a thousand of them takes minutes. They are merged as they come. Then as many leaves as a collection may have
while others load are made with merging paused, and listed while they are merged. Last comes an undo in a merged leaf.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Final

from bench import data, generate
from bench.client import Client, RequestFailed
from bench.database import Database, WrongSums
from bench.plan import LARGE_ROWS, Plan
from bench.results import Figure, Found, Table, at_most, median
from bench.stand import NO_ANSWERS_KEPT, Stand, running_stand
from shared.catalog.registry import Registry
from shared.database.engine import create_sync_engine
from shared.ingest.merging.merger import Merging, merge_all
from shared.ingest.merging.policy import Policy
from shared.settings import Settings

_SETTINGS: Final = {
    "INGEST_SMALL_UPLOAD_BYTES": "1024",
    "INGEST_BATCH_BYTES": "3000",
    "INGEST_MERGE_INTERVAL_SECONDS": "1",
    **NO_ANSWERS_KEPT,
}
_ROWS: Final = 10
_AT_ONCE: Final = 16
_CLIENTS: Final = 32
_REQUESTS_EACH: Final = 4
_FEW_LEAVES: Final = 16
# With more, merging goes on beside loads.
_MOST_LEAVES: Final = 64
_COUNT_LEAVES: Final = r"SELECT count(*) FROM pg_class WHERE relname ~ '^movies_[um]\d+$' AND relispartition"
_SET_PAUSED: Final = "UPDATE merge_control SET is_paused = %s"
_LEASE_SECONDS: Final = 60
# Merges whatever there is.
_EAGER: Final = Policy(few_leaves=1, most_leaves=1, shortest_run=2)


@dataclass
class Listing:
    """Milliseconds of requests and pings, one at a time, alternating; and how many of many at once failed."""

    requests: list[float] = field(default_factory=list)
    pings: list[float] = field(default_factory=list)
    asked_at_once: int = 0
    failed: int = 0

    @property
    def beyond_ping(self) -> float:
        """p50 of the requests minus p50 of the pings; NaN if no request succeeded."""
        return median(self.requests) - median(self.pings) if self.requests else float("nan")


def measure(stand: Stand, plan: Plan) -> Found:
    """Fill, list, merge while listing, list; then undo a file of `plan.rows` in a merged leaf."""
    with _of_its_own(stand, "bench_merging", _SETTINGS) as many:
        found = _merge_many(many, plan)
    with _of_its_own(stand, "bench_tenants", _SETTINGS) as many:
        tenants = _list_tenants(many, plan)
    with _of_its_own(stand, "bench_undo", {}) as other:
        seconds = _undo(other, plan)
    figure = at_most(plan, f"undo of {plan.rows:,} records in a merged leaf", seconds, 5, " s")
    return Found([*found.figures, *tenants, figure], found.tables)


@contextmanager
def _of_its_own(stand: Stand, database: str, settings: Mapping[str, str]) -> Iterator[Stand]:
    """A product on a new database of the stand's server."""
    stand.database.query(f"CREATE DATABASE {database}")
    try:
        url = stand.stack.postgres.url_of(database)
        with running_stand(stand.stack.data_dir.parent / database, url, settings) as its_own:
            yield its_own
    finally:
        stand.database.query(f"DROP DATABASE {database} WITH (FORCE)")
        stand.settle()


def _merge_many(many: Stand, plan: Plan) -> Found:
    _fill(many, [None] * plan.merge_uploads)
    _wait_until_few(many)
    leaves = [_leaves(many.database)]
    phases = {"merged": _list(many, plan.listing_requests)}
    many.database.query(_SET_PAUSED, True)
    _fill(many, [None] * (_MOST_LEAVES - leaves[0]), first_seed=plan.merge_uploads)
    leaves.append(_leaves(many.database))
    phases["not merged"] = _list(many, plan.listing_requests)
    begun = time.perf_counter()
    many.database.query(_SET_PAUSED, False)
    phases["while merging"] = during = _list_until(many, plan, lambda: _leaves(many.database) <= _FEW_LEAVES)
    merge_seconds = time.perf_counter() - begun
    leaves += [leaves[-1], _leaves(many.database)]
    phases["after"] = after = _list(many, plan.listing_requests)
    held = f"after {plan.merge_uploads:,} large uploads of one tenant"
    cells = [
        [
            *(name, f"{count:,}", f"{one.beyond_ping:.1f}", f"{max(one.requests, default=0):.0f}"),
            f"{one.failed} of {one.asked_at_once}",
        ]
        for (name, one), count in zip(phases.items(), leaves, strict=True)
    ]
    return Found(
        [
            at_most(plan, f"leaves {held}, merged", leaves[-1], _FEW_LEAVES, digits=0),
            at_most(plan, f"listing {held}: p50 of the request minus p50 of `/ping`", after.beyond_ping, 10, " ms"),
            at_most(plan, f"failed of {after.asked_at_once} requests of {_CLIENTS} clients", after.failed, 0, digits=0),
            at_most(plan, "the same while leaves are merged", during.beyond_ping, 20, " ms"),
            at_most(plan, f"failed of {during.asked_at_once} requests meanwhile", during.failed, 0, digits=0),
        ],
        [
            Table(
                f"Listing {held}, ms",
                ["", "leaves", "p50 - ping", "longest", "failed at once"],
                cells,
                f"Merging {_MOST_LEAVES} leaves took {merge_seconds:.0f} s, with these requests beside it.",
            )
        ],
    )


def _list_tenants(many: Stand, plan: Plan) -> list[Figure]:
    """One large upload for each of many tenants, who then list their movies in turn."""
    tenants = [f"tenant-{number}" for number in range(plan.merge_uploads)]
    _fill(many, tenants)
    found = _list(many, plan.listing_requests, tenants)
    held = f"{len(tenants):,} tenants with one large upload each"
    return [
        at_most(plan, f"listing with {held}: p50 of the request minus p50 of `/ping`", found.beyond_ping, 10, " ms"),
        at_most(
            plan, f"failed of {found.asked_at_once} of their requests, {_CLIENTS} at once", found.failed, 0, digits=0
        ),
    ]


def _fill(many: Stand, tenants: Sequence[str | None], first_seed: int = 0) -> None:
    """A large upload for each of these tenants, no two alike, some at a time."""
    path = many.stack.data_dir / "fill.csv"
    waiting = []
    for number, tenant in enumerate(tenants, first_seed):
        generate.write(path, generate.movies(_ROWS, seed=number))
        waiting.append(many.client.send_file(path, use_celery=True, tenant=tenant))
        if len(waiting) == _AT_ONCE:
            many.client.finish(waiting.pop(0))
        if number % 100 == 99:
            print(f"  filled {number + 1}", flush=True)
    for sent in waiting:
        many.client.finish(sent)
    many.forget_files()
    path.unlink()


def _wait_until_few(many: Stand) -> None:
    while _leaves(many.database) > _FEW_LEAVES:
        time.sleep(1)


def _leaves(database: Database) -> int:
    return int(database.query(_COUNT_LEAVES)[0][0])


def _list(many: Stand, requests: int, tenants: Sequence[str | None] = (None,)) -> Listing:
    """One at a time, then many at once; each request is another tenant's, in turn."""
    found = Listing()
    _ask(many.stack.api_url, requests, found, tenants)
    return found


def _list_until(many: Stand, plan: Plan, is_over: Callable[[], bool]) -> Listing:
    found = Listing()
    while not is_over():
        _ask(many.stack.api_url, plan.listing_requests, found, [None])
    return found


def _ask(url: str, requests: int, found: Listing, tenants: Sequence[str | None]) -> None:
    whose = cycle(tenants)
    with closing(Client(url)) as client:  # the API closes a connection that is idle while many ask at once
        for tenant in islice(whose, requests):
            found.pings.append(client.milliseconds("/ping"))
            try:
                found.requests.append(client.milliseconds("/movies", {"tenant": tenant}))
            except RequestFailed:
                found.failed += 1
                found.asked_at_once += 1
    _ask_at_once(url, found, list(islice(whose, _CLIENTS * _REQUESTS_EACH)))


def _ask_at_once(url: str, found: Listing, tenants: Sequence[str | None]) -> None:
    failed = [0] * _CLIENTS

    def ask(number: int) -> None:
        with closing(Client(url)) as client:
            for tenant in tenants[number::_CLIENTS]:
                try:
                    client.milliseconds("/movies", {"tenant": tenant})
                except RequestFailed:
                    failed[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(_CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found.asked_at_once += len(tenants)
    found.failed += sum(failed)


def _undo(other: Stand, plan: Plan) -> float:
    """Seconds that the undo of a file takes whose rows are in a leaf with those of another one."""
    other.database.query(_SET_PAUSED, True)
    path = other.stack.data_dir / "other.csv"
    generate.write(path, generate.movies(LARGE_ROWS, seed=7))
    other.client.finish(other.client.send_file(path, use_celery=True))
    done = other.load(data.movies_file(plan.rows), use_celery=True)
    if _leaves(other.database) != 2:
        raise WrongSums("two large uploads should have two leaves")
    other.database.query(_SET_PAUSED, False)
    engine = create_sync_engine(Settings(database_url=other.stack.database_url), "bench-merging")
    begun = time.perf_counter()
    merge_all(Merging(engine, Registry.built_in(), _LEASE_SECONDS, _EAGER))
    engine.dispose()
    if _leaves(other.database) != 1:
        raise WrongSums("the two leaves are not merged")
    print(f"  merged {plan.rows:,} records in {time.perf_counter() - begun:.1f} s", flush=True)
    other.settle()
    begun = time.perf_counter()
    other.clear(done)
    return time.perf_counter() - begun
