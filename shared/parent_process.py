"""Processes of Python's multiprocessing that end with the one that has started them, however that ends."""

import multiprocessing
import threading
from collections.abc import Callable


def end_with_parent(end: Callable[[], None]) -> None:
    """Call `end` in a thread when the parent is gone; a process that multiprocessing has not started has none."""
    if (parent := multiprocessing.parent_process()) is not None:

        def wait_and_end() -> None:
            parent.join()
            end()

        threading.Thread(target=wait_and_end, name="parent", daemon=True).start()
