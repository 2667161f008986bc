"""Programs that the tests start, and what is left of them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psutil

from stack.services import Service

ROOT = Path(__file__).resolve().parents[3]

S = TypeVar("S", bound=Service)


@contextmanager
def running(service: S) -> Iterator[S]:
    """Start it, and stop it whatever happens."""
    service.start()
    try:
        service.wait_ready()
        yield service
    finally:
        service.stop()


def start_python(code: str, *arguments: str | Path, **variables: str) -> subprocess.Popen[str]:
    """A Python program in a session of its own, with the project importable and its output readable as text."""
    environment = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        env={**environment, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def read_until(process: subprocess.Popen[str], word: str) -> list[str]:
    """The lines up to the one that begins with `word`, or all if it ends before."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith(word):
            break
    return lines


def finish(process: subprocess.Popen[str], seconds: float = 60) -> tuple[int, str]:
    """Exit code and the rest of the output."""
    output, _nothing = process.communicate(timeout=seconds)
    return process.returncode, output


def kill_with_guard(process: subprocess.Popen[str]) -> None:
    """SIGKILL to a program and to the guard that would clear up after it."""
    victim = psutil.Process(process.pid)
    guards = [child for child in victim.children() if "stack.guard" in child.cmdline()]
    assert guards
    for target in (*guards, victim):
        target.send_signal(signal.SIGKILL)
    finish(process)


def family_of(pid: int) -> list[psutil.Process]:
    """A process and all its descendants."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run."""
    return [process for process in processes if _runs(process)]


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
