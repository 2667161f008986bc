"""Starts a contender in a process of its own: its memory and its CPU are then its own, too."""

import json
import subprocess
import sys
from importlib.util import find_spec
from typing import Final

from bench.contenders.job import Answer, Job
from bench.data import LoadFile
from bench.database import TARGET

MODULES: Final = {
    "psql_copy": "psql",
    "psql_copy_then_index": "psql",
    "upsert_logged": "psql",
    "upsert_unlogged": "psql",
    "upsert_logged_changed": "psql",
    "upsert_unlogged_changed": "psql",
    "pandas_multi": "pandas_ways",
    "pandas_copy": "pandas_ways",
    "adbc_ingest": "arrow",
    "duckdb_copy": "duck",
    "everyday": "everyday",
}
_NEEDS: Final = {"duckdb_copy": "duckdb"}
_LONGEST_SECONDS: Final = 1_800


def is_installed(name: str) -> bool:
    """Whether what the contender is made of is there."""
    return name not in _NEEDS or find_spec(_NEEDS[name]) is not None


def run(name: str, file: LoadFile, url: str) -> Answer:
    """Let the contender load the file's good rows into the target table; raises `CalledProcessError`."""
    job = Job(url, str(file.good_path.absolute()), file.columns, TARGET)
    command = [sys.executable, "-m", "bench.contenders", name]
    result = subprocess.run(
        command, input=job.to_json(), stdout=subprocess.PIPE, text=True, check=True, timeout=_LONGEST_SECONDS
    )
    return Answer(**json.loads(result.stdout))
