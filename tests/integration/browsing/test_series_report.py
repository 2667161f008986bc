"""The report of a series against a model of it, on clean and on dirty data."""

import csv
import io
import random
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import Engine

from api.browsing.report_tree import csv_text, document
from api.browsing.series_report import MOST_EPISODES, SERIES_COLUMNS, read_series
from api.http_errors import ReportTooLarge
from shared.catalog.write_mode import WriteMode
from shared.errors import NotFound
from tests.conftest import REGISTRY
from tests.integration.browsing.conftest import Load, Read
from tests.integration.ingest.test_loader import rows

SERIES = "tt0000001"
NULL = "\\N"


def tconst(number: int) -> str:
    return f"tt{number:07}"


def episode(number: int, parent: str = SERIES, season: int | None = 1, position: int | None = None) -> dict[str, str]:
    """The row of an episode."""
    cells = {"seasonNumber": season, "episodeNumber": position}
    return {
        "tconst": tconst(number),
        "parentTconst": parent,
        **{name: NULL if value is None else str(value) for name, value in cells.items()},
    }


def report(read: Read, title_id: str = SERIES, tenant: str = "public") -> dict[str, Any]:
    return document(read(lambda engine: read_series(engine, REGISTRY, tenant, title_id)))


def ids(tree: dict[str, Any]) -> list[tuple[int | None, list[str]]]:
    """Each season with its episodes."""
    return [
        (season["season_number"], [each["source_id"] for each in season["children"]]) for season in tree["children"]
    ]


def test_episodes_come_in_the_order_of_their_numbers(load: Load, read: Read) -> None:
    load(
        "title.episode",
        episode(14, season=None),
        episode(13, season=2, position=None),
        episode(12, season=2, position=10),
        episode(11, season=2, position=9),
        episode(10, season=1, position=1),
        episode(20, "tt0000099"),
    )
    assert ids(report(read)) == [
        (1, [tconst(10)]),
        (2, [tconst(11), tconst(12), tconst(13)]),
        (None, [tconst(14)]),
    ]


