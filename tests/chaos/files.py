"""Files to send, and what must become of each: computed from the bytes, by Python's csv module and rules of our own.

Nothing here is shared with the loader. A file is a slice of a long one; each begins at a row of its own, so that no
two are alike.
"""

import csv
import hashlib
import io
import zlib
from array import array
from dataclasses import dataclass
from datetime import date
from typing import Final

from bench.generate import ROWS_PER_BAD_ROW
from bench.generate import movies as generate_movies
from bench.generate import titles as generate_titles
from tests.chaos.seeds import stream

_BASE_ROWS: Final = {"movies": 24_000, "title.basics": 48_000}
_NAMES: Final = {"movies": "movies.csv", "title.basics": "title.basics.tsv"}
# rows from and to, for: one transaction in the shared partition, some batches, many batches
_SIZES: Final = {
    "movies": ((20, 200), (400, 3_000), (6_000, 14_000)),
    "title.basics": ((100, 1_000), (3_000, 12_000), (20_000, 40_000)),
}
_WEIGHTS: Final = (45, 40, 15)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a file must leave in the tables: `good` lines with the CRC-32 of each title, `bad` line -> column."""

    sha256: str
    good: "array[int]"
    titles: "array[int]"
    bad: dict[int, str]

    @property
    def rows(self) -> int:
        """How many movies it must become."""
        return len(self.good)


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file of the seed's `number`."""

    number: int
    name: str
    content: bytes
    expected: Expected


class Factory:
    """Makes the seed's files by number."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        made = {"movies": generate_movies, "title.basics": generate_titles}
        self._lines = {name: list(make(_BASE_ROWS[name], seed)) for name, make in made.items()}

    def make(self, number: int) -> MadeFile:
        """The file of this number, always the same."""
        chance = stream(self._seed, f"file/{number}")
        dataset = chance.choice(sorted(_SIZES))
        (fewest, most), *_ = chance.choices(_SIZES[dataset], _WEIGHTS)
        header, *rows = self._lines[dataset]
        if chance.random() < 0.5:
            # No bad rows: the key of `rejects` then refuses no batch that is committed twice, and hides no other guard.
            rows = [row for number, row in enumerate(rows, start=1) if number % ROWS_PER_BAD_ROW]
        first = number % (len(rows) // 4)
        content = "".join([header, *rows[first : first + chance.randint(fewest, most)]]).encode()
        return MadeFile(number, _NAMES[dataset], content, expect(content, dataset))


def expect(content: bytes, dataset: str) -> Expected:
    """Read the bytes as a person would, line by line."""
    expected = Expected(hashlib.sha256(content).hexdigest(), array("Q"), array("Q"), {})
    is_movies = dataset == "movies"
    # "\n" as the only end of a line: that is how lines are counted in a file
    text = io.StringIO(content.decode(), newline="\n")
    rows = csv.reader(text) if is_movies else csv.reader(text, delimiter="\t", quoting=csv.QUOTE_NONE)
    names = next(rows)
    line = rows.line_num + 1
    for cells in rows:
        row = dict(zip(names, cells, strict=True))
        fault = _fault_of_movie(row) if is_movies else _fault_of_title(row)
        if fault is None:
            expected.good.append(line)
            expected.titles.append(zlib.crc32(row["title" if is_movies else "primaryTitle"].encode()))
        else:
            expected.bad[line] = fault
        line = rows.line_num + 1
    return expected


def _fault_of_movie(row: dict[str, str]) -> str | None:
    if not row["title"].strip():
        return "title"
    if not 0 <= float(row["vote_average"]) <= 10:
        return "vote_average"
    if not row["runtime"].isdigit():
        return "runtime"
    return None if _is_date(row["release_date"]) else "release_date"


def _fault_of_title(row: dict[str, str]) -> str | None:
    if not (row["tconst"].startswith("tt") and row["tconst"][2:].isdigit()):
        return "tconst"
    if row["isAdult"] not in {"0", "1"}:
        return "isAdult"
    if row["runtimeMinutes"] != "\\N" and not row["runtimeMinutes"].isdigit():
        return "runtimeMinutes"
    return None if 1870 <= int(row["startYear"]) <= 2100 else "startYear"


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
