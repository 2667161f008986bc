"""Genres, countries, and the report of genres by decade, against the rows of a small file."""

import csv
import io
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from api.browsing.genre_report import CSV_HEADER, Asked, as_csv, read_report
from api.browsing.value_counts import read_values
from shared.catalog.write_mode import WriteMode
from shared.database.queries.browsing.genre_report import BY_VOTES, top_of_large_cells, top_of_small_cells
from shared.database.tenancy import tenant_reading
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.loading.loader import Loader
from tests.conftest import REGISTRY, Intake
from tests.integration.browsing.conftest import Asker
from tests.integration.ingest.test_loader import never
from tests.rows import file_of, movies, titles

pytestmark = pytest.mark.parametrize("server", ["18"], indirect=True)

# Title, genres, year, votes, countries
FILMS = (
    ("One", "Drama,Crime", 1991, 10, "France"),
    ("Two", "Drama,Drama", 1995, 30, "France,France"),
    ("Three", "drama", 1999, 20, "Italy"),
    ("Four", "Drama", 2000, 5, ""),
    ("Five", "Drama", 1990, 20, "France,Italy"),
    ("Six", "", 1990, 40, ""),
)
NEITHER = Asked(None, None, None, 5)


@pytest.fixture(autouse=True)
def films(intake: Intake, loader: Loader) -> Any:
    """The films, and those of another tenant."""
    changes = [
        {
            "id": str(number),
            "title": title,
            "genres": genres,
            "release_date": f"{year}-05-01",
            "vote_count": str(votes),
            "production_countries": countries,
        }
        for number, (title, genres, year, votes, countries) in enumerate(FILMS, start=1)
    ]
    upload_id = intake(file_of("tmdb_movies", *changes), "tmdb.csv")
    loader.load(upload_id, never)
    loader.load(intake(file_of("tmdb_movies", {"genres": "Secret"}), "tmdb.csv", tenant="other"), never)
    return upload_id


def named(found: Any) -> list[tuple[str, int]]:
    return [(item.name, item.movies) for item in found.items]


def test_names_are_those_of_the_files_and_count_each_movie_once(ask: Asker) -> None:
    by_movies = ask(read_values, "public", "genre", None, "-movies")
    assert named(by_movies) == [("Drama", 4), ("Crime", 1), ("drama", 1)]
    assert by_movies.is_complete
    assert named(ask(read_values, "public", "genre", None, "name")) == [("Crime", 1), ("Drama", 4), ("drama", 1)]
    assert named(ask(read_values, "public", "country", None, "-movies")) == [("France", 3), ("Italy", 2)]


def test_only_one_dataset(ask: Asker, intake: Intake, loader: Loader) -> None:
    loader.load(intake(movies({})), never)
    assert named(ask(read_values, "public", "genre", "movies", "name")) == []
    assert len(named(ask(read_values, "public", "genre", "tmdb_movies", "name"))) == 3
    assert named(ask(read_values, "public", "genre", "title.basics", "name")) == []


def test_what_is_undone_has_no_genre(ask: Asker, engine: Any, films: Any) -> None:
    undo(engine, REGISTRY, films, "public")
    assert named(ask(read_values, "public", "genre", None, "name")) == []
    assert ask(read_report, "public", NEITHER).genres == []


def test_there_may_be_more_than_one_answer_has(ask: Asker, intake: Intake, loader: Loader) -> None:
    loader.load(intake(file_of("tmdb_movies", {"genres": ",".join(f"G{n:04}" for n in range(1_001))})), never)
    found = ask(read_values, "public", "genre", None, "-movies")
    assert not found.is_complete
    assert len(found.items) == 1_000
    assert named(found)[0] == ("Drama", 4)


def test_each_genre_is_the_sum_of_its_decades(ask: Asker) -> None:
    report = ask(read_report, "public", NEITHER)
    assert [(genre.genre, genre.movies) for genre in report.genres] == [("Crime", 1), ("Drama", 4), ("drama", 1)]
    assert [(each.decade, each.movies, each.top) for each in report.genres[1].decades] == [(1990, 3, []), (2000, 1, [])]
    only = ask(read_report, "public", Asked(None, 2000, None, 5))
    assert [(genre.genre, genre.movies) for genre in only.genres] == [("Drama", 1)]


