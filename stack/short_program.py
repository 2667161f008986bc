"""Short programs such as initdb: they are run to their end, or ended when the user asks to stop."""

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event

from stack.guard import guard
from stack.process import kill_group
from stack.stack_errors import Interrupted, StackError

_POLL_SECONDS = 0.05


def run_short(
    command: Sequence[str | Path],
    *,
    seconds: float,
    cancelled: Event | None = None,
    environment: Mapping[str, str] | None = None,
    cwd: Path = Path("/"),
    uid: int | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program in a session of its own, so that Ctrl-C reaches only us; return its result, with its output.

    Raises `Interrupted` if `cancelled`, `StackError` after `seconds`; both leave nothing of the program behind.
    """
    deadline = time.monotonic() + seconds
    with subprocess.Popen(
        command,
        env=environment,
        cwd=cwd,
        user=uid,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        guard.watch(process.pid, signal.SIGKILL)
        try:
            while True:
                try:
                    out, err = process.communicate(timeout=_POLL_SECONDS)
                except subprocess.TimeoutExpired:
                    _check(command, seconds, deadline, cancelled)
                else:
                    return subprocess.CompletedProcess(command, process.returncode, out, err)
        finally:
            kill_group(process.pid)
            guard.forget(process.pid)


def _check(command: Sequence[str | Path], seconds: float, deadline: float, cancelled: Event | None) -> None:
    if cancelled is not None and cancelled.is_set():
        raise Interrupted
    if time.monotonic() > deadline:
        raise StackError(f"{Path(command[0]).name} did not end in {seconds:.0f} s")
