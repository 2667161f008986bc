"""Part `pings`: how the API answers while a background upload runs on the same machine.

`python -m bench.pings URL` asks `/ping` each 5 ms, from a process of its own, until its standard input ends, and then
prints when it asked and how many milliseconds each answer took.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TypeVar

from bench import data
from bench.client import Client
from bench.plan import Plan
from bench.results import Found, Table, at_most, median, percentile
from bench.stand import Stand

_EVERY_SECONDS = 0.005

T = TypeVar("T")


def measure(stand: Stand, plan: Plan) -> Found:
    """Idle, then loaded, in turn; from the first byte sent to `completed`."""
    file = data.movies_file(plan.rows)
    idle: list[list[float]] = []
    loaded: list[list[float]] = []
    loading_only: list[list[float]] = []
    for _ in range(plan.runs):
        file.warm()
        stand.settle()
        answers, _ = _pinged(stand, lambda: time.sleep(plan.idle_ping_seconds))
        idle.append([milliseconds for _, milliseconds in answers])
        answers, done = _pinged(stand, lambda: stand.client.finish(stand.client.send_file(file.path, use_celery=False)))
        loaded.append([milliseconds for _, milliseconds in answers])
        loading_only.append([milliseconds for at, milliseconds in answers if at > done.sent.accepted])
        stand.require_account(done, file.account, file.rows)
        stand.clear(done)
    quiet, busy = _p99(idle), _p99(loaded)
    label = f"`GET /ping` p99 while a background upload of {plan.rows:,} rows runs"
    longest = max(max(values) for values in loaded)
    phases = {"idle": idle, "receiving and loading": loaded, "loading only": loading_only}
    rows = [_row(name, runs) for name, runs in phases.items()]
    return Found(
        [
            at_most(plan, f"{label} ÷ idle", busy / quiet, 5),
            at_most(plan, "the longest of all these answers", longest, 250, " ms", digits=0),
        ],
        [
            Table(
                "GET /ping, ms",
                ["while", "answers", "p50", "p99", "longest"],
                rows,
                "Medians over the runs; one request each 5 ms, or as soon as the one before is answered.",
            )
        ],
    )


def _pinged(stand: Stand, work: Callable[[], T]) -> tuple[list[tuple[float, float]], T]:
    """Ping while `work` runs: (time of asking, milliseconds) of each, and what the work returned."""
    command = [sys.executable, "-m", "bench.pings", stand.stack.api_url]
    pinger = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert pinger.stdout is not None
    pinger.stdout.readline()
    try:
        result = work()
    finally:
        output, _ = pinger.communicate("")
    answers: list[tuple[float, float]] = json.loads(output)
    return answers, result


def _p99(runs: Sequence[Sequence[float]]) -> float:
    return median([percentile(values, 99) for values in runs])


def _row(name: str, runs: Sequence[Sequence[float]]) -> list[str]:
    answers = sum(len(values) for values in runs)
    middle = median([percentile(values, 50) for values in runs])
    longest = max(max(values) for values in runs)
    return [name, f"{answers:,}", f"{middle:.2f}", f"{_p99(runs):.2f}", f"{longest:.1f}"]


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
