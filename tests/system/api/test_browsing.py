"""People, reports and movies by the ids of their source, over HTTP."""

from typing import Any

import httpx
import pytest

from tests.rows import GOOD_ROWS, file_of
from tests.system.api.sending import assert_problem, wait_for_end

SERIES = "tt0000001"
LIFE = {"birthYear": "1890"}


@pytest.fixture
def catalogue(mine: httpx.Client) -> httpx.Client:
    """A series with two episodes, and three people, of whom the first two have credits."""
    files: dict[str, list[dict[str, str]]] = {
        "title.basics": [{"tconst": SERIES, "primaryTitle": "Series"}, {"tconst": "tt0000002"}],
        "title.episode": [{"tconst": f"tt000000{number}", "parentTconst": SERIES} for number in (2, 3)],
        "name.basics": [LIFE | {"nconst": f"nm000000{number}"} for number in (1, 2, 3)],
        "title.principals": [
            {"tconst": SERIES, "ordering": str(number), "nconst": f"nm000000{1 + number % 2}"} for number in range(1, 6)
        ],
    }
    for dataset, changes in files.items():
        content = file_of(dataset, *changes)
        answer = mine.put("/upload", params={"filename": f"{dataset}.tsv"}, content=content).raise_for_status()
        assert wait_for_end(mine, answer.json()["id"])["state"] == "completed"
    return mine


def follow(client: httpx.Client, path: str, **params: Any) -> list[dict[str, Any]]:
    """All items, by the links of the pages; each page says the same total."""
    answer = client.get(path, params=params).raise_for_status()
    items: list[dict[str, Any]] = answer.json()["items"]
    while "next" in answer.links:
        answer = client.get(answer.links["next"]["url"].removeprefix("/api/v1")).raise_for_status()
        assert "first" in answer.links
        items += answer.json()["items"]
    assert answer.json()["next_cursor"] is None
    assert answer.json()["total"] == len(items)
    return items


def test_pages_of_people_and_of_their_credits_are_linked(catalogue: httpx.Client) -> None:
    for params in ({}, {"birth_year": "1890"}, {"name": GOOD_ROWS["name.basics"]["primaryName"][:4].upper()}):
        people = follow(catalogue, "/people", page_size=1, **params)
        assert [person["source_id"] for person in people] == ["nm0000001", "nm0000002", "nm0000003"]
    counts = [len(follow(catalogue, f"/people/{person['id']}/movies", page_size=2)) for person in people]
    assert counts == [2, 3, 0]


def test_a_cursor_belongs_to_its_list(catalogue: httpx.Client) -> None:
    cursor = catalogue.get("/people", params={"page_size": 1}).json()["next_cursor"]
    person = catalogue.get("/people").json()["items"][0]["id"]
    for path, params in (("/people", {"birth_year": "1890"}), (f"/people/{person}/movies", {})):
        assert_problem(catalogue.get(path, params={**params, "cursor": cursor}), 422, "invalid_cursor")
    assert_problem(catalogue.get("/people", params={"cursor": "x"}), 422, "invalid_cursor")


def test_a_movie_leads_to_its_report(catalogue: httpx.Client) -> None:
    [movie] = catalogue.get(f"/movies/by-source/{SERIES}").raise_for_status().json()["items"]
    found = catalogue.get(f"/movies/{movie['id']}").raise_for_status().json()
    assert found["credits"]["total"] == 5
    report = catalogue.get(found["episodes"]["report"].removeprefix("/api/v1")).raise_for_status().json()
    assert (report["title"], report["episodes"]) == ("Series", 2)
    assert report == catalogue.get(f"/reports/series/{SERIES}").json()
    file = catalogue.get(f"/reports/series/{SERIES}.csv").raise_for_status()
    assert file.headers["content-type"].startswith("text/csv")
    assert file.headers["content-disposition"] == f'attachment; filename="series-{SERIES}.csv"'
    assert len(file.text.splitlines()) == 1 + 1 + len(report["children"]) + 2


def test_movies_of_a_dataset_that_is_none(catalogue: httpx.Client) -> None:
    path = f"/movies/by-source/{SERIES}"
    assert catalogue.get(path, params={"dataset": "movielens"}).json() == {"items": [], "total": 0}
    problem = assert_problem(catalogue.get(path, params={"dataset": "title.basic"}), 404, "not_found")
    assert "did you mean title.basics?" in problem["detail"]


@pytest.mark.parametrize(
    "path",
    [
        *("/movies/by-source/%00", f"/movies/by-source/{'x' * 501}", "/people?source_id=tt1", "/people?birth_year=0"),
        *("/people?nam=x", "/people?name=", "/people?profession=%00", "/people/x", "/people/-1/movies"),
        *("/reports/series/nm1", "/reports/series/tt.csv"),
    ],
)
def test_what_cannot_be(mine: httpx.Client, path: str) -> None:
    assert_problem(mine.get(path), 422, "invalid_request")


@pytest.mark.parametrize("path", ["/people/1", "/people/1/movies", "/reports/series/1", "/reports/series/tt1.csv"])
def test_what_is_not_there(mine: httpx.Client, path: str) -> None:
    assert_problem(mine.get(path), 404, "not_found")
