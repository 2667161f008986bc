"""The loader's connection: it sends Arrow tables by binary COPY, and runs SQL in the same transaction.

Compared with `DataFrame.to_csv` and `COPY ... CSV`, this takes a quarter of the client's time and half of the server's.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2
import pyarrow as pa
from psycopg2 import errorcodes

from shared.database.binary_copy import encode
from shared.database.lock_table import is_lock_table_full, lock_table_full
from shared.database.sqlstates import is_transient, sqlstate_of
from shared.errors import LostLease, Transient, Unavailable, UploadEnded
from shared.settings import Settings

# How much libpq gets at a time.
_COPY_BYTES = 256 * 1024

# A database that has crashed is back within this time.
_INSIST_SECONDS = 30.0
_INSIST_PAUSE_SECONDS = 0.5

_SESSION = {
    "lock_timeout": "5s",
    # A loader that is paused within a transaction must not hold its locks for long.
    "idle_in_transaction_session_timeout": "5s",
    # Nor must a loader whose machine has vanished while the server waits for its next rows.
    "client_connection_check_interval": "5s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "timezone": "UTC",
    # It costs more than it gains where two million rows are compared once.
    "jit": "off",
}


class LoaderConnection:
    """One connection (psycopg2); everything happens inside `transaction()`."""

    def __init__(self, settings: Settings) -> None:
        options = " ".join(f"-c {name}={value}" for name, value in _SESSION.items())
        with _translated():
            self._connection = psycopg2.connect(settings.libpq_url, application_name="ingest-loader", options=options)

    @contextmanager
    def transaction(self) -> Iterator["LoaderConnection"]:
        """Commit at the end, or roll back.

        Raises `Unavailable` for an error of the server or the network (`LockTableFull` is one), and `LostLease`.
        """
        with _translated():
            try:
                yield self
            except BaseException:
                self._rollback_quietly()
                raise
            self._connection.commit()

    def execute(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """Run one statement with `%(name)s` for each value; return its rows, if it has any."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []

    def copy(self, table: str, rows: pa.Table) -> None:
        """Append the rows by binary COPY; column names and types must be the table's."""
        if rows.num_rows:
            # A column that is null in all rows is not sent: a dataset fills at most half of the columns of the table.
            known = rows.select([name for name in rows.column_names if rows[name].null_count < rows.num_rows])
            columns = ", ".join(known.column_names)
            with self._connection.cursor() as cursor:
                cursor.copy_expert(
                    f"COPY {table} ({columns}) FROM STDIN (FORMAT binary)", encode(known), size=_COPY_BYTES
                )

    def close(self) -> None:
        """Close the connection; never raises."""
        with suppress(psycopg2.Error):
            self._connection.close()

    def _rollback_quietly(self) -> None:
        with suppress(psycopg2.Error):
            self._connection.rollback()


class RepeatedKeys(Exception):
    """Rows of one leaf have the same key, so its unique index cannot be built."""


class LoaderPool:
    """Keeps the connections of one process open between uploads; thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._idle: list[LoaderConnection] = []
        self._lock = threading.Lock()

    @contextmanager
    def connection(self) -> Iterator[LoaderConnection]:
        """A connection that has just answered; after an error it is not used again."""
        connection = self._take()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._idle.append(connection)

    def insist(self, action: Callable[[LoaderConnection], None]) -> None:
        """Run the action on a connection of its own, and repeat it while the database is unavailable.

        After `_INSIST_SECONDS` it gives up without an error.
        """
        deadline = time.monotonic() + _INSIST_SECONDS
        while True:
            try:
                with self.connection() as connection:
                    return action(connection)
            except Transient:
                if time.monotonic() > deadline:
                    return None
            time.sleep(_INSIST_PAUSE_SECONDS)

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> LoaderConnection:
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return LoaderConnection(self._settings)
            try:
                with connection.transaction():
                    connection.execute("SELECT 1")
            except Unavailable:
                connection.close()
            else:
                return connection


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except psycopg2.ProgrammingError as error:
        if error.pgcode == errorcodes.UNDEFINED_TABLE:
            raise UploadEnded("the upload's table is gone", {"sqlstate": error.pgcode}) from error
        raise
    except psycopg2.Error as error:
        state = sqlstate_of(error)
        if state == errorcodes.UNIQUE_VIOLATION and (error.diag.constraint_name or "").endswith("_key"):
            raise RepeatedKeys from error
        if state == errorcodes.UNIQUE_VIOLATION:
            raise LostLease("another loader was faster: the rows are already there", {"sqlstate": state}) from error
        if state == errorcodes.CHECK_VIOLATION and (error.diag.constraint_name or "").endswith("_range"):
            raise LostLease("the upload was retried: its ids are others now", {"sqlstate": state}) from error
        if state == errorcodes.OBJECT_NOT_IN_PREREQUISITE_STATE:
            raise LostLease("another loader was faster: the table is already published", {"sqlstate": state}) from error
        if is_lock_table_full(error):
            raise lock_table_full() from error
        if is_transient(state):
            raise Unavailable("the database is not available", {"sqlstate": error.pgcode}) from error
        raise
