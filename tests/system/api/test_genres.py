"""Genres, countries, figures and the report of genres over HTTP."""

from typing import Any

import httpx
import pytest

from tests.system.api.sending import assert_problem, wait_for_end

ROUTES = ("/genres", "/countries", "/stats", "/reports/genres", "/reports/genres.csv")
FILE = b"""title,year,genres,countries,votes
One,1991,Drama,France,10
Two,1995,"Drama, Crime",France,30
,1995,Drama,France,30
"""


@pytest.fixture
def films(mine: httpx.Client) -> httpx.Client:
    """A client whose tenant has these films."""
    answer = mine.put("/upload", params={"filename": "films.csv", "dataset": "films"}, content=FILE)
    assert wait_for_end(mine, answer.raise_for_status().json()["id"])["state"] == "completed"
    return mine


def get(client: httpx.Client, path: str, **params: Any) -> Any:
    return client.get(path, params=params).raise_for_status().json()


def test_what_is_kept_beside_the_rows(films: httpx.Client) -> None:
    assert get(films, "/genres")["items"] == [{"name": "Drama", "movies": 2}, {"name": "Crime", "movies": 1}]
    assert get(films, "/countries") == {"items": [{"name": "France", "movies": 2}], "is_complete": True}
    [figures] = get(films, "/stats")["items"]
    assert (figures["dataset"], figures["rows"], figures["uploads"]) == ("films", 2, {"completed": 1})
    assert figures["rejected"] == [{"code": "required", "records": 1}]
    assert figures["movies"]["by_year"] == [{"year": 1991, "movies": 1}, {"year": 1995, "movies": 1}]


def test_the_report_as_tree_and_as_lines(films: httpx.Client) -> None:
    [drama] = get(films, "/reports/genres", genre="Drama", top=1)["genres"]
    assert drama["decades"][0]["top"][0]["title"] == "Two"
    answer = films.get("/reports/genres.csv", params={"genre": "Drama", "top": 1})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert [line.split(",")[0] for line in answer.text.splitlines()] == ["level", "genre", "decade", "movie"]


def test_a_day_of_another_year_hides_no_film(mine: httpx.Client) -> None:
    """A festival the year before: what is listed by its year is what is counted by it."""
    content = b"title,year,release_date,genres\nfestival,2003,1999-12-25,Drama\nok,2003,2003-01-01,Drama\n"
    answer = mine.put("/upload", params={"filename": "films.csv", "dataset": "films"}, content=content)
    assert wait_for_end(mine, answer.raise_for_status().json()["id"])["state"] == "completed"
    for params in (
        {"release_year": 2003},
        {"year_from": 2003, "year_to": 2003},
        {"release_year": 2003, "genre": "Drama"},
    ):
        for sort_by in ("release_date", "title", "vote_average", "popularity", "runtime"):
            found = get(mine, "/movies", sort_by=sort_by, **params)
            assert sorted(film["title"] for film in found["items"]) == ["festival", "ok"]
            assert (found["total"], found["total_is_exact"]) == (2, True)
            assert get(mine, "/movies", sort_by=sort_by, release_year=1999)["total"] == 0
    assert "1999-12-25" in {film["release_date"] for film in found["items"]}


def test_names_may_be_asked_for_in_any_case(films: httpx.Client) -> None:
    assert get(films, "/movies", genre="drama")["total"] == 2
    assert get(films, "/movies", genre="CRIME", country="france")["total"] == 1
    assert get(films, "/movies", genre="Comedy")["total"] == 0
    assert [each["genre"] for each in get(films, "/reports/genres", genre="crime")["genres"]] == ["Crime"]


@pytest.mark.parametrize("path", ROUTES)
def test_a_tenant_without_uploads(mine: httpx.Client, path: str) -> None:
    assert mine.get(path).status_code == 200


@pytest.mark.parametrize("path", ROUTES)
def test_a_dataset_that_there_is_not(mine: httpx.Client, path: str) -> None:
    for name in ("songs", "\0"):
        assert_problem(mine.get(path, params={"dataset": name}), 404, "not_found")


@pytest.mark.parametrize(
    "params", [{"decade": 1995}, {"genre": "\0"}, {"genre": ""}, {"top": 21}, {"genre": "x" * 201}, {"sort": "name"}]
)
def test_what_cannot_be_asked(mine: httpx.Client, params: dict[str, Any]) -> None:
    assert_problem(mine.get("/reports/genres", params=params), 422, "invalid_request")
