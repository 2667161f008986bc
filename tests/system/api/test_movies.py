import base64
import itertools
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from shared.database.record_ids import SMALL_LINES
from tests.system.api.sending import NAMED, Json, MovieRows, assert_problem, movies_csv, wait_for_end

# Every combination of year, language and vote, each also unknown, several times: ties in every order.
YEARS: tuple[str, ...] = ("1927-01-10", "1927-03-01", "1999-12-31", "")
LANGUAGES: tuple[str, ...] = ("de", "en", "")
VOTES: tuple[object, ...] = (8.1, 0, "")
ROWS: list[dict[str, object]] = [
    {
        "title": f"{date}/{language}/{vote}/{copy}",
        "release_date": date,
        "original_language": language,
        "vote_average": vote,
    }
    for copy, date, language, vote in itertools.product(range(2), YEARS, LANGUAGES, VOTES)
]


@pytest.fixture
def films(mine: httpx.Client, load: Callable[[MovieRows], Json]) -> list[Json]:
    """All movies of two uploads, in the order of their ids."""
    load(ROWS[:40])
    load(ROWS[40:])
    page = mine.get("/movies", params={"page_size": 100}).json()
    assert page["total"] == len(page["items"]) == len(ROWS)
    return sorted(page["items"], key=lambda movie: movie["id"])


def expected(films: list[Json], params: dict[str, Any]) -> list[int]:
    """Ids in the promised order: key, then id in the same direction; without a key last, by id."""
    key = params.get("sort_by", "release_date")
    is_descending = params.get("sort_order", "desc") == "desc"
    chosen = [
        film
        for film in films
        if params.get("release_year", film["release_year"]) == film["release_year"]
        and params.get("language", film["original_language"]) == film["original_language"]
    ]
    known = [film for film in chosen if film[key] is not None]
    unknown = [film for film in chosen if film[key] is None]
    known.sort(key=lambda film: (film[key], film["id"]), reverse=is_descending)
    unknown.sort(key=lambda film: film["id"], reverse=is_descending)
    return [film["id"] for film in known + unknown]


FILTERS: list[dict[str, Any]] = [
    {},
    {"release_year": 1927},
    {"language": "de"},
    {"release_year": 1927, "language": "en"},
    {"release_year": 2000},
]
ORDERS = [
    {"sort_by": key, "sort_order": order} for key in ("release_date", "vote_average") for order in ("asc", "desc")
]


def test_every_order_filter_and_way_of_paging_gives_the_same(mine: httpx.Client, films: list[Json]) -> None:
    for order, chosen in itertools.product(ORDERS, FILTERS):
        params = order | chosen
        ids = expected(films, params)
        for page_size in (1, 7, 24, 100):
            assert by_number(mine, params, page_size) == ids, (params, page_size)
        for page_size in (1, 7, 24):
            assert by_cursor(mine, params, page_size) == ids, (params, page_size)


def by_number(client: httpx.Client, params: dict[str, Any], page_size: int) -> list[int]:
    ids: list[int] = []
    for number in itertools.count(1):
        page = client.get("/movies", params=params | {"page": number, "page_size": page_size}).json()
        ids += [movie["id"] for movie in page["items"]]
        if not page["items"]:
            assert (page["total"], page["next_cursor"]) == (len(ids), None)
            return ids
    raise AssertionError


def by_cursor(client: httpx.Client, params: dict[str, Any], page_size: int) -> list[int]:
    answer = client.get("/movies", params=params | {"page_size": page_size})
    ids = [movie["id"] for movie in answer.json()["items"]]
    number = 1
    while "next" in answer.links:
        number += 1
        answer = client.get(answer.links["next"]["url"].removeprefix("/api/v1"))
        page = answer.json()
        assert (page["page"], page["page_size"]) == (number, page_size)
        assert page["items"]
        ids += [movie["id"] for movie in page["items"]]
    assert answer.json()["next_cursor"] is None
    return ids


def test_the_default_is_the_latest_release_first(mine: httpx.Client, films: list[Json]) -> None:
    ids = [movie["id"] for movie in mine.get("/movies", params={"page_size": 100}).json()["items"]]
    assert ids == expected(films, {})


def test_language_is_read_in_any_case(mine: httpx.Client, films: list[Json]) -> None:
    answer = mine.get("/movies", params={"language": "DE"})
    assert answer.json()["total"] == len([film for film in films if film["original_language"] == "de"])


