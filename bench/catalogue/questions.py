"""What is asked of the catalogue: many different questions of each kind, none of them twice.

Titles, names and ids are drawn from the rows themselves, words from the vocabulary; the seed is fixed.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from itertools import islice
from typing import Any, Final
from urllib.parse import urlencode

from bench.catalogue import files
from bench.catalogue.words import title_words
from bench.database import Database

_SEED: Final = 19
# Blocks of a table that are drawn hold at least so many rows.
_DRAWN: Final = 20_000
_PERCENT: Final = 100
_COMMON_WORDS: Final = slice(15, 200)
_RARE_WORDS: Final = slice(20_000, None)
_FAR_PAGES: Final = range(40, 60)
# A draw that was drawn before is drawn again, but not for ever: some kinds have few questions.
_DRAWS_A_QUESTION: Final = 20


class Group(StrEnum):
    """What a kind of questions counts for."""

    SEARCH = "search"
    LISTING = "listing"
    OTHERS = "others"
    REPORT = "report"


@dataclass(frozen=True)
class Question:
    """One GET below /api/v1."""

    path: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.path}?{urlencode(self.parameters)}"


@dataclass(frozen=True)
class Kind:
    """Questions of one kind; `has_same_total`: the plain service means the same movies by them."""

    name: str
    group: Group
    questions: list[Question]
    has_same_total: bool = False

    @property
    def is_asked_of_both(self) -> bool:
        """Whether the plain service has this, too."""
        return self.group is not Group.REPORT


@dataclass(frozen=True)
class Rows:
    """Some rows of the catalogue, in any order."""

    titles: list[str]
    movie_ids: list[int]
    names: list[str]
    person_ids: list[int]
    person_keys: list[str]

    @classmethod
    def drawn(cls, database: Database) -> "Rows":
        """The same ones of the same rows."""
        chance = random.Random(_SEED)
        movies = _drawn(database, "movies", "id, title", chance)
        people = _drawn(database, "people", "id, name, source_id", chance)
        credited = _drawn(database, "credits", "person_id", chance)
        return cls(
            [row[1] for row in movies],
            [row[0] for row in movies],
            [row[1] for row in people],
            [row[0] for row in people],
            [row[0] for row in credited],
        )


def kinds(rows: Rows, count: int) -> list[Kind]:
    """All kinds, with `count` questions each, or as many as there are."""
    chance = random.Random(_SEED)
    words = title_words()
    texts = {
        "exact title": lambda: chance.choice(rows.titles),
        "a title as one types": lambda: _begun(chance, chance.choice(rows.titles)),
        "a common word": lambda: chance.choice(words[_COMMON_WORDS]),
        "two words of a title": lambda: _words_of(chance, chance.choice(rows.titles)),
        "a name": lambda: chance.choice(rows.names),
        "a last name as one types": lambda: _begun(chance, chance.choice(rows.names).split()[-1]),
        "a rare word": lambda: chance.choice(words[_RARE_WORDS]),
        "a word that there is not": lambda: "".join(chance.choices("qwxyz", k=6)),
    }
    draws: list[tuple[str, Group, Callable[[], Question]]] = [
        *((name, Group.SEARCH, partial(_search, text)) for name, text in texts.items()),
        *((name, Group.LISTING, partial(_list, of)) for name, of in _listings(chance, rows).items()),
        *((name, Group.OTHERS, question) for name, question in _others(chance, rows).items()),
    ]
    asked = [
        Kind(name, group, _different(count, draw), has_same_total=group is Group.LISTING and "title" not in name)
        for name, group, draw in draws
    ]
    reports = [Kind(path, Group.REPORT, [Question(path)] * count) for path in ("/stats", "/reports/genres")]
    return [*asked, *reports]


def _search(text: Callable[[], str]) -> Question:
    return Question("/search", {"q": text()})


def _list(parameters: Callable[[], dict[str, Any]]) -> Question:
    return Question("/movies", parameters())


def _listings(chance: random.Random, rows: Rows) -> dict[str, Callable[[], dict[str, Any]]]:
    def genre() -> str:
        return chance.choice(files.GENRES)

    def years() -> dict[str, int]:
        first = chance.randint(1930, 2015)
        return {"year_from": first, "year_to": first + chance.randint(1, 10)}

    def of(sort_by: str, order: str = "desc") -> dict[str, str]:
        return {"sort_by": sort_by, "sort_order": order}

    by_popularity, by_mean = of("popularity"), of("vote_average")
    rare = {"title_type": files.RARE_TYPE}
    never = {"title_type": "tvEpisode"}  # films, which have countries, are of no type
    return {
        "year and language": lambda: {
            "release_year": chance.randint(1980, 2025),
            "language": chance.choice(files.LANGUAGES),
        },
        "title, as one types": lambda: {"title": _begun(chance, chance.choice(rows.titles)), **by_popularity},
        "title, two words": lambda: {"title": _words_of(chance, chance.choice(rows.titles)), **by_popularity},
        "genre": lambda: {
            "genre": genre(),
            **of(chance.choice(("release_date", "popularity", "vote_average", "title"))),
        },
        "genre and years": lambda: {"genre": genre(), **years(), **by_mean},
        "country": lambda: {"country": chance.choice(files.COUNTRIES), **chance.choice((by_popularity, by_mean))},
        "genre, country and years": lambda: {
            "genre": genre(),
            "country": chance.choice(files.COUNTRIES),
            **years(),
            **by_popularity,
        },
        "person": lambda: {"person": chance.choice(rows.person_keys), **by_popularity},
        "least votes, by mean": lambda: {"min_votes": chance.randint(10, 20_000), **by_mean},
        "least votes, by mean, far": lambda: {
            "min_votes": chance.randint(6, 50),
            **by_mean,
            "page": chance.choice(_FAR_PAGES),
        },
        "by popularity": lambda: {**by_popularity, "page": chance.randint(1, 100)},
        "by title, of a type": lambda: {
            "title_type": chance.choice(("movie", "tvSeries", "short", "video")),
            **of("title", "asc"),
            "page": chance.randint(1, 20),
        },
        "genre, far": lambda: {"genre": genre(), **by_popularity, "page": chance.choice(_FAR_PAGES)},
        "rare type": lambda: {**rare, **of(chance.choice(("title", "popularity", "release_date", "vote_average")))},
        "common filters that never meet": lambda: {
            "genre": chance.choice(files.GENRES[:8]),
            "country": chance.choice(files.COUNTRIES[:8]),
            **never,
            **of(chance.choice(("popularity", "release_date", "vote_average"))),
        },
    }


def _others(chance: random.Random, rows: Rows) -> dict[str, Callable[[], Question]]:
    return {
        "a movie": lambda: Question(f"/movies/{chance.choice(rows.movie_ids)}"),
        "people of a year": lambda: Question("/people", {"birth_year": chance.randint(1850, 2009)}),
        "movies of a person": lambda: Question(f"/people/{chance.choice(rows.person_ids)}/movies"),
        "genres": lambda: Question("/genres"),
        "countries": lambda: Question("/countries"),
    }


def _different(count: int, draw: Callable[[], Question]) -> list[Question]:
    drawn: Iterator[Question] = (draw() for _ in range(count * _DRAWS_A_QUESTION))
    return list(islice({str(question): question for question in drawn}.values(), count))


def _begun(chance: random.Random, text: str) -> str:
    """At least three characters of it, if it has them."""
    return text[: chance.randint(min(3, len(text)), len(text))].rstrip()


def _words_of(chance: random.Random, text: str) -> str:
    words = text.split()
    first = chance.randrange(max(len(words) - 1, 1))
    return " ".join(words[first : first + 2])


def _drawn(database: Database, table: str, columns: str, chance: random.Random) -> list[tuple[Any, ...]]:
    [[rows]] = database.query(f"SELECT sum(reltuples) FROM pg_class WHERE relname ~ '^{table}_[cum][0-9]+$'")
    percent = min(_PERCENT, _PERCENT * _DRAWN / max(rows, 1))
    found = database.query(f"SELECT {columns} FROM {table} TABLESAMPLE SYSTEM ({percent}) REPEATABLE ({_SEED})")
    return chance.sample(found, len(found))
