"""`imdb-ingest up` with Ctrl-C at any moment, as the terminal sends it: to the whole process group."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from stack.supervisor import DEFAULT_FLOWER_PORT
from tests.system.stack.processes import ROOT, alive, family_of, finish, read_until
from tests.waiting import eventually

# several starts of the stack, on two cores
pytestmark = pytest.mark.timeout(300)


def start_up(data_dir: Path, *options: str) -> subprocess.Popen[str]:
    servers = {"DATABASE_URL", "REDIS_URL"}
    return subprocess.Popen(
        [sys.executable, "-m", "cli.main", "up", "--port", "0", "--data-dir", data_dir, *options],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in servers},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - it has no threads
    )


def runs(process: subprocess.Popen[str], word: str) -> Callable[[], bool]:
    """Whether one of the processes that it has started has this word in its command line."""

    def is_there() -> bool:
        with suppress(psutil.NoSuchProcess):
            return any(
                word in " ".join(child.cmdline()) for child in psutil.Process(process.pid).children(recursive=True)
            )
        return False

    return is_there


def press(process: subprocess.Popen[str], times: int) -> list[str]:
    """Press Ctrl-C; the lines after that. Nothing is left of the process and its children."""
    family = family_of(process.pid)
    for _ in range(times):
        os.killpg(process.pid, signal.SIGINT)
    code, output = finish(process, 90)
    assert code == 0, output
    assert "Traceback" not in output
    assert eventually(lambda: not alive(family), 20)
    return output.splitlines()


# initdb fills its cluster with a server of its own, `postgres --single`
@pytest.mark.parametrize(("step", "times"), [("--single", 1), ("cli.main migrate", 2)])
def test_ctrl_c_while_it_starts_ends_it_in_one_line(tmp_path: Path, step: str, times: int) -> None:
    process = start_up(tmp_path)
    assert eventually(runs(process, step), 60)
    lines = [line for line in press(process, times) if not line.startswith(("postgres ", "valkey "))]
    assert [line.split() for line in lines] == ["stopped before everything had started".split()]
    assert not (tmp_path / "postgres" / "initdb.password").exists()


def test_flower_moves_if_its_port_is_taken_and_ctrl_c_twice_ends_all(tmp_path: Path) -> None:
    with socket.socket() as other:
        with suppress(OSError):  # then somebody else has it, which is as good
            other.bind(("127.0.0.1", DEFAULT_FLOWER_PORT))
            other.listen()
        process = start_up(tmp_path, "--beat")
        lines = read_until(process, "ready")
    moved, _, rest = lines[0].partition("; it takes ")
    taken = f"port {DEFAULT_FLOWER_PORT} for Flower cannot be used on 127.0.0.1: Address already in use"
    assert moved == f"flower    {taken}"
    port, _, advice = rest.partition(" ")
    assert advice == "(choose another with --flower-port, or --no-flower)"
    assert httpx.get(f"http://127.0.0.1:{port}", trust_env=False).status_code == 401
    assert "beat" in [line.split()[0] for line in lines]
    words = [line.split()[0] for line in press(process, 2)]
    assert words == ["stopping", "stopped"]
