"""A small server of our own in place of the API, which gives the answers that a test chooses."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

UPLOAD = {
    "id": "11111111-1111-4111-8111-111111111111",
    "filename": "movies.csv",
    "dataset": "movies",
    "state": "queued",
    "phase": "queued",
    "size_bytes": 10,
    "records": {"read": 0, "loaded": 0, "rejected": 0, "duplicate": 0},
    "progress": {"bytes_done": 0, "bytes_total": 10, "percent": 0, "records_per_second": None, "eta_seconds": None},
    "started_at": None,
    "finished_at": None,
    "error": None,
}
PROBLEM = {"title": "Unavailable", "status": 503, "code": "unavailable", "detail": "not now"}
Answer = tuple[int, dict[str, Any]]
MIB = 1024 * 1024


@contextmanager
def answering(*answers: Answer, targets: list[str] | None = None) -> Iterator[tuple[str, list[int]]]:
    """A server that gives these answers in turn; yields its address and the sizes of the bodies it has read.

    `targets` gets the path and query of each request.
    """
    left, sizes = list(answers), list[int]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if targets is not None:
                targets.append(self.path)
            status, body = left.pop(0)
            content = json.dumps(body).encode()
            self.send_response(status)
            kind = "application/problem+json" if status >= 400 else "application/json"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            sizes.append(size)
            while size:
                size -= len(self.rfile.read(min(size, MIB)))
            self.do_GET()

        def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002 - the base class's name

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", sizes
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