def test_sums_are_those_of_a_model(load: Load, read: Read) -> None:
    chance = random.Random(18)  # noqa: S311  an order, not a secret
    numbers = [*range(10, 60)]
    seasons = {number: chance.choice([None, 1, 2, 3]) for number in numbers}
    votes = {number: (chance.randrange(10, 101), chance.randrange(500)) for number in numbers if chance.random() < 0.7}
    minutes = {number: chance.randrange(1, 90) for number in numbers if chance.random() < 0.7}
    load("title.episode", *(episode(number, season=season, position=number) for number, season in seasons.items()))
    ratings = {number: {"averageRating": f"{of / 10}", "numVotes": f"{count}"} for number, (of, count) in votes.items()}
    load("title.ratings", *({"tconst": tconst(number), **rating} for number, rating in ratings.items()))
    load("title.basics", *({"tconst": tconst(n), "runtimeMinutes": str(of)} for n, of in minutes.items()))

    def expected(of: list[int]) -> tuple[Any, ...]:
        rated = [votes[number] for number in of if number in votes]
        weight = sum(count for _, count in rated)
        mean = float(round(Fraction(sum(ten * count for ten, count in rated), 10 * weight), 4)) if weight else None
        known = [minutes[number] for number in of if number in minutes]
        return len(of), mean, weight if rated else None, sum(known) if known else None

    def found(node: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(node[name] for name in ("episodes", "vote_average", "vote_count", "runtime"))

    tree = report(read)
    assert found(tree) == expected(numbers)
    assert {node["season_number"]: found(node) for node in tree["children"]} == {
        season: expected([number for number in numbers if seasons[number] == season]) for season in seasons.values()
    }
    assert sum(len(of_season) for _, of_season in ids(tree)) == len(numbers)


def test_the_series_itself_is_shown_and_not_counted(engine: Engine, load: Load, read: Read) -> None:
    load("title.basics", {"tconst": SERIES, "primaryTitle": "A series", "runtimeMinutes": "999"}, {"tconst": tconst(2)})
    load("title.ratings", {"tconst": SERIES, "averageRating": "9.2", "numVotes": "77"})
    load("title.episode", episode(2))
    tree = report(read)
    assert (tree["title"], tree["own_vote_average"], tree["own_vote_count"]) == ("A series", 9.2, 77)
    assert (tree["episodes"], tree["vote_count"], tree["runtime"]) == (1, None, 1)
    [(movie,)] = rows(engine, f"SELECT id FROM movies WHERE source_id = '{SERIES}'")
    assert report(read, str(movie)) == tree
    assert tree["id"] == movie


DIRTY = {
    "its own episode": ([episode(1), episode(2)], [2]),
    "a chain": ([episode(2), episode(3, tconst(2), 2), episode(4, tconst(3), 3)], [2, 3, 4]),
    "a cycle": ([episode(2), episode(3, tconst(2)), episode(2, tconst(3)), episode(1, tconst(3))], [2, 3]),
    "another cycle": ([episode(2), episode(8, "tt0000009"), episode(9, "tt0000008")], [2]),
    "an episode of two seasons": ([episode(2, season=2), episode(2, season=1)], [2]),
}


@pytest.mark.parametrize("name", DIRTY)
def test_dirty_data_comes_to_an_end(load: Load, read: Read, name: str) -> None:
    changes, expected = DIRTY[name]
    for change in changes:  # a file has each key once
        load("title.episode", change, mode=WriteMode.APPEND)
    tree = report(read)
    assert sorted(each for _, of_season in ids(tree) for each in of_season) == [tconst(number) for number in expected]
    assert tree["episodes"] == len(expected)


def test_an_episode_without_a_movie_or_a_series_without_one(load: Load, read: Read) -> None:
    load("title.episode", episode(2))
    tree = report(read)
    assert (tree["id"], tree["title"]) == (None, None)
    assert tree["children"][0]["children"][0] == {
        "level": "episode",
        "id": None,
        "source_id": tconst(2),
        "series_id": SERIES,
        "title": None,
        "title_type": None,
        "release_year": None,
        "season_number": 1,
        "episode_number": None,
        "vote_average": None,
        "vote_count": None,
        "runtime": None,
    }


def test_a_movie_without_episodes_has_an_empty_report(engine: Engine, load: Load, read: Read) -> None:
    load("movielens", {"movieId": "1", "title": "Lens (1995)"})
    [(movie,)] = rows(engine, "SELECT id FROM movies")
    tree = report(read, str(movie))
    assert (tree["title"], tree["episodes"], tree["vote_average"], tree["children"]) == ("Lens", 0, None, [])


@pytest.mark.parametrize("title_id", ["tt0000077", "123", str(2**53)])
def test_a_title_that_is_not_there(load: Load, read: Read, title_id: str) -> None:
    load("title.episode", episode(2))
    with pytest.raises(NotFound):
        report(read, title_id)


def test_episodes_of_another_tenant_are_not_there(load: Load, read: Read) -> None:
    load("title.episode", episode(2))
    with pytest.raises(NotFound):
        report(read, tenant="other")


def test_a_report_has_an_end(load: Load, read: Read) -> None:
    load("title.episode", *(episode(number) for number in range(2, MOST_EPISODES + 3)))
    with pytest.raises(ReportTooLarge):
        report(read)


def test_the_file_has_the_lines_of_the_tree(load: Load, read: Read) -> None:
    titles = {2: 'The "first", with quotes', 3: "=1+1"}
    load("title.basics", *({"tconst": tconst(number), "primaryTitle": title} for number, title in titles.items()))
    load("title.ratings", {"tconst": tconst(2), "averageRating": "7.1", "numVotes": "9007199254740993"})
    load("title.episode", episode(2), episode(3, season=None))
    root = read(lambda engine: read_series(engine, REGISTRY, "public", SERIES))
    lines = [*csv.DictReader(io.StringIO(csv_text(root, SERIES_COLUMNS), newline=""))]
    assert [(line["level"], line["path"]) for line in lines] == [
        ("series", f"/{SERIES}"),
        ("season", f"/{SERIES}/1"),
        ("episode", f"/{SERIES}/1/{tconst(2)}"),
        ("season", f"/{SERIES}/unknown"),
        ("episode", f"/{SERIES}/unknown/{tconst(3)}"),
    ]
    assert [line["vote_count"] for line in lines] == ["9007199254740993"] * 3 + ["", ""]
    assert (lines[2]["title"], lines[4]["title"]) == ('The "first", with quotes', "=1+1")
