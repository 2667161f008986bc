"""What the client does when the API is away, answers late, or answers nonsense: against a small server of our own."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest

from stack.ports import free_port
from tests.system.cli.programs import ROOT, SAMPLES, command, run, surroundings

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
def answering(*answers: Answer) -> Iterator[tuple[str, list[int]]]:
    """A server that gives these answers in turn; yields its address and the sizes of the bodies it has read."""
    left, sizes = list(answers), list[int]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
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


def test_an_api_that_is_away_is_named() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    result = run(["uploads"], INGEST_API_URL=url)
    assert result.code == 1
    assert result.out == ""
    assert url in result.err
    assert "does not answer" in result.err
    assert len(result.err.splitlines()) == 1
    assert run(["uploads", "--json"], INGEST_API_URL=url).document["code"] == "unreachable"


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine() -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    page = {"items": [], "total": 0, "page": 1, "page_size": 20}
    with answering((200, page)) as (url, _):
        assert run(["uploads"], INGEST_API_URL=url, HTTP_PROXY=nowhere, ALL_PROXY=nowhere).code == 0


def test_watching_survives_a_short_outage_and_reports_a_failed_upload() -> None:
    failed = {
        **UPLOAD,
        "state": "failed",
        "phase": "done",
        "error": {"code": "record_counts_mismatch", "message": "one is missing"},
    }
    answers: list[Answer] = [(202, UPLOAD), (503, PROBLEM), (200, UPLOAD), (503, PROBLEM), (200, failed)]
    with answering(*answers) as (url, _):
        result = run(["upload", SAMPLES / "movies.csv", "--wait"], INGEST_API_URL=url)
    assert result.code == 1
    assert "record_counts_mismatch: one is missing" in result.out
    assert "failed" in result.out


def test_without_wait_acceptance_is_enough() -> None:
    with answering((202, UPLOAD)) as (url, sizes):
        assert run(["upload", SAMPLES / "movies.csv"], INGEST_API_URL=url).code == 0
    assert sizes == [(SAMPLES / "movies.csv").stat().st_size]


@pytest.mark.parametrize("answer", [(200, {}), (404, {}), (502, {}), (302, {})])
def test_an_answer_that_is_not_of_our_api_is_one_readable_message(answer: Answer) -> None:
    with answering(answer, answer) as (url, _):
        result = run(["uploads"], INGEST_API_URL=url)
        assert result.code == 1
        assert f"({answer[0]})" in result.err
        assert len(result.err.splitlines()) == 1
        assert run(["upload", SAMPLES / "movies.csv", "--json"], INGEST_API_URL=url).document["status"] == answer[0]


def test_memory_stays_flat_for_a_large_file(tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(400 * MIB)
    with answering((202, UPLOAD)) as (url, sizes):
        arguments = command("upload", large, "--json")
        process = subprocess.Popen(arguments, cwd=ROOT, env=surroundings(INGEST_API_URL=url), stdout=subprocess.DEVNULL)
        peak = peak_bytes(process)
    assert process.returncode == 0
    assert sizes == [400 * MIB]
    assert 0 < peak < 120 * MIB


def peak_bytes(process: subprocess.Popen[bytes]) -> int:
    """The most resident memory that was seen until the process ended."""
    watched, peak = psutil.Process(process.pid), 0
    while process.poll() is None:
        with suppress(psutil.Error):
            peak = max(peak, watched.memory_info().rss)
        time.sleep(0.01)
    return peak
