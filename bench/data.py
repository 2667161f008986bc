"""Files to load, made once and kept in build/bench/data, with the sums that every loader must reach.

movies-N.csv         the file as a client sends it: one row in a hundred is bad
movies-N.good.csv    its good rows in the types and order of the table's columns, for contenders that check nothing

Nothing here is shared with the product: Python's csv module reads, and a row's position tells whether it is bad.
"""

import csv
import gzip
import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench import generate
from shared.catalog.language_codes import language_number
from shared.catalog.search_words import key_of, plain

BUILD: Final = Path("build/bench")
_DIRECTORY: Final = BUILD / "data"
# ids as wide as those of large uploads
FIRST_ID: Final = 2**52

Row = dict[str, Any]
Sums = dict[str, int]

MOVIE_COLUMNS: Final = (
    *("id", "budget", "revenue", "vote_count", "genre_id", "production_company_id", "vote_average", "runtime"),
    *("release_date", "release_order", "release_year", "language_number", "tenant", "title", "original_title"),
    *("original_language", "status", "homepage", "overview", "languages", "title_key", "more_words"),
)
TITLE_COLUMNS: Final = (
    *("id", "runtime", "release_order", "release_year", "end_year", "is_adult", "tenant", "title", "original_title"),
    *("title_type", "source_id", "genres", "title_key", "more_words"),
)
_SUMMED: Final = (
    *("budget", "revenue", "vote_count", "genre_id", "production_company_id", "runtime", "release_order"),
    *("release_year", "end_year", "language_number"),
)
_MEASURED: Final = (
    *("title", "original_title", "original_language", "title_type", "status", "source_id", "homepage", "overview"),
)

# the same sums in SQL, by column name
SUMS_SQL: Final[dict[str, str]] = {
    "rows": "count(*)",
    **{name: f"coalesce(sum({name}), 0)::bigint" for name in _SUMMED},
    **{name: f"coalesce(sum(length({name})), 0)::bigint" for name in _MEASURED},
    "vote_tenths": "coalesce(round(sum(vote_average) * 10), 0)::bigint",
    "days": "coalesce(sum(release_date - date '1970-01-01'), 0)::bigint",
    "adult": "count(*) FILTER (WHERE is_adult)",
    "languages": "coalesce(sum(cardinality(languages)), 0)::bigint",
    "genres": "coalesce(sum(cardinality(genres)), 0)::bigint",
}


@dataclass(frozen=True)
class LoadFile:
    """`path`: what is sent, of `rows` records; `good_path`: its good rows, typed, in `columns`; `sums`: of those."""

    path: Path
    good_path: Path
    rows: int
    columns: tuple[str, ...]
    sums: Sums

    @property
    def good_rows(self) -> int:
        """How many rows a loader must end with."""
        return self.sums["rows"]

    def warm(self) -> None:
        """Read both files once, so that no contender waits for the disk where another did not."""
        for path in (self.path, self.good_path):
            with path.open("rb") as file:
                while file.read(1024 * 1024):
                    pass


def movies_file(rows: int) -> LoadFile:
    """The movies file of so many rows."""
    return _load_file(f"movies-{rows}", ".csv", rows, generate.movies, MOVIE_COLUMNS, _good_movies)


def titles_file(rows: int) -> LoadFile:
    """The title.basics file of so many rows."""
    return _load_file(f"titles-{rows}", ".tsv", rows, generate.titles, TITLE_COLUMNS, _good_titles)


def changed_titles_file(base: LoadFile) -> LoadFile:
    """A title.basics file with other values in some rows, see `generate.changed_titles`."""
    return _titles_from(base, f"titles-changed-{base.rows}", base.rows, generate.changed_titles)


def more_titles_path(base: LoadFile, part: int) -> Path:
    """A title.basics file with keys of its own, see `generate.more_titles`."""
    name = f"titles-{base.rows}-part-{part}.tsv"
    return kept(name, partial(_rewrite, base.path, lambda lines: generate.more_titles(lines, base.rows, part)))


def scattered_titles_file(base: LoadFile, parts: int, step: int, word: str) -> LoadFile:
    """Only rows with other values, see `generate.scattered_titles`."""
    return _titles_from(
        base,
        f"titles-scattered-{base.rows}-{parts}-{step}-{word}",
        base.rows // step * parts,
        lambda lines: generate.scattered_titles(lines, base.rows, parts, step, word),
        has_bad=False,
    )


def gzipped(path: Path) -> Path:
    """The file, compressed at gzip's usual level."""
    return _kept(path.with_name(path.name + ".gz"), lambda draft: _compress(path, draft))


