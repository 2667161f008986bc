"""Writes seeded files to load: `python -m bench.generate movies 1000000 movies.csv`.

movies          about 540 bytes a row; overviews hold quotes, newlines and non-ASCII text; one row in a hundred is
                bad, in one of four ways (vote_average of 11, an impossible date, text for a runtime, a blank title)
title.basics    about 85 bytes a row, IMDb's layout; one row in a hundred is bad (a tconst without tt, year 3000, text
                for a runtime, an isAdult of 2)

The same arguments give the same bytes.
"""

import argparse
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

MOVIES_HEADER = (
    "budget,homepage,original_language,original_title,overview,release_date,revenue,runtime,status,title,"
    "vote_average,vote_count,production_company_id,genre_id,languages"
)
TITLES_HEADER = "tconst\ttitleType\tprimaryTitle\toriginalTitle\tisAdult\tstartYear\tendYear\truntimeMinutes\tgenres"
ROWS_PER_BAD_ROW = 100
ROWS_PER_CHANGED_ROW = 100
_ROWS_PER_WRITE = 10_000

_WORDS = (
    "a the of and under over night river house brother winter city secret summer stranger road glass paper fire "
    "mountain letter harbour train garden ship island mirror storm café naïve señor Zürich Åland déjà tempête "
    "detective family village soldier widow painter teacher thief doctor captain orphan"
).split()
_LANGUAGES = (("en", "English"), ("fr", "Français"), ("de", "Deutsch"), ("es", "Español"), ("ja", "日本語"))
_GENRES = ("Drama", "Comedy", "Short", "Documentary", "Action", "Crime", "Romance", "Animation")
_KINDS = ("movie", "short", "tvEpisode", "tvSeries", "video")


def movies(rows: int, seed: int = 1) -> Iterator[str]:
    """Lines of a movies file, header first, CRLF inside; each of about 540 bytes."""
    chance = random.Random(seed)
    overviews = [_overview(chance) for _ in range(3_000)]
    titles = [_title(chance) for _ in range(20_000)]
    yield MOVIES_HEADER + "\r\n"
    for row in range(rows):
        bad = (row // ROWS_PER_BAD_ROW) % 4 if row % ROWS_PER_BAD_ROW == ROWS_PER_BAD_ROW - 1 else None
        code, language = chance.choice(_LANGUAGES)
        title = chance.choice(titles)
        year, month, day = chance.randint(1920, 2024), chance.randint(1, 12), chance.randint(1, 28)
        date = f"{year}-02-30" if bad == 1 else f"{year}-{month:02}-{day:02}"
        runtime = "about an hour" if bad == 2 else str(chance.randint(60, 200))
        vote = "11.0" if bad == 0 else f"{chance.randint(0, 100) / 10}"
        homepage = f"http://films.example/{row}" if row % 4 == 0 else ""
        yield (
            f"{chance.randint(0, 200) * 1_000_000}.0,{homepage},{code},{title},{chance.choice(overviews)},{date},"
            f"{chance.randint(0, 10**9)}.0,{runtime},Released,{' ' if bad == 3 else title},{vote},"
            f"{chance.randint(0, 20_000)}.0,{chance.randint(1, 90_000)},{chance.randint(12, 10_770)},"
            f"['{language}']\r\n"
        )


def titles(rows: int, seed: int = 1) -> Iterator[str]:
    r"""Lines of a title.basics file, header first, LF; each of about 85 bytes."""
    chance = random.Random(seed)
    names = [_title(chance, most_words=5) for _ in range(20_000)]
    yield TITLES_HEADER + "\n"
    for row in range(rows):
        bad = (row // ROWS_PER_BAD_ROW) % 4 if row % ROWS_PER_BAD_ROW == ROWS_PER_BAD_ROW - 1 else None
        name = chance.choice(names)
        tconst = f"{'nm' if bad == 0 else 'tt'}{row:07}"
        year = "3000" if bad == 1 else str(chance.randint(1900, 2024))
        runtime = "long" if bad == 2 else str(chance.randint(1, 200)) if row % 3 else "\\N"
        adult = "2" if bad == 3 else "0"
        genres = ",".join(chance.sample(_GENRES, chance.randint(1, 3)))
        yield f"{tconst}\t{chance.choice(_KINDS)}\t{name}\t{name}\t{adult}\t{year}\t\\N\t{runtime}\t{genres}\n"


def changed_titles(lines: Iterator[str]) -> Iterator[str]:
    """The same lines; one row in `ROWS_PER_CHANGED_ROW`, a good one, has another title."""
    yield next(lines)
    for row, line in enumerate(lines):
        yield line if row % ROWS_PER_CHANGED_ROW else _retitled(line, "anew")


def more_titles(lines: Iterator[str], rows: int, part: int) -> Iterator[str]:
    """The same lines, of so many rows, with keys that no other `part` has."""
    yield next(lines)
    for line in lines:
        yield _renumbered(line, part * rows)


def scattered_titles(lines: Iterator[str], rows: int, parts: int, step: int, word: str) -> Iterator[str]:
    """One in `step` rows of each part of `more_titles`, all of them good, with other titles."""
    yield next(lines)
    chosen = list(islice(lines, None, None, step))
    for part in range(parts):
        yield from (_retitled(_renumbered(line, part * rows), word) for line in chosen)


def _retitled(line: str, word: str) -> str:
    tconst, kind, title, others = line.split("\t", 3)
    return f"{tconst}\t{kind}\t{title} {word}\t{others}"


def _renumbered(line: str, by: int) -> str:
    tconst, others = line.split("\t", 1)
    return f"{tconst[:2]}{int(tconst[2:]) + by:07}\t{others}"


def write(path: Path, lines: Iterator[str]) -> None:
    """Write the lines, some thousand at a time."""
    with path.open("w", encoding="utf-8", newline="") as file:
        while chunk := "".join(islice(lines, _ROWS_PER_WRITE)):
            file.write(chunk)


def _title(chance: random.Random, most_words: int = 4) -> str:
    return " ".join(chance.choices(_WORDS, k=chance.randint(1, most_words))).capitalize()


def _overview(chance: random.Random) -> str:
    text = ""
    while len(text) < chance.randint(200, 600):
        text += " ".join(chance.choices(_WORDS, k=12)).capitalize() + chance.choice(
            (". ", ", ", '. ""So it is."" ', ".\n")
        )
    return f'"{text.strip()}"'


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=("movies", "title.basics"))
    parser.add_argument("rows", type=int)
    parser.add_argument("path", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    make = movies if arguments.dataset == "movies" else titles
    write(arguments.path, make(arguments.rows, arguments.seed))


if __name__ == "__main__":
    main()
