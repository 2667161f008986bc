"""Ctrl-C, as signals to real processes: one line, exit code 130, no traceback."""

import os
import signal
import socket
import subprocess
from functools import partial
from pathlib import Path

import psutil
import pytest

from stack.local import LocalStack
from tests.rows import movies
from tests.system.cli.answering import UPLOAD, answering
from tests.system.cli.programs import ROOT, SAMPLES, command, run, surroundings
from tests.waiting import eventually


def started(*arguments: str | Path, **variables: str) -> subprocess.Popen[bytes]:
    """The client in a session of its own, where Ctrl-C is not ignored even if it is in the test's own session."""
    return subprocess.Popen(
        command(*arguments),
        cwd=ROOT,
        env=surroundings(**variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - it has no threads
    )


def read_until(process: subprocess.Popen[bytes], word: bytes) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if word in line:
            return
    pytest.fail(f"it never said {word!r}")


def interrupted(process: subprocess.Popen[bytes], times: int = 1) -> list[str]:
    """Press Ctrl-C; the lines on stderr after that. Nothing of it is left."""
    family = psutil.Process(process.pid).children(recursive=True)
    for _ in range(times):
        os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert out == b""
    assert not [child for child in family if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    return err.decode().splitlines()


def test_while_it_starts_and_while_it_waits_for_an_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        for has_come in (imports, waits):
            process = started("uploads", INGEST_API_URL=url)
            assert eventually(partial(has_come, psutil.Process(process.pid)))
            assert interrupted(process) == ["Stopped."]


def imports(process: psutil.Process) -> bool:
    """Whether it has begun to import the commands, of which httpx needs OpenSSL."""
    return any("_ssl." in found.path for found in process.memory_maps())


def waits(process: psutil.Process) -> bool:
    return bool(process.net_connections("tcp"))


@pytest.mark.parametrize("times", [1, 3])
def test_while_it_sends_nothing_is_kept(stack: LocalStack, tenant: str, tmp_path: Path, times: int) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    process = started("upload", pipe, "--wait", "--tenant", tenant, INGEST_API_URL=stack.api_url)
    with pipe.open("wb", buffering=0) as writer:
        writer.write(movies({}, {}))
        read_until(process, b"sending")
        (line,) = interrupted(process, times)
    assert line == f"Stopped while sending {pipe}: the API has it only if it had arrived as a whole."
    assert run(["uploads", "--json", "--tenant", tenant], INGEST_API_URL=stack.api_url).document["total"] == 0


def test_while_it_waits_the_upload_is_named() -> None:
    with answering((202, UPLOAD), *[(200, UPLOAD)] * 1000) as (url, _):
        process = started("upload", SAMPLES / "movies.csv", "--wait", "--tenant", "films", INGEST_API_URL=url)
        read_until(process, b"queued")
        (line,) = interrupted(process)
    assert line == (
        f"Stopped waiting; the API goes on loading. To see it: imdb-ingest show {UPLOAD['id']} --tenant films"
    )


def test_of_several_files_it_says_how_many_were_done() -> None:
    done = {**UPLOAD, "state": "completed", "phase": "done"}
    with answering((202, UPLOAD), (200, done), (202, UPLOAD), *[(200, UPLOAD)] * 1000) as (url, _):
        process = started("upload", SAMPLES / "film.csv", SAMPLES / "movies.csv", "--wait", INGEST_API_URL=url)
        assert process.stdout is not None
        assert b"film.csv" in process.stdout.readline()
        (line,) = interrupted(process)
    assert line.startswith("1 of 2 files were done. Stopped w")


def test_a_ctrl_c_that_is_ignored_stays_so() -> None:
    with answering((202, UPLOAD), (200, UPLOAD), (200, {**UPLOAD, "state": "completed", "phase": "done"})) as (url, _):
        process = subprocess.Popen(
            ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command("upload", SAMPLES / "film.csv", "--wait")],
            cwd=ROOT,
            env=surroundings(INGEST_API_URL=url),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        read_until(process, b"sending")
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0
