"""The bench's own connection to PostgreSQL: tables to load into, their sums, and the settings that make it fair."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg2

from bench.data import SUMS_SQL, Sums
from shared.catalog.tables.movies import TABLE as MOVIES
from shared.database.partitions import create_indexes, create_key_index
from shared.database.record_ids import end_of
from shared.database.row_tables import column_definitions

TARGET: Final = "bench_target"
SHOWN_SETTINGS: Final = (
    *("server_version", "fsync", "synchronous_commit", "full_page_writes", "wal_level", "wal_compression"),
    *("data_checksums", "shared_buffers", "maintenance_work_mem", "max_wal_size"),
)


class Database:
    """One connection in autocommit."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg2.connect(url)
        self._connection.autocommit = True

    def close(self) -> None:
        """Give the connection up."""
        self._connection.close()

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement; its rows, if it returns any."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []

    def copied_bytes(self, sql: str) -> int:
        """Run COPY TO STDOUT; the size of what came."""
        sink = _Counter()
        with self._connection.cursor() as cursor:
            cursor.copy_expert(sql, sink)
        return sink.size

    def copy_to(self, path: Path, sql: str) -> int:
        """Run COPY TO STDOUT into a file; how many rows came."""
        with path.open("wb") as file, self._connection.cursor() as cursor:
            cursor.copy_expert(sql, file)
            return cursor.rowcount

    def settings(self) -> dict[str, str]:
        """What decides over durability and speed, as the server itself says."""
        return {name: str(self.query(f"SHOW {name}")[0][0]) for name in SHOWN_SETTINGS}

    def checkpoint(self) -> None:
        """Write all that is dirty, so that the next one does not pay for the one before."""
        self.query("CHECKPOINT")

    def create_target(self, *, is_indexed: bool) -> None:
        """An empty table with the columns of `movies`; `is_indexed`: with all indexes of a partition."""
        self.query(f"DROP TABLE IF EXISTS {TARGET}")
        self.create_like_movies(TARGET)
        if is_indexed:
            self.index(TARGET)

    def create_like_movies(self, table: str) -> None:
        """An empty table with the columns of a leaf; what only the product knows has a default."""
        self.query(f"CREATE TABLE {table} ({', '.join(column_definitions(MOVIES))})")
        self.query(f"ALTER TABLE {table} ALTER COLUMN collection SET DEFAULT 1")

    def index(self, table: str) -> None:
        """The primary key and the other indexes of a leaf."""
        self.query(f"ALTER TABLE {table} ADD PRIMARY KEY (id)")
        for statement in (*create_key_index(MOVIES, table), *create_indexes(MOVIES, table)):
            self.query(statement)

    def drop_target(self) -> None:
        """Remove it."""
        self.query(f"DROP TABLE IF EXISTS {TARGET}")

    def sums_of_target(self) -> Sums:
        """Rows and column sums of the table that a contender has filled."""
        return self._sums(TARGET, "true")

    def sums_of_upload(self, number: int) -> Sums:
        """The same of one upload's movies, as every reader sees them."""
        [[first_id]] = self.query("SELECT first_id FROM uploads WHERE number = %s", number)
        return self._sums("movies", f"id >= {first_id} AND id < {end_of(first_id)}")

    def sums_of_all(self) -> Sums:
        """The same of all movies that readers see."""
        return self._sums("movies", "true")

    def _sums(self, table: str, condition: str) -> Sums:
        values = self.query(f"SELECT {', '.join(SUMS_SQL.values())} FROM {table} WHERE {condition}")[0]
        return dict(zip(SUMS_SQL, values, strict=True))


class _Counter:
    """A file that only counts."""

    def __init__(self) -> None:
        self.size = 0

    def write(self, piece: bytes) -> None:
        self.size += len(piece)


@contextmanager
def connected(url: str) -> Iterator[Database]:
    """A connection for a block."""
    with closing(Database(url)) as database:
        yield database


class WrongSums(Exception):
    """A loader ended with other rows than it was given: its speed means nothing."""


def require_equal(name: str, found: Sums, expected: Sums) -> None:
    """Raise `WrongSums` unless all counts and sums are equal."""
    wrong = {key: (found[key], value) for key, value in expected.items() if found[key] != value}
    if wrong:
        raise WrongSums(f"{name}: found and expected differ: {wrong}")
