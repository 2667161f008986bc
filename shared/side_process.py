"""A process beside the API that does what the API must not do itself: pickled questions in, pickled answers out.

Each is preceded by its length, on the standard input and output. The process ends when its input does.
"""

import os
import pickle  # nosec B403  between the API and its own processes only
import sys
from collections.abc import Callable
from typing import Any, BinaryIO, Final

# How many bytes say the length.
LENGTH_BYTES: Final = 8

_NICENESS: Final = 10


def serve(answer: Callable[[Any], Any], output: BinaryIO | None = None, niceness: int = _NICENESS) -> None:
    """Answer until the input ends; what `answer` raises ends the process, so it returns errors that are an answer.

    `output`: where the answers go, by default the standard output.
    """
    os.nice(niceness)
    os.umask(0o077)  # like the API
    while size := sys.stdin.buffer.read(LENGTH_BYTES):
        question = pickle.loads(sys.stdin.buffer.read(int.from_bytes(size)))  # noqa: S301  # nosec B301  only the API writes to it
        _write(output or sys.stdout.buffer, answer(question))


def _write(output: BinaryIO, answer: Any) -> None:
    content = pickle.dumps(answer)
    output.write(len(content).to_bytes(LENGTH_BYTES) + content)
    output.flush()
