"""The lock table of the database server: the error when it is full, and the setting that makes it larger.

A query locks each partition that it opens. All connections share one table in memory, of `max_locks_per_transaction`
times `max_connections` locks. When it is full, whatever needs a lock fails until other transactions end.
"""

from typing import Final

import psycopg2
from psycopg2 import errorcodes

from shared.errors import LockTableFull

SETTING: Final = "max_locks_per_transaction"
# PostgreSQL's default of 64 was too few for some 600 partitions.
FEWEST_LOCKS: Final = 256
# Costs 52 MB of the server's memory with 100 connections.
GOOD_LOCKS: Final = 1024

_ADVICE: Final = f"Set {SETTING} of the database server to {GOOD_LOCKS} or more, and restart it"


def lock_table_full() -> LockTableFull:
    """The error, which names the setting."""
    return LockTableFull(f"The database server has no room for another lock. {_ADVICE}.")


def is_lock_table_full(error: BaseException | None) -> bool:
    """Whether it is this error of psycopg2 or asyncpg, or wraps one.

    A server that is out of memory says the same SQLSTATE; only this error has a hint, which names the setting in every
    language. If a connection cannot be opened, psycopg2 has neither, but both are in the text.
    """
    while error is not None:
        state = getattr(error, "pgcode", None) or getattr(error, "sqlstate", None)
        if state == errorcodes.OUT_OF_MEMORY and SETTING in _hint_of(error):
            return True
        if isinstance(error, psycopg2.Error) and state is None and SETTING in str(error):
            return True
        error = error.__cause__
    return False


def warning_of(locks: int) -> str | None:
    """What is wrong with this value of the setting; None if nothing is."""
    if locks >= FEWEST_LOCKS:
        return None
    return f"{SETTING} is {locks}: queries over many partitions may fail. {_ADVICE}."


def _hint_of(error: BaseException) -> str:
    hint = getattr(error, "hint", None) or getattr(getattr(error, "diag", None), "message_hint", None)
    return str(hint or "")
