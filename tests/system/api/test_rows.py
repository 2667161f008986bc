"""The rows of a dataset: filters, orders, fields, pages by cursor."""

import itertools
from collections.abc import Callable
from functools import cmp_to_key
from typing import Any

import httpx
import pytest

from tests.system.api.sending import Json, MovieRows, assert_problem

YEARS: tuple[str, ...] = ("1927-01-10", "1999-12-31", "")
RUNTIMES: tuple[object, ...] = (90, 120, "")
LANGUAGES: tuple[str, ...] = ("['German']", "['German', 'French']", "")
ROWS: list[dict[str, object]] = [
    {"title": f"{copy} {date or 'No'} {runtime}", "release_date": date, "runtime": runtime, "languages": languages}
    for copy, date, runtime, languages in itertools.product(("A", "The"), YEARS, RUNTIMES, LANGUAGES)
]


@pytest.fixture
def films(mine: httpx.Client, load: Callable[[MovieRows], Json]) -> list[Json]:
    """All rows of two uploads, in the order of their ids."""
    load(ROWS[:30])
    load(ROWS[30:])
    found = pages(mine, {})
    assert len(found) == len(ROWS)
    return found


def get(client: httpx.Client, params: dict[str, Any]) -> Json:
    answer = client.get("/datasets/movies/rows", params=params)
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


def pages(client: httpx.Client, params: dict[str, Any], page_size: int = 7) -> list[Json]:
    """All rows, page by page; each page says the same total."""
    found: list[Json] = []
    cursor = None
    while True:
        page = get(client, {**params, "page_size": page_size, **({"cursor": cursor} if cursor else {})})
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            assert len(found) == page["total"]
            return found


def ordered(films: list[Json], sort: str) -> list[int]:
    """Ids in the promised order: without a value last; equal ones by id, in the direction of the first key."""
    keys = [(key.removeprefix("-"), key.startswith("-")) for key in filter(None, sort.split(","))]

    def compare(one: Json, other: Json) -> int:
        for name, is_descending in keys:
            here, there = one[name], other[name]
            if here != there:
                if here is None or there is None:
                    return 1 if here is None else -1
                return (1 if here > there else -1) * (-1 if is_descending else 1)
        return int(one["_id"] - other["_id"]) * (-1 if keys and keys[0][1] else 1)

    return [film["_id"] for film in sorted(films, key=cmp_to_key(compare))]


@pytest.mark.parametrize("sort", ["", "release_year", "-release_year", "runtime,-title", "-runtime,release_year,title"])
def test_every_order_gives_each_row_once(mine: httpx.Client, films: list[Json], sort: str) -> None:
    assert [row["_id"] for row in pages(mine, {"sort": sort})] == ordered(films, sort)


FILTERS: list[tuple[dict[str, Any], Callable[[Json], bool]]] = [
    ({"release_year": 1927}, lambda row: row["release_year"] == 1927),
    ({"release_year__null": "true"}, lambda row: row["release_year"] is None),
    (
        {"release_year__null": "false", "runtime__gt": 90},
        lambda row: bool(row["release_year"] and row["runtime"] == 120),
    ),
    ({"runtime__gte": 90, "runtime__lt": 120}, lambda row: row["runtime"] == 90),
    ({"release_date__lte": "1927-01-10"}, lambda row: row["release_year"] == 1927),
    ({"title__prefix": "The 1"}, lambda row: row["title"].startswith("The 1")),
    ({"title__prefix": "%"}, lambda _row: False),
    ({"languages__has": "French"}, lambda row: "French" in (row["languages"] or [])),
    ({"languages__null": "true"}, lambda row: row["languages"] is None),
]


@pytest.mark.parametrize(
    ("params", "is_wanted"), FILTERS, ids=lambda value: str(value) if isinstance(value, dict) else ""
)
def test_filters_choose_rows_and_count_them(
    mine: httpx.Client, films: list[Json], params: dict[str, Any], is_wanted: Callable[[Json], bool]
) -> None:
    found = pages(mine, params)
    assert [row["_id"] for row in found] == [row["_id"] for row in films if is_wanted(row)]


def test_a_row_says_where_it_came_from(mine: httpx.Client, films: list[Json]) -> None:
    uploads = {upload["id"] for upload in mine.get("/uploads").json()["items"]}
    assert {row["_upload_id"] for row in films} == uploads
    assert sorted(row["_line"] for row in films) == sorted([*range(2, 32), *range(2, len(ROWS) - 28)])
    [row] = get(mine, {"fields": "title", "page_size": 1})["items"]
    assert row == {
        "title": films[0]["title"],
        **{name: films[0][name] for name in ("_id", "_upload_id", "_line", "_extra")},
    }


def test_an_undone_upload_has_no_rows(mine: httpx.Client, films: list[Json]) -> None:
    mine.post(f"/uploads/{films[0]['_upload_id']}/undo").raise_for_status()
    assert [row["_id"] for row in pages(mine, {})] == [row["_id"] for row in films[30:]]


def test_of_a_dataset_that_nothing_was_loaded_into(mine: httpx.Client) -> None:
    answer = mine.get("/datasets/title.ratings/rows").raise_for_status().json()
    assert (answer["items"], answer["total"], answer["next_cursor"]) == ([], 0, None)
    assert_problem(mine.get("/datasets/nothing/rows"), 404, "not_found")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"nothing": "1"}, "invalid_filter"),
        ({"release_year": "x"}, "invalid_filter"),
        ({"release_year": str(2**15)}, "invalid_filter"),
        ({"release_year__prefix": "19"}, "invalid_filter"),
        ({"release_date": "2001-02-30"}, "invalid_filter"),
        ({"languages": "German"}, "invalid_filter"),
        ({"title": "\0"}, "invalid_filter"),
        ({"sort": "languages"}, "invalid_filter"),
        ({"sort": "title,-title"}, "invalid_filter"),
        ({"sort": "language_number"}, "invalid_filter"),
        ({"fields": "nothing"}, "invalid_filter"),
        ({"cursor": "x"}, "invalid_cursor"),
    ],
    ids=str,
)
def test_what_cannot_be_asked_is_a_clear_error(mine: httpx.Client, films: list[Json], params: Any, code: str) -> None:
    assert films
    assert_problem(mine.get("/datasets/movies/rows", params=params), 422, code)


def test_a_cursor_belongs_to_its_filter_and_order(mine: httpx.Client, films: list[Json]) -> None:
    assert films
    cursor = get(mine, {"sort": "title", "page_size": 5})["next_cursor"]
    others: list[dict[str, str]] = [{"sort": "-title"}, {"sort": "title", "release_year": "1927"}, {}]
    for params in others:
        answer = mine.get("/datasets/movies/rows", params={**params, "cursor": cursor})
        assert_problem(answer, 422, "invalid_cursor")


def test_rows_of_another_tenant_are_not_there(mine: httpx.Client, films: list[Json]) -> None:
    assert films
    answer = mine.get("/datasets/movies/rows", headers={"X-Tenant": "somebody-else"}).raise_for_status().json()
    assert answer["total"] == 0
