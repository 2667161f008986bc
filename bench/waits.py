"""How long a reader waits while something else goes on: it asks for one row of `movies` each few milliseconds.

So the longest of its waits is how long a publishing keeps readers out, from the request for its locks to the end of its
commit, less at most one pause. The server measures it, from the arrival of the statement to its first row: on a busy
machine, our own thread waits for longer than that.
"""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

import psycopg2

from bench.database import Database

_PAUSE_SECONDS: Final = 0.005
_WAIT: Final = """
SELECT extract(epoch FROM clock_timestamp() - statement_timestamp())::float8
FROM movies WHERE tenant = 'public' LIMIT 1
"""


class Waits:
    """What the reader has seen so far."""

    def __init__(self) -> None:
        self.longest_seconds = 0.0


@contextmanager
def reading(url: str) -> Iterator[Waits]:
    """Read while the block runs; raises `RuntimeError` at its end if a read failed."""
    waits, stopping, errors = Waits(), threading.Event(), list[psycopg2.Error]()

    def read() -> None:
        try:
            with closing(Database(url)) as database:
                while not stopping.wait(_PAUSE_SECONDS):
                    [[seconds]] = database.query(_WAIT)
                    waits.longest_seconds = max(waits.longest_seconds, seconds)
        except psycopg2.Error as error:
            errors.append(error)

    reader = threading.Thread(target=read, name="reader")
    reader.start()
    try:
        yield waits
    finally:
        stopping.set()
        reader.join()
    if errors:
        raise RuntimeError("a read failed") from errors[0]
