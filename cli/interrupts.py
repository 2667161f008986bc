"""What Ctrl-C does: one line on stderr, exit code 130, and no traceback, wherever the program is.

The handler ends the process at once instead of raising `KeyboardInterrupt`, which would pass through libraries in any
state, and which a second Ctrl-C would interrupt again. The client holds nothing that must be tidied up: the API drops a
request that ends early. Commands that start services have handlers of their own (`stack.supervisor.Signals`).
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

INTERRUPTED: Final = 130
_SHOW_CURSOR: Final = "\x1b[?25h"  # a progress bar hides it


def end_at_ctrl_c(message: Callable[[], str] = lambda: "Stopped.") -> None:
    """From now on Ctrl-C prints the message and ends the process. A Ctrl-C that is ignored stays so, as with nohup."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        return

    def end(_number: int, _frame: FrameType | None) -> None:
        cursor = _SHOW_CURSOR if sys.stderr.isatty() else ""
        # not by print: the signal may have interrupted one, which holds the lock of its buffer
        os.write(2, f"{cursor}{message()}\n".encode(errors="backslashreplace"))
        os._exit(INTERRUPTED)

    signal.signal(signal.SIGINT, end)


def ignore_ctrl_c() -> None:
    """From now on Ctrl-C does nothing: the command is over, and Python is about to end the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def ctrl_c_says(message: Callable[[], str]) -> Iterator[None]:
    """Within the block, Ctrl-C prints this message; it is made when the signal comes."""
    before = signal.getsignal(signal.SIGINT)
    end_at_ctrl_c(message)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
