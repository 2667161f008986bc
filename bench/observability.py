"""Part `observability`: what it costs to be seen. The same load with metrics, traces and their readers, and without.

Two stacks stand side by side and load in alternation. Processor time counts and not seconds: other programs may run.
The collector is a thread of the bench, so its own time is not counted; that of reading the metrics is.
"""

import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import httpx

from bench import data
from bench.data import BUILD
from bench.plan import Plan
from bench.results import Found, Table, at_most, median
from bench.stand import Stand, running_stand
from stack.ports import LOCALHOST, free_port

_ROWS_SHARE: Final = 0.3
_RUNS: Final = 5
# as deploy/observability/prometheus.yml says
_READ_SECONDS: Final = 15.0


def measure(stand: Stand, plan: Plan) -> Found:
    """Load the movies file with Celery, unseen and seen in alternation."""
    file = data.movies_file(round(plan.rows * _ROWS_SHARE))
    unseen: list[float] = []
    seen: list[float] = []
    with _collector() as endpoint, tempfile.TemporaryDirectory(prefix="seen-", dir=BUILD) as directory:
        ports = free_port(), free_port()
        settings = {
            "INGEST_METRICS_PORT": str(ports[0]),
            "INGEST_WORKER_METRICS_PORT": str(ports[1]),
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        }
        with running_stand(Path(directory), settings=settings) as other, _read(ports):
            for number in range(max(plan.runs, _RUNS)):
                ways = [(stand, unseen), (other, seen)]
                for one, found in ways if number % 2 else reversed(ways):
                    found.append(_load(one, file))
                print(f"  run {number + 1}: {unseen[-1]:8.2f} s unseen, {seen[-1]:8.2f} s seen", flush=True)
    # the least, because whatever else runs only adds to it
    ratio = min(seen) / min(unseen)
    figures = [at_most(plan, "processor time of a load with metrics and traces ÷ without", ratio, 1.02)]
    return Found(figures, [_table(file.rows, unseen, seen)])


def _load(stand: Stand, file: data.LoadFile) -> float:
    """Seconds of processor time of the product."""
    file.warm()
    stand.settle()
    with stand.watch().running() as watch:
        done = stand.client.finish(stand.client.send_file(file.path, use_celery=True))
    stand.require_sums(done, file.sums, file.rows)
    stand.clear(done)
    return watch.cpu_seconds


def _table(rows: int, unseen: Sequence[float], seen: Sequence[float]) -> Table:
    ways = (("without", unseen), ("with metrics and traces", seen))
    return Table(
        f"Processor time of loading {rows:,} movies",
        ["way", "median CPU s", "least", "most"],
        [[way, f"{median(list(each)):.2f}", f"{min(each):.2f}", f"{max(each):.2f}"] for way, each in ways],
        "Of API, worker and broker, for the whole load with intake. Metrics are read every 15 seconds.",
    )


@contextmanager
def _collector() -> Iterator[str]:
    """The address of a server that takes spans and forgets them."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer((LOCALHOST, free_port()), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{LOCALHOST}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _read(ports: Sequence[int]) -> Iterator[None]:
    """Read the metrics while the block runs, as Prometheus does."""
    stopping = threading.Event()

    def read() -> None:
        while not stopping.wait(_READ_SECONDS):
            for port in ports:
                with suppress(httpx.TransportError):
                    httpx.get(f"http://{LOCALHOST}:{port}/metrics", trust_env=False)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield
    finally:
        stopping.set()
        reader.join()
