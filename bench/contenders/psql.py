"""PostgreSQL's own client: what a person at a terminal would do with a clean file."""

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


def _copy(job: Job) -> str:
    path = os.fspath(job.path).replace("'", "''")
    return f"\\copy {job.table} ({', '.join(job.columns)}) FROM '{path}' WITH (FORMAT csv, HEADER)"


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
