"""Part `cache`: listings that people ask for again and again, from the cache and without it, side by side.

Some questions are asked far more often than others: the one at rank r as often as 1/r (Zipf). Clients ask at the same
time, each on a connection of its own, on the same rows and servers; only the setting of the API differs.
"""

import http.client
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import product
from typing import Final
from urllib.parse import urlencode, urlsplit

from bench import data
from bench.plan import Plan
from bench.results import Figure, Found, Table, at_least, at_most, median, percentile
from bench.stand import NO_ANSWERS_KEPT, Stand
from stack.ports import free_port
from stack.services import Api, Surroundings

_CLIENTS: Final = 4
_TIMEOUT_SECONDS: Final = 60
_HEADER: Final = ["way", "hits", "304", "p50 ms", "p95 ms", "answers/s"]
_YEARS: Final = range(1930, 2026)
_LANGUAGES: Final = (None, "en", "fr", "de", "ja")
_RUNTIMES: Final = range(80, 180, 4)


@dataclass
class Asked:
    """What clients were answered: milliseconds of each answer, and what the answers said of themselves."""

    milliseconds: list[float] = field(default_factory=list)
    said: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def hit_ratio(self) -> float:
        """Of the answers with a body."""
        made = self.said["hit"] + self.said["miss"]
        return self.said["hit"] / made if made else 0.0

    def row(self, way: str) -> list[str]:
        """As the table shows it."""
        count = len(self.milliseconds)
        shares = f"{self.hit_ratio:.0%}", f"{self.said['304'] / count:.0%}"
        middle, high = median(self.milliseconds), percentile(self.milliseconds, 95)
        return [way, *shares, f"{middle:.2f}", f"{high:.2f}", f"{count / self.seconds:,.0f}"]


def measure(stand: Stand, plan: Plan) -> Found:
    """Without a cache, with an empty one, with a filled one, and for clients that have the answers already."""
    file = data.movies_file(max(plan.rows // 2, 1))
    done = stand.load(file, use_celery=False)
    questions = _questions(random.Random(1))
    count = plan.rows // 200
    with _uncached(stand) as uncached:
        for url in (uncached.url, stand.stack.api_url):
            _ask(url, _drawn(questions, count // 10, seed=0))  # imports, connections and plans
        stand.settle()
        without = _ask(uncached.url, _drawn(questions, count, seed=1))
    stand.clear(stand.load(data.movies_file(100), use_celery=False))  # another version: nothing that is kept counts
    empty = _ask(stand.stack.api_url, _drawn(questions, count, seed=1))
    filled = _ask(stand.stack.api_url, _drawn(questions, count, seed=2))
    known = _ask(stand.stack.api_url, _drawn(questions, count, seed=2), revalidates=True)
    stand.clear(done)
    return Found(
        _figures(plan, without, empty, filled), [_table(file.good_rows, len(questions), without, empty, filled, known)]
    )


def _figures(plan: Plan, without: Asked, empty: Asked, filled: Asked) -> list[Figure]:
    middle, high = (
        percentile(without.milliseconds, percent) / percentile(filled.milliseconds, percent) for percent in (50, 95)
    )
    return [
        at_least(plan, "hit ratio of an empty cache, Zipf", empty.hit_ratio, 0.5),
        at_least(plan, "p50 of a listing without the cache ÷ with a filled one", middle, 1.5),
        at_least(plan, "p95 of the same", high, 1.5),
        at_most(
            plan, "p50 with an empty cache ÷ without", median(empty.milliseconds) / median(without.milliseconds), 1
        ),
    ]


def _table(rows: int, questions: int, without: Asked, empty: Asked, filled: Asked, known: Asked) -> Table:
    note = (
        f"{rows:,} rows, {questions:,} questions of which the one at rank r is asked as often as 1/r, {_CLIENTS}"
        f" clients at a time, {len(without.milliseconds):,} answers a way. With If-None-Match a client sends the tag"
        " that it has."
    )
    shown = {"no cache": without, "empty cache": empty, "filled cache": filled, "filled, If-None-Match": known}
    return Table("Listings from the cache", _HEADER, [asked.row(way) for way, asked in shown.items()], note)


def _questions(chance: random.Random) -> list[str]:
    """Pages of movies by index, and rows with a filter whose total has to be counted; in any order."""
    asked = []
    for year, language, sort_by in product(_YEARS, _LANGUAGES, ("release_date", "vote_average")):
        named = {"release_year": year, "language": language, "sort_by": sort_by}
        asked.append(("/movies", {name: value for name, value in named.items() if value is not None}))
    for year, runtime in product(_YEARS, _RUNTIMES):
        asked.append(("/datasets/movies/rows", {"release_year": year, "runtime__gte": runtime}))
    paths = [f"/api/v1{path}?{urlencode(parameters)}" for path, parameters in asked]
    chance.shuffle(paths)
    return paths


def _drawn(questions: Sequence[str], count: int, seed: int) -> list[str]:
    weights = [1 / rank for rank in range(1, len(questions) + 1)]
    return random.Random(seed).choices(questions, weights, k=count)


@contextmanager
def _uncached(stand: Stand) -> Iterator[Api]:
    """One more API on the same servers, which keeps nothing."""
    stack = stand.stack
    surroundings = Surroundings(stack.data_dir, stack.database_url, stack.redis_url, NO_ANSWERS_KEPT)
    api = Api(surroundings, free_port(), "api-uncached")
    api.start()
    try:
        api.wait_ready()
        yield api
    finally:
        api.stop()


def _ask(url: str, paths: Sequence[str], *, revalidates: bool = False) -> Asked:
    """All of them, by several clients at a time."""
    found = Asked()
    begun = time.perf_counter()
    with ThreadPoolExecutor(_CLIENTS) as pool:
        parts = list(pool.map(lambda first: _asked_by_one(url, paths[first::_CLIENTS], revalidates), range(_CLIENTS)))
    found.seconds = time.perf_counter() - begun
    for part in parts:
        found.milliseconds += part.milliseconds
        found.said += part.said
    return found


def _asked_by_one(url: str, paths: Sequence[str], revalidates: bool) -> Asked:
    address, found, tags = urlsplit(url), Asked(), dict[str, str]()
    with closing(http.client.HTTPConnection(address.hostname or "", address.port, timeout=_TIMEOUT_SECONDS)) as client:
        for path in paths:
            begun = time.perf_counter()
            client.request("GET", path, headers={"If-None-Match": tags[path]} if path in tags else {})
            answer = client.getresponse()
            answer.read()
            found.milliseconds.append((time.perf_counter() - begun) * 1000)
            if answer.status not in (200, 304):
                raise RuntimeError(f"{answer.status} for {path}")
            found.said["304" if answer.status == 304 else answer.headers["X-Cache"]] += 1
            if revalidates:
                tags[path] = answer.headers["ETag"]
    return found