def test_a_genre_has_its_movies_by_votes(ask: Asker) -> None:
    [drama] = ask(read_report, "public", Asked("Drama", None, None, 2)).genres
    assert [[movie.title for movie in decade.top] for decade in drama.decades] == [["Two", "Five"], ["Four"]]
    [only] = ask(read_report, "public", Asked("Drama", 1990, "tmdb_movies", 20)).genres
    assert [movie.title for movie in only.decades[0].top] == ["Two", "Five", "One"]
    assert ask(read_report, "public", Asked("Secret", None, None, 5)).genres == []
    assert ask(read_report, "other", Asked("Secret", None, None, 5)).genres[0].movies == 1


@pytest.mark.parametrize(
    ("asked", "found"),
    [("Drama", "Drama"), ("drama", "drama"), ("DRAMA", "Drama"), ("crime", "Crime"), ("secret", None), ("Dram", None)],
)
def test_case_makes_no_difference_where_no_file_spells_it_so(ask: Asker, asked: str, found: str | None) -> None:
    genres = ask(read_report, "public", Asked(asked, None, None, 1)).genres
    assert [each.genre for each in genres] == ([found] if found else [])


@pytest.fixture
def rated(intake: Intake, loader: Loader) -> str:
    """A tenant whose movies have no votes in their own file; the first one is rated twice, the last one never."""
    basics = titles(*({"primaryTitle": name, "startYear": "1995", "genres": "Drama"} for name in "ABCD"))
    first = [{"tconst": f"tt000000{number}", "numVotes": f"{number}0"} for number in (1, 2, 3)]
    for content, name in (
        (basics, "title.basics.tsv"),
        (file_of("title.ratings", *first), "title.ratings.tsv"),
        (file_of("title.ratings", {"tconst": "tt0000001", "numVotes": "25"}), "title.ratings.tsv"),
    ):
        loader.load(intake(content, name, tenant="rated", mode=WriteMode.APPEND), never)
    return "rated"


def test_movies_without_votes_have_those_of_their_latest_rating(ask: Asker, rated: str) -> None:
    [drama] = ask(read_report, rated, Asked("Drama", None, None, 5)).genres
    assert [(each.title, each.vote_count) for each in drama.decades[0].top] == [("C", 30), ("A", 25), ("B", 20)]
    assert drama.movies == 4


@pytest.mark.usefixtures("rated")
@pytest.mark.parametrize("tenant", ["public", "rated"])
@pytest.mark.parametrize("decades", [[1990], [1990, 2000, None]])
@pytest.mark.parametrize("top", [0, 1, 2, 20])
def test_both_ways_find_the_same_movies(ask: Asker, tenant: str, decades: list[int | None], top: int) -> None:
    async def both(engine: AsyncEngine) -> tuple[list[Any], list[Any]]:
        async with tenant_reading(engine, tenant) as connection:
            asked = (tenant, "Drama", decades, None, top)
            small = [tuple(row) for row in await connection.execute(top_of_small_cells(*asked))]
            await connection.execute(BY_VOTES)
            return small, [tuple(row) for row in await connection.execute(top_of_large_cells(*asked))]

    small, large = ask(both)
    assert small == large
    assert bool(small) == bool(top)


def test_the_tree_as_lines(ask: Asker) -> None:
    lines = list(csv.reader(io.StringIO(as_csv(ask(read_report, "public", Asked("Drama", 1990, None, 1))))))
    assert tuple(lines[0]) == CSV_HEADER
    assert [line[:5] + line[6:] for line in lines[1:]] == [
        ["genre", "Drama", "", "3", "", "", "", ""],
        ["decade", "Drama", "1990", "3", "", "", "", ""],
        ["movie", "Drama", "1990", "", "1", "Two", "1995", "30"],
    ]
