"""What the client does when the API is away, answers late, or answers nonsense: against a small server of our own."""

import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from stack.ports import free_port
from tests.system.cli.answering import MIB, PROBLEM, UPLOAD, Answer, answering
from tests.system.cli.programs import ROOT, SAMPLES, command, run, surroundings


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
    assert result.code == 4
    assert "Failed: one is missing (record_counts_mismatch)." in result.out
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
