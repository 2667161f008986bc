"""Run a program so that Ctrl-C ends it at once, with all that it has started, and without a traceback.

    python -S tools/interruptible.py PROGRAM ARGUMENT...

For `make`, which needs it before there is a .venv: it imports the standard library only. The exit code is the
program's, or 130 after Ctrl-C.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from threading import Event

_POLL_SECONDS = 0.1
_INTERRUPTED = 130


def main(command: list[str]) -> int:
    """Run the command in a session of its own, which Ctrl-C does not reach, and return its exit code."""
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    process = subprocess.Popen(command, start_new_session=True)  # noqa: S603 - make says what to run
    while not stop.is_set():
        with suppress(subprocess.TimeoutExpired):
            return process.wait(_POLL_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
