"""The files of the catalogue: titles, films with countries and votes of their own, ratings, people and credits.

Titles are IMDb's in kind and number: most are episodes, many of which are called `Episode #2.7`, and some types are
very rare. Films are those of TMDB. All lines come from a seed; ids are numbered on by the number of the file.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from bench.catalogue.words import Generator, Zipf, first_names, last_names, phrases, title_words
from bench.generate import TITLES_HEADER

GENRES: Final = (
    *("Drama", "Comedy", "Documentary", "Short", "Talk-Show", "Romance", "Family", "News", "Reality-TV", "Animation"),
    *("Music", "Crime", "Action", "Adventure", "Game-Show", "Sport", "Adult", "Fantasy", "Mystery", "Horror"),
    *("Thriller", "History", "Biography", "Sci-Fi", "Musical", "War", "Western", "Film-Noir"),
)
COUNTRIES: Final = (
    *("United States", "France", "Germany", "United Kingdom", "Japan", "India", "Italy", "Canada", "Spain", "Brazil"),
    *("Mexico", "Sweden", "South Korea", "China", "Netherlands", "Poland", "Denmark", "Belgium", "Austria", "Norway"),
    *("Finland", "Greece", "Turkey", "Iran", "Egypt", "Chile", "Peru", "Iceland", "Mali", "Bhutan"),
)
LANGUAGES: Final = ("en", "fr", "de", "es", "ja", "it", "pt", "hi", "ko", "sv", "da", "fi")
RARE_TYPE: Final = "tvPilot"
# Kind of title -> how many of a million.
_TYPES: Final = {
    "tvEpisode": 650_000,
    "short": 110_000,
    "movie": 100_000,
    "video": 50_000,
    "tvSeries": 45_000,
    "tvMovie": 25_000,
    "tvSpecial": 12_000,
    "videoGame": 7_995,
    RARE_TYPE: 5,
}
_PROFESSIONS: Final = ("actor", "actress", "director", "writer", "producer", "composer", "editor")
_FILMS_HEADER: Final = (
    "id,title,vote_average,vote_count,status,release_date,revenue,runtime,adult,budget,homepage,original_language,"
    "original_title,overview,genres,production_countries,spoken_languages"
)
_RATINGS_HEADER: Final = "tconst\taverageRating\tnumVotes"
_NAMES_HEADER: Final = "nconst\tprimaryName\tbirthYear\tdeathYear\tprimaryProfession\tknownForTitles"
_CREDITS_HEADER: Final = "tconst\tordering\tnconst\tcategory\tjob\tcharacters"
_FIRST_YEAR: Final = 1895
_LAST_YEAR: Final = 2025
# Of the ratings, the one at rank r has about so many votes ÷ r.
_MOST_VOTES: Final = 3_000_000
CREDITS_A_TITLE: Final = 3
_WELL_KNOWN: Final = 50


def titles(rows: int, number: int) -> Iterator[str]:
    """A title.basics file."""
    chance = np.random.default_rng([1, number])
    kinds = chance.choice(list(_TYPES), rows, p=[share / 1_000_000 for share in _TYPES.values()]).tolist()
    names = _capitalized(phrases(title_words(), chance, rows, 2, 6))
    genres = _lists(GENRES, chance, rows, 3)
    years = _years(chance, rows)
    runtimes = chance.integers(1, 200, rows).tolist()
    dice = chance.integers(0, 100, rows).tolist()
    yield TITLES_HEADER + "\n"
    rowwise = zip(kinds, names, genres, years, runtimes, dice, strict=True)
    for row, (kind, name, of, year, runtime, die) in enumerate(rowwise, number * rows):
        is_numbered = kind == "tvEpisode" and die < 40
        title = f"Episode #{runtime % 30 + 1}.{die + 1}" if is_numbered else name
        original = f"{title} {kind[:2]}" if die >= 95 else title
        length = "\\N" if die % 3 else runtime
        yield f"{tconst(row)}\t{kind}\t{title}\t{original}\t0\t{year}\t\\N\t{length}\t{','.join(of)}\n"


def films(rows: int, number: int) -> Iterator[str]:
    """A file of TMDB's films."""
    chance = np.random.default_rng([2, number])
    words = title_words()
    names = _capitalized(phrases(words, chance, rows, 2, 6))
    overviews = phrases(words, chance, rows, 15, 45)
    genres, countries = _lists(GENRES, chance, rows, 3), _lists(COUNTRIES, chance, rows, 2)
    languages = Zipf(len(LANGUAGES)).ranks(chance, rows).tolist()
    votes, means = _votes(chance, rows), chance.integers(0, 101, rows).tolist()
    years = _years(chance, rows)
    days = chance.integers(0, 12 * 28, rows).tolist()
    yield _FILMS_HEADER + "\n"
    rowwise = zip(names, overviews, genres, countries, languages, votes, means, years, days, strict=True)
    for row, (name, overview, of, made_in, language, count, mean, year, day) in enumerate(rowwise, number * rows):
        date = f"{year}-{day // 28 + 1:02}-{day % 28 + 1:02}"
        yield (
            f"{row + 1},{name},{mean / 10},{count},Released,{date},{day * 100_000},{day % 120 + 60},False,"
            f'{day * 50_000},,{LANGUAGES[language]},{name},{overview.capitalize()}.,"{", ".join(of)}",'
            f'"{", ".join(made_in)}",English\n'
        )


