"""Waiting for what comes true in a while."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(fact: Callable[[], T], seconds: float = 30) -> T:
    """What `fact` returns as soon as that is true, or when the time is over."""
    deadline = time.monotonic() + seconds
    while not (found := fact()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found or fact()
