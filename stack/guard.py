"""The guard stops all services if the process that started them dies, even by SIGKILL.

The guard is a small process that holds the reading end of a pipe; our process holds the writing end. When our process
dies, the pipe closes, and the guard stops the processes that are still registered, the last one first.
(PR_SET_PDEATHSIG would tie a server to the *thread* that started it, is cleared by a change of user, and does not exist
on macOS.)
"""

import atexit
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

_GRACE_SECONDS = 15.0


class Guard:
    """Our end of the pipe. The first registration starts the guard process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def watch(self, pid: int, stop_signal: int) -> None:
        """Register a process: when we die, stop it with `stop_signal`, and its children with SIGKILL after that."""
        self._send(f"watch {pid} {stop_signal}")

    def forget(self, pid: int) -> None:
        """Unregister a process that has ended, because the kernel may use its number again."""
        self._send(f"forget {pid}")

    def close(self) -> None:
        """End the guard and wait for it; it stops everything that is still registered."""
        with self._lock:
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()
                self._process.wait()
            self._process = None

    def _send(self, line: str) -> None:
        with self._lock:
            process = self._running()
            if process.stdin is not None:
                process.stdin.write(line + "\n")
                process.stdin.flush()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "stack.guard"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=Path(__file__).resolve().parents[1],
                text=True,
                start_new_session=True,
            )
            atexit.register(self.close)
        return self._process


guard = Guard()


def main() -> None:
    """Read registrations until the pipe closes, then stop all registered processes."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watched: dict[int, int] = {}
    for line in sys.stdin:
        match line.split():
            case ["watch", pid, stop_signal]:
                watched[int(pid)] = int(stop_signal)
            case ["forget", pid]:
                watched.pop(int(pid), None)
    for pid, stop_signal in reversed(watched.items()):
        _stop(pid, stop_signal)


def _stop(pid: int, stop_signal: int) -> None:
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        process.send_signal(stop_signal)
    except psutil.NoSuchProcess:
        return
    deadline = time.monotonic() + _GRACE_SECONDS
    while time.monotonic() < deadline and _alive(process):
        time.sleep(0.05)
    for member in family:
        if _alive(member):
            os.kill(member.pid, signal.SIGKILL)


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


if __name__ == "__main__":
    main()