def ratings(rows: int, titles: int) -> Iterator[str]:
    """A title.ratings file: `rows` of the `titles`, no title twice."""
    chance = np.random.default_rng([3])
    rated = np.sort(chance.choice(titles, rows, replace=False)).tolist()
    votes, means = _votes(chance, rows), chance.integers(10, 101, rows).tolist()
    yield _RATINGS_HEADER + "\n"
    for row, count, mean in zip(rated, votes, means, strict=True):
        yield f"{tconst(row)}\t{mean / 10}\t{count}\n"


def people(rows: int, titles: int) -> Iterator[str]:
    """A name.basics file."""
    chance = np.random.default_rng([4])
    first, last = first_names(), last_names()
    given, family = Zipf(len(first)).ranks(chance, rows).tolist(), Zipf(len(last)).ranks(chance, rows).tolist()
    born = chance.integers(1850, 2010, rows).tolist()
    known = chance.integers(0, titles, (rows, 2)).tolist()
    professions = _lists(_PROFESSIONS, chance, rows, 2)
    yield _NAMES_HEADER + "\n"
    rowwise = zip(given, family, born, known, professions, strict=True)
    for row, (of_given, of_family, year, known_for, does) in enumerate(rowwise):
        name = f"{first[of_given]} {last[of_family]}"
        year_of_birth = year if row % 3 == 0 else "\\N"
        best = ",".join(tconst(title) for title in known_for)
        yield f"{nconst(row)}\t{name}\t{year_of_birth}\t\\N\t{','.join(does)}\t{best}\n"


def credits_of_titles(rows: int, people: int) -> Iterator[str]:
    """A title.principals file: `CREDITS_A_TITLE` for each title; a few people have thousands."""
    chance = np.random.default_rng([5])
    who = Zipf(people, _WELL_KNOWN).ranks(chance, rows).tolist()
    order = random.Random(5).sample(range(people), people)
    yield _CREDITS_HEADER + "\n"
    for row, rank in enumerate(who):
        title, ordering = divmod(row, CREDITS_A_TITLE)
        category = _PROFESSIONS[(row + rank) % len(_PROFESSIONS)]
        yield f"{tconst(title)}\t{ordering + 1}\t{nconst(order[rank])}\t{category}\t\\N\t\\N\n"


def tconst(row: int) -> str:
    """IMDb's id of the title of a row."""
    return f"tt{row + 1:08}"


def nconst(row: int) -> str:
    """IMDb's id of the person of a row."""
    return f"nm{row + 1:08}"


def _capitalized(texts: Iterator[str]) -> Iterator[str]:
    return (text.capitalize() for text in texts)


def _lists(values: Sequence[str], chance: Generator, rows: int, longest: int) -> Iterator[list[str]]:
    """Lists of one to `longest` different values."""
    lengths = chance.integers(1, longest + 1, rows).tolist()
    ranks = Zipf(len(values)).ranks(chance, rows * longest).reshape(rows, longest).tolist()
    for length, drawn in zip(lengths, ranks, strict=True):
        yield [values[rank] for rank in dict.fromkeys(drawn[:length])]


def _years(chance: Generator, rows: int) -> list[int]:
    """More of the recent ones."""
    ages = chance.exponential(25, rows).astype(int) % (_LAST_YEAR - _FIRST_YEAR)
    return (_LAST_YEAR - ages).tolist()  # type: ignore[no-any-return]


def _votes(chance: Generator, rows: int) -> list[int]:
    """A few have millions, most have some dozens."""
    return (5 + _MOST_VOTES / chance.permutation(np.arange(1, rows + 1))).astype(int).tolist()  # type: ignore[no-any-return]