def file_of_bytes(size: int, source: LoadFile) -> Path:
    """At least `size` bytes of whole records: those of `source`, again and again."""
    repeats = -(-size // source.path.stat().st_size)

    def make(draft: Path) -> None:
        header, records = header_bytes(source.path), source.path.read_bytes()
        with draft.open("wb") as file:
            file.write(records[:header])
            for _ in range(repeats):
                file.write(memoryview(records)[header:])

    return _kept(_DIRECTORY / f"bytes-{size}-{_version()}.csv", make)


def kept(name: str, make: Callable[[Path], None]) -> Path:
    """The file of this name among the data, made if it is not there."""
    stem, dot, suffix = name.partition(".")
    return _kept(_DIRECTORY / f"{stem}-{_version()}{dot}{suffix}", make)


def header_bytes(path: Path) -> int:
    """Length of the first line, with its end."""
    with path.open("rb") as file:
        return len(file.readline())


def _load_file(
    name: str,
    suffix: str,
    rows: int,
    lines: Callable[[int], Iterator[str]],
    columns: tuple[str, ...],
    good: Callable[[Path], Iterator[Row]],
) -> LoadFile:
    path = kept(f"{name}{suffix}", lambda draft: generate.write(draft, lines(rows)))
    return _with_good_rows(name, path, rows, columns, good)


def _titles_from(
    base: LoadFile, name: str, rows: int, change: Callable[[Iterator[str]], Iterator[str]], *, has_bad: bool = True
) -> LoadFile:
    """The title.basics file that `change` makes of the lines of another one."""
    path = kept(f"{name}.tsv", partial(_rewrite, base.path, change))
    return _with_good_rows(name, path, rows, TITLE_COLUMNS, partial(_good_titles, has_bad=has_bad))


def _rewrite(source: Path, change: Callable[[Iterator[str]], Iterator[str]], draft: Path) -> None:
    with source.open(encoding="utf-8", newline="\n") as lines:
        generate.write(draft, change(lines))


def _with_good_rows(
    name: str, path: Path, rows: int, columns: tuple[str, ...], good: Callable[[Path], Iterator[Row]]
) -> LoadFile:
    sums_path = _DIRECTORY / f"{name}-{_version()}.json"

    def make_good(draft: Path) -> None:
        sums_path.write_text(json.dumps(_write_good(draft, columns, good(path))))

    good_path = kept(f"{name}.good.csv", make_good)
    return LoadFile(path, good_path, rows, columns, json.loads(sums_path.read_text()))


def _good_movies(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=1):
            if number % generate.ROWS_PER_BAD_ROW == 0:
                continue
            year, month, day = (int(part) for part in row["release_date"].split("-"))
            language = row["languages"].removeprefix("['").removesuffix("']")
            yield {
                **{name: row[name] for name in ("title", "original_title", "original_language", "status", "overview")},
                **{name: int(float(row[name])) for name in ("budget", "revenue", "vote_count", "runtime")},
                **{name: int(row[name]) for name in ("genre_id", "production_company_id")},
                "id": FIRST_ID + number,
                "vote_average": float(row["vote_average"]),
                "release_date": row["release_date"],
                "release_order": year * 10_000 + month * 100 + day,
                "release_year": year,
                "language_number": language_number(row["original_language"]),
                "tenant": "public",
                "homepage": row["homepage"] or None,
                "languages": [language],
                **_words(row["title"], row["original_title"]),
            }


def _good_titles(path: Path, *, has_bad: bool = True) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="\n") as file:
        next(file)
        for number, line in enumerate(file, start=1):
            if has_bad and number % generate.ROWS_PER_BAD_ROW == 0:
                continue
            cells = [None if cell == "\\N" else cell for cell in line.rstrip("\n").split("\t")]
            tconst, kind, title, original, adult, year, end_year, runtime, genres = cells
            yield {
                "id": FIRST_ID + number,
                "runtime": _whole(runtime),
                "release_order": int(year or 0) * 10_000,
                "release_year": _whole(year),
                "end_year": _whole(end_year),
                "is_adult": adult == "1",
                "tenant": "public",
                "title": title,
                "original_title": original,
                "title_type": kind,
                "source_id": tconst,
                "genres": (genres or "").split(","),
                **_words(title or "", original or ""),
            }


def _words(title: str, original: str) -> Row:
    """What the loader keeps for searches; generated titles have no apostrophes and only words with spaces between."""
    others = plain(original)
    return {"title_key": key_of(title), "more_words": None if others == plain(title) else others}


def _whole(cell: str | None) -> int | None:
    return None if cell is None else int(cell)


def _write_good(draft: Path, columns: tuple[str, ...], rows: Iterator[Row]) -> Sums:
    """Write CSV as PostgreSQL's COPY reads it, and add everything up."""
    sums: Counter[str] = Counter()
    with draft.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            _add(sums, row)
            writer.writerow([cell(row[name]) for name in columns])
    return {name: sums[name] for name in SUMS_SQL}


def cell(value: Any) -> Any:
    """The value as COPY reads it from CSV."""
    return "{" + ",".join(value) + "}" if isinstance(value, list) else value


def _add(sums: "Counter[str]", row: Row) -> None:
    sums["rows"] += 1
    sums["vote_tenths"] += round(10 * row.get("vote_average", 0))
    sums["adult"] += row.get("is_adult", False)
    sums["languages"] += len(row.get("languages", ()))
    sums["genres"] += len(row.get("genres", ()))
    if "release_date" in row:
        sums["days"] += _days(row["release_order"])
    for name in _SUMMED:
        sums[name] += row.get(name) or 0
    for name in _MEASURED:
        sums[name] += len(row.get(name) or "")


def _days(release_order: int) -> int:
    """Days from 1970-01-01 to yyyymmdd, by the civil calendar's arithmetic: counted without the product's library."""
    year, month, day = release_order // 10_000, release_order // 100 % 100, release_order % 100
    year -= month <= 2
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return year * 365 + year // 4 - year // 100 + year // 400 + day_of_year - 719_468


def _compress(path: Path, draft: Path) -> None:
    with path.open("rb") as plain, gzip.open(draft, "wb", compresslevel=6) as packed:
        shutil.copyfileobj(plain, packed, 1024 * 1024)


def _kept(path: Path, make: Callable[[Path], None]) -> Path:
    """The file, made under another name first: one that was left half made is never taken for a whole one."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}.part")
        make(draft)
        draft.rename(path)
    return path


def _version() -> str:
    """Changes when the rows could."""
    sources = (generate.__file__, __file__)
    return hashlib.sha256(b"".join(Path(source).read_bytes() for source in sources)).hexdigest()[:8]
