"""The short form of the storm; `python -m tests.chaos --seed 1 --kills 40` is the long one."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(170)
def test_a_short_storm_breaks_no_promise() -> None:
    """As a program of its own: its exit code is the verdict, and its table says what went wrong."""
    storm = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--seed", "7", "--kills", "6", "--short"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=160,
        check=False,
    )
    assert storm.returncode == 0, storm.stdout + storm.stderr
