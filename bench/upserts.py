r"""The other way to upsert: `\copy` into a table beside the target, then `INSERT ... ON CONFLICT (key) DO UPDATE`.

The target has the same rows and the same indexes as the leaf of the product, the unique one of the key included.
"""

from typing import Final

from bench.contenders.run import run as run_contender
from bench.data import TITLE_COLUMNS, LoadFile
from bench.database import TARGET, Database
from shared.catalog.tables.movies import TABLE as MOVIES
from shared.database.partitions import create_indexes, create_key_index

# name of the contender -> what it does
WAYS: Final = {
    "upsert_unlogged_changed": "unlogged, only rows that differ",
    "upsert_logged_changed": "logged, only rows that differ",
    "upsert_unlogged": "unlogged, all rows",
    "upsert_logged": "logged, all rows",
}


def create_target(database: Database) -> None:
    """A table with all movies that readers see; vacuumed, as autovacuum does it soon after a load."""
    columns = ", ".join(TITLE_COLUMNS)
    database.drop_target()
    database.create_like_movies(TARGET)
    database.query(f"INSERT INTO {TARGET} ({columns}) SELECT {columns} FROM movies")
    database.query(f"ALTER TABLE {TARGET} ADD PRIMARY KEY (id)")
    for statement in (*create_key_index(MOVIES, TARGET, is_unique=True), *create_indexes(MOVIES, TARGET)):
        database.query(statement)
    database.query(f"VACUUM ANALYZE {TARGET}")


def upsert(database_url: str, way: str, file: LoadFile) -> float:
    """Seconds that it takes to upsert the file's good rows into the target in one of the `WAYS`."""
    return run_contender(way, file, database_url).seconds
