"""The client as a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
SAMPLES = ROOT / "samples"


@dataclass(frozen=True)
class Result:
    """What a run left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """stdout as the one JSON document that it must be."""
        return json.loads(self.out)


def command(*arguments: str | Path) -> list[str]:
    """The command line of `imdb-ingest`."""
    return [sys.executable, "-m", "cli.main", *map(str, arguments)]


def surroundings(**variables: str) -> dict[str, str]:
    """Our environment without what would lead the client elsewhere."""
    ours = {"DATABASE_URL", "REDIS_URL", "INGEST_API_URL", "INGEST_API_KEY", "COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE"}
    return {**{name: value for name, value in os.environ.items() if name not in ours}, **variables}


def run(arguments: Sequence[str | Path], timeout_seconds: float = 60, **variables: str) -> Result:
    """Run it to its end."""
    done = subprocess.run(
        command(*arguments),
        cwd=ROOT,
        env=surroundings(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=timeout_seconds,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())