def test_a_movie_tells_where_it_came_from(mine: httpx.Client, films: list[Json]) -> None:
    for film in (films[0], films[39], films[40]):
        found = mine.get(f"/movies/{film['id']}").raise_for_status().json()
        source, listed = found["source"], {name: film[name] for name in film if name != "rating_source"}
        assert {name: found[name] for name in listed} == listed
        upload = mine.get(f"/uploads/{source['upload_id']}").json()
        assert source["upload_number"] == upload["number"]
        assert source["filename"] == upload["filename"]
        assert source["line_number"] == film["id"] % SMALL_LINES
        row = ROWS[source["line_number"] - 2 + (40 if film["id"] >= films[40]["id"] else 0)]
        assert row["title"] == film["title"]


@pytest.mark.parametrize("movie_id", [0, 1, 2**53 - 1])
def test_a_movie_that_is_not_there(mine: httpx.Client, movie_id: int) -> None:
    assert_problem(mine.get(f"/movies/{movie_id}"), 404, "not_found")


@pytest.mark.parametrize(
    "params",
    [
        {"page": 0},
        {"page_size": 0},
        {"page_size": 101},
        {"release_year": 99999},
        {"language": "german"},
        {"language": "d'"},
        {"sort_by": "budget"},
        {"title": " "},
        {"title": "a\x00"},
        {"genre": "\x00"},
        {"person": "x" * 101},
        {"min_votes": 0},
        {"year_from": 1},
        {"upload": "x"},
        {"sort_order": "up"},
        {"tenant": "UPPER"},
    ],
)
def test_a_parameter_that_cannot_be(mine: httpx.Client, params: dict[str, Any]) -> None:
    problem = assert_problem(mine.get("/movies", params=params), 422, "invalid_request")
    (found,) = problem["errors"]
    assert found["location"] == f"query.{next(iter(params))}"
    assert found["message"]
    assert found["code"]


@pytest.mark.parametrize("movie_id", ["x", "-1", str(2**53), "1.5"])
def test_an_id_that_cannot_be(mine: httpx.Client, movie_id: str) -> None:
    assert_problem(mine.get(f"/movies/{movie_id}"), 422, "invalid_request")


def test_pages_by_number_have_an_end(mine: httpx.Client) -> None:
    assert mine.get("/movies", params={"page": 1001, "page_size": 100}).status_code == 200
    assert_problem(mine.get("/movies", params={"page": 1002, "page_size": 100}), 422, "page_too_deep")


def test_a_cursor_is_good_for_its_own_listing_only(mine: httpx.Client, api: httpx.Client, films: list[Json]) -> None:
    assert films
    cursor = mine.get("/movies", params={"page_size": 1}).json()["next_cursor"]
    assert mine.get("/movies", params={"cursor": cursor, "page_size": 5}).status_code == 200
    for other in (
        *({"sort_by": "vote_average"}, {"sort_order": "asc"}, {"language": "de"}, {"release_year": 1927}),
        *({"title": "d"}, {"genre": "Drama"}, {"min_votes": 1}, {"sort_by": "title"}),
    ):
        assert_problem(mine.get("/movies", params={"cursor": cursor, **other}), 422, "invalid_cursor")
    assert_problem(api.get("/movies", params={"cursor": cursor}), 422, "invalid_cursor")


def changed(cursor: str, **changes: object) -> str:
    fields = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return base64.urlsafe_b64encode(json.dumps(fields | changes).encode()).decode().rstrip("=")


def test_a_malformed_cursor_is_a_clear_error(mine: httpx.Client, films: list[Json]) -> None:
    assert films
    cursor = mine.get("/movies", params={"page_size": 1}).json()["next_cursor"]
    assert mine.get("/movies", params={"cursor": changed(cursor, p=2**31 - 1)}).json()["next_cursor"]
    malformed = [
        "",
        "x",
        "é",
        cursor[:-3],
        cursor + "!",
        changed(cursor, i="1"),
        changed(cursor, i=2**63),
        changed(cursor, i=-1),
        changed(cursor, k=1.5),
        changed(cursor, k=1e300),
        changed(cursor, k=True),
        changed(cursor, k="x"),
        changed(cursor, k=float("nan")),
        changed(cursor, p=1),
        changed(cursor, p=2**31),  # all could be well until the next page is counted
        changed(cursor, k=9999_12_31, i=2**53 - 1, p=2**31),
        changed(cursor, more=1),
        changed(cursor, r=-1),
        changed(cursor, k="title"),
    ]
    for text in malformed:
        assert_problem(mine.get("/movies", params={"cursor": text}), 422, "invalid_cursor")


def test_unknown_columns_of_a_file_are_kept(mine: httpx.Client) -> None:
    header, row = movies_csv([{"title": "Metropolis"}]).split(b"\r\n")[:2]
    content = header + b",director\r\n" + row + b",Fritz Lang\r\n"
    answer = mine.put("/upload", params=NAMED, content=content)
    assert wait_for_end(mine, answer.json()["id"])["state"] == "completed"
    assert mine.get("/movies").json()["items"][0]["extra"] == {"director": "Fritz Lang"}
