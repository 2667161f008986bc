"""`python -m tests.unit.csv.peak_memory SMALL LARGE`: the KiB that unpacking LARGE costs beyond those for SMALL."""

import sys
from pathlib import Path

import psutil

from tests.unit.csv.unpacking import pieces


def peak_kib(file: Path) -> int:
    process = psutil.Process()
    return max(process.memory_info().rss for _ in pieces(file.read_bytes(), file.name)) // 1024


def main(small: Path, large: Path) -> None:
    before = peak_kib(small)
    sys.stdout.write(str(peak_kib(large) - before))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
