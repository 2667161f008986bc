"""PostgreSQL's own client: what a person at a terminal would do with a clean file.

An upsert copies the file into a table beside the target, and from there updates by key.
"""

import os
import subprocess
import time
from urllib.parse import unquote, urlsplit

from bench.contenders.job import Job
from bench.measure import status_bytes
from shared.catalog.tables.movies import TABLE as MOVIES
from shared.database.partitions import create_indexes, create_key_index
from stack.binaries import postgres_bin_dir

_LOOK_SECONDS = 0.01


def psql_copy(job: Job) -> int:
    r"""`\copy table FROM file`; the table has or has not its indexes. psql's peak memory in bytes."""
    return _psql(job, _copy(job))


def psql_copy_then_index(job: Job) -> int:
    r"""`\copy` into a bare table, then its indexes, one after the other."""
    key = f"ALTER TABLE {job.table} ADD PRIMARY KEY (id)"
    return _psql(job, _copy(job), key, *create_key_index(MOVIES, job.table), *create_indexes(MOVIES, job.table))


def upsert_logged(job: Job) -> int:
    """Each row with a key of the file is updated."""
    return _psql(job, *_upsert(job, "TABLE", is_selective=False))


def upsert_unlogged(job: Job) -> int:
    """The same, and the table beside the target writes no log."""
    return _psql(job, *_upsert(job, "UNLOGGED TABLE", is_selective=False))


def upsert_logged_changed(job: Job) -> int:
    """Only rows are updated that have other values."""
    return _psql(job, *_upsert(job, "TABLE", is_selective=True))


def upsert_unlogged_changed(job: Job) -> int:
    """The same, and the table beside the target writes no log."""
    return _psql(job, *_upsert(job, "UNLOGGED TABLE", is_selective=True))


def _upsert(job: Job, kind: str, *, is_selective: bool) -> list[str]:
    columns, staged = ", ".join(job.columns), f"{job.table}_staged"
    values = [name for name in job.columns if name not in ("id", "tenant", *MOVIES.key)]
    present, excluded = (", ".join(f"{row}.{name}" for name in values) for row in ("present", "excluded"))
    key = ", ".join(MOVIES.key)
    has_key = " AND ".join(f"{name} IS NOT NULL" for name in MOVIES.key)
    where = f" WHERE ({present}) IS DISTINCT FROM ({excluded})" if is_selective else ""
    insert = (
        f"INSERT INTO {job.table} AS present ({columns}) SELECT {columns} FROM {staged}"
        f" ON CONFLICT ({key}) WHERE {has_key} DO UPDATE SET ({', '.join(values)}) = ROW ({excluded}){where}"
    )
    return [
        f"CREATE {kind} {staged} (LIKE {job.table} INCLUDING DEFAULTS)",
        _copy(job, staged),
        insert,
        f"DROP TABLE {staged}",
    ]


def _copy(job: Job, table: str = "") -> str:
    path = os.fspath(job.path).replace("'", "''")
    return f"\\copy {table or job.table} ({', '.join(job.columns)}) FROM '{path}' WITH (FORMAT csv, HEADER)"


def _psql(job: Job, *commands: str) -> int:
    address = urlsplit(job.url)
    environment = {
        **os.environ,
        "PGHOST": address.hostname or "",
        "PGPORT": str(address.port),
        "PGUSER": address.username or "",
        "PGPASSWORD": unquote(address.password or ""),
        "PGDATABASE": address.path.lstrip("/"),
    }
    options = ["-X", "-q", "-v", "ON_ERROR_STOP=1"]
    arguments = [argument for command in commands for argument in ("-c", command)]
    process = subprocess.Popen([postgres_bin_dir() / "psql", *options, *arguments], env=environment)
    peak_bytes = 0
    while process.poll() is None:
        peak_bytes = max(peak_bytes, status_bytes(process.pid, "VmHWM"))
        time.sleep(_LOOK_SECONDS)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, "psql")
    return peak_bytes
