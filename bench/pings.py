"""Part `pings`: how the API answers while a background upload runs on the same machine.

`python -m bench.pings URL` asks `/ping` each 5 ms, from a process of its own, until its standard input ends, and then
prints when it asked and how many milliseconds each answer took.
"""

import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import TypeVar

from bench import data
from bench.client import Client
from bench.plan import Plan
from bench.results import Found, Table, at_most, median, percentile
from bench.stand import Stand

_EVERY_SECONDS = 0.005

# Time of asking (of `time.perf_counter`, which is the whole machine's) and milliseconds of each; milliseconds by run.
Answers = list[tuple[float, float]]
Runs = list[list[float]]

T = TypeVar("T")


def measure(stand: Stand, plan: Plan) -> Found:
    """Idle, then loaded, alternating; from the first byte sent to `completed`."""
    file = data.movies_file(plan.rows)
    idle: Runs = []
    loaded: Runs = []
    loading_only: Runs = []
    for _ in range(plan.runs):
        file.warm()
        stand.settle()
        idle.append(idle_pings(stand, plan))
        answers, done = pinged(stand, lambda: stand.client.finish(stand.client.send_file(file.path, use_celery=False)))
        loaded.append(asked_between(answers))
        loading_only.append(asked_between(answers, done.sent.answered))
        stand.require_sums(done, file.sums, file.rows)
        stand.clear(done)
    quiet, busy = p99(idle), p99(loaded)
    label = f"`GET /ping` p99 while a background upload of {plan.rows:,} rows runs"
    longest = max(max(values) for values in loaded)
    return Found(
        [
            at_most(plan, f"{label} ÷ idle", busy / quiet, 5),
            at_most(plan, "the longest of all these answers", longest, 250, " ms", digits=0),
        ],
        [table({"idle": idle, "intake and loading": loaded, "loading only": loading_only})],
    )


def pinged(stand: Stand, work: Callable[[], T]) -> tuple[Answers, T]:
    """Ping while `work` runs; with what the work returned."""
    command = [sys.executable, "-m", "bench.pings", stand.stack.api_url]
    pinger = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert pinger.stdout is not None
    pinger.stdout.readline()
    try:
        result = work()
    finally:
        output, _ = pinger.communicate("")
    answers: Answers = json.loads(output)
    return answers, result


def idle_pings(stand: Stand, plan: Plan) -> list[float]:
    """Milliseconds of pings while there is no other request."""
    answers, _ = pinged(stand, lambda: time.sleep(plan.idle_ping_seconds))
    return asked_between(answers)


def asked_between(answers: Answers, begin: float = 0.0, end: float = math.inf) -> list[float]:
    """Milliseconds of those that were asked for in this time."""
    return [milliseconds for at, milliseconds in answers if begin < at < end]


def p99(runs: Runs) -> float:
    """The median of the runs' own."""
    return median([percentile(values, 99) for values in runs])


def table(phases: Mapping[str, Runs]) -> Table:
    """Name of a phase -> milliseconds of each of its runs."""
    return Table(
        "GET /ping, ms",
        ["while", "answers", "p50", "p99", "longest"],
        [_row(name, runs) for name, runs in phases.items()],
        "Medians over the runs; one request each 5 ms, or as soon as the one before is answered.",
    )


def _row(name: str, runs: Runs) -> list[str]:
    answers = sum(len(values) for values in runs)
    middle = median([percentile(values, 50) for values in runs])
    longest = max(max(values) for values in runs)
    return [name, f"{answers:,}", f"{middle:.2f}", f"{p99(runs):.2f}", f"{longest:.1f}"]


def ping_until_told(url: str) -> None:
    """The pinger's own process."""
    stopping = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        stopping.set()

    threading.Thread(target=listen, daemon=True).start()
    answers = []
    with closing(Client(url)) as client:
        client.get("/ping")
        print("ready", flush=True)
        while not stopping.is_set():
            asked = time.perf_counter()
            answers.append((asked, client.milliseconds("/ping")))
            time.sleep(max(0.0, asked + _EVERY_SECONDS - time.perf_counter()))
    print(json.dumps(answers))


if __name__ == "__main__":
    ping_until_told(sys.argv[1])
