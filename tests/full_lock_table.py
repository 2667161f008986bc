"""A database server whose lock table is full."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2
import pytest

# More than any server of the tests has room for.
_MANY = 1_000_000


@contextmanager
def full_lock_table(url: str) -> Iterator[None]:
    """Until the block ends, a session holds every lock that the server has room for."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        with pytest.raises(psycopg2.errors.OutOfMemory):
            cursor.execute("SELECT count(pg_advisory_lock(7, number)) FROM generate_series(1, %s) number", (_MANY,))
        connection.rollback()  # frees its few other locks; those of the session stay
        with pytest.raises(psycopg2.errors.OutOfMemory):
            cursor.execute("SELECT count(pg_advisory_lock(8, number)) FROM generate_series(1, %s) number", (_MANY,))
        connection.rollback()
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock_all()")  # at once, unlike the end of a session
