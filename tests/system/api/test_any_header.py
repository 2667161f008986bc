"""Files with any header: what is missing, renamed or written otherwise, and what the upload says about it."""

import json
from typing import Any

import httpx
import pytest

from tests.rows import MOVIES_HEADER, movies
from tests.system.api.sending import Json, assert_problem, wait_for_end


def post(client: httpx.Client, content: bytes, **params: Any) -> httpx.Response:
    options = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in params.items()}
    return client.post("/upload", params={"filename": "films.csv", **options}, content=content)


def loaded(client: httpx.Client, content: bytes, **params: Any) -> Json:
    answer = post(client, content, **params)
    assert answer.status_code == 202, answer.text
    return wait_for_end(client, answer.json()["id"])


def only_movie(client: httpx.Client) -> Json:
    [movie] = client.get("/movies").json()["items"]
    return dict(movie)


def test_columns_tell_what_is_mapped_missing_and_extra(mine: httpx.Client) -> None:
    upload = loaded(mine, b"Title,Budget,note\nHeat,60000000,good\n", dataset="movies")
    assert upload["columns"]["mapped"] == {"Title": "title", "Budget": "budget"}
    assert upload["columns"]["extra"] == ["note"]
    assert set(upload["columns"]["missing"]) == {*MOVIES_HEADER} - {"title", "budget"}
    movie = only_movie(mine)
    assert (movie["title"], movie["budget"], movie["runtime"]) == ("Heat", 60_000_000, None)
    assert movie["extra"] == {"note": "good"}


def test_a_mapping_solves_what_the_refusal_says(mine: httpx.Client) -> None:
    content = b"heading,budget,revenue,runtime\nHeat,60000000,187436818,170\n"
    problem = assert_problem(post(mine, content), 422, "header_mismatch")
    assert problem["candidates"][0]["lacks"] == ["title"]
    upload = loaded(mine, content, mapping={"heading": "title"})
    assert (upload["dataset"], upload["columns"]["mapped"]["heading"]) == ("films", "title")
    assert only_movie(mine)["title"] == "Heat"


def test_a_schema_says_how_values_are_written(mine: httpx.Client) -> None:
    content = b"title;budget;vote_average;release_date;homepage\nHeat;60.000.000;8,3;12/15/1995;-\n"
    schema = {
        "fields": [
            {"name": "budget", "groupChar": "."},
            {"name": "vote_average", "decimalChar": ","},
            {"name": "release_date", "format": "%m/%d/%Y"},
        ],
        "missingValues": ["", "-"],
    }
    upload = loaded(mine, content, schema=schema, dataset="movies")
    assert upload["table_schema"] == schema
    assert upload["dialect"]["nulls"] == ["", "-"]
    movie = only_movie(mine)
    assert (movie["budget"], movie["vote_average"], movie["release_date"]) == (60_000_000, 8.3, "1995-12-15")
    assert movie["homepage"] is None


def test_a_format_that_alone_fits_is_taken_and_two_are_asked_about(mine: httpx.Client) -> None:
    doubtful = movies({"release_date": "01/02/2003"}, header=["title", "release_date"])
    problem = assert_problem(post(mine, doubtful), 422, "ambiguous_format")
    assert problem["readings"] == {"%d/%m/%Y": "2003-02-01", "%m/%d/%Y": "2003-01-02"}
    loaded(mine, doubtful, schema={"dateFormat": "%d/%m/%Y"})
    assert only_movie(mine)["release_date"] == "2003-02-01"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"mapping": "[]"}, "invalid_mapping"),
        ({"mapping": "{"}, "invalid_mapping"),
        ({"mapping": '{"title": 1}'}, "invalid_mapping"),
        ({"mapping": '{"title": "title", "overview": "title"}'}, "invalid_mapping"),
        ({"mapping": '{"nowhere": "title"}'}, "header_mismatch"),
        ({"mapping": '{"title": "nothing"}'}, "header_mismatch"),
        ({"schema": "x"}, "invalid_schema"),
        ({"schema": '{"fields": [{"name": "nowhere"}]}'}, "invalid_schema"),
        ({"schema": '{"fields": [{"name": "budget", "format": "%Y"}]}'}, "invalid_schema"),
        ({"header": ""}, "invalid_mapping"),
        ({"header": "title,budget"}, "header_mismatch"),
    ],
)
def test_options_that_cannot_be_are_refused(mine: httpx.Client, params: dict[str, str], code: str) -> None:
    assert_problem(post(mine, movies({}), **params), 422, code)
    assert mine.get("/uploads").json()["total"] == 0


def test_a_file_without_a_header_gets_the_names_that_are_given(mine: httpx.Client) -> None:
    content = b"1,Heat,60000000\n2,Ran,11500000\n"
    upload = loaded(mine, content, header="id,title,budget", dataset="movies_metadata")
    assert (upload["dialect"]["header_line"], upload["records"]["loaded"]) == (0, 2)
    assert {(movie["source_id"], movie["title"]) for movie in mine.get("/movies").json()["items"]} == {
        ("1", "Heat"),
        ("2", "Ran"),
    }


def test_names_by_position_can_be_mapped(mine: httpx.Client) -> None:
    upload = loaded(
        mine, b"Heat,60000000\n", header="none", mapping={"column_1": "title", "column_2": "budget"}, dataset="movies"
    )
    assert upload["columns"]["mapped"] == {"column_1": "title", "column_2": "budget"}
    assert only_movie(mine)["budget"] == 60_000_000


def test_the_rejects_of_a_mapped_file_are_corrected(mine: httpx.Client) -> None:
    content = b"film;day\nHeat;15.12.1995\nRan;31.02.1985\n"
    options = {"mapping": {"film": "title", "day": "release_date"}, "schema": {"dateFormat": "%d.%m.%Y"}}
    upload = loaded(mine, content, dataset="movies", **options)
    assert (upload["outcome"], upload["records"]["rejected"]) == ("partial", 1)
    rejects = mine.get(f"/uploads/{upload['id']}/rejects", headers={"Accept": "text/csv"})
    corrected = rejects.content.replace(b"31.02.1985", b"01.06.1985")
    answer = mine.post(f"/uploads/{upload['id']}/rejects", params={"filename": "rejects.csv"}, content=corrected)
    assert answer.status_code == 202, answer.text
    assert wait_for_end(mine, answer.json()["id"])["records"]["loaded"] == 1
    days = {movie["title"]: movie["release_date"] for movie in mine.get("/movies").json()["items"]}
    assert days == {"Heat": "1995-12-15", "Ran": "1985-06-01"}


def test_a_file_of_which_nothing_loads_fails_and_keeps_its_rejects(mine: httpx.Client) -> None:
    upload = loaded(mine, movies({"budget": "x"}, {"title": ""}))
    assert (upload["state"], upload["outcome"], upload["error"]["code"]) == ("failed", None, "nothing_loaded")
    assert upload["records"] == {"read": 2, "loaded": 0, "rejected": 2, "duplicate": 0}
    assert mine.get(f"/uploads/{upload['id']}/rejects").json()["total"] == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"encoding": "utf-8"}, {"encoding": "windows-1252"}),
        ({"on_error": "skip"}, {"max_rejects": "5"}),
        ({}, {"schema": {"missingValues": ["", "x"]}}),
        ({}, {"mapping": {"homepage": None}}),
    ],
)
def test_the_same_bytes_with_other_options_are_another_request(
    mine: httpx.Client, first: dict[str, Any], second: dict[str, Any]
) -> None:
    content = movies({"title": "Engström", "runtime": "x"}, {}).decode().encode("windows-1252")
    earlier = loaded(mine, content, **first)
    again = post(mine, content, **first)
    assert (again.status_code, again.json()["id"]) == (200, earlier["id"])
    later = loaded(mine, content, **second)
    assert later["id"] != earlier["id"]
    [warning] = [warning for warning in later["warnings"] if warning["code"] == "same_content"]
    assert earlier["id"] in warning["message"]


@pytest.mark.parametrize(
    "options",
    [
        {"mapping": {"title": "\ud800"}},
        {"mapping": {"\ud800": "title"}},
        {"mapping": {"\0": "title"}},
        {"schema": {"missingValues": ["", "\ud800"]}},
        {"schema": {"fields": [{"name": "\ud800", "format": "x"}]}},
    ],
)
def test_options_that_are_no_text_are_refused(mine: httpx.Client, options: dict[str, Any]) -> None:
    params = {name: json.dumps(value) for name, value in options.items()}
    answer = mine.post("/upload", params={"filename": "films.csv", **params}, content=movies({}))
    assert (answer.status_code, answer.json()["code"]) == (422, f"invalid_{next(iter(options))}")


def test_years_of_two_digits_are_told(mine: httpx.Client) -> None:
    content = b"title,year,release_date\nA,1931,12-Jan-31\n"
    upload = loaded(mine, content, dataset="films", schema={"dateFormat": "%d-%b-%y"})
    assert "two_digit_years" in [warning["code"] for warning in upload["warnings"]]


def test_a_column_that_is_left_out_is_told(mine: httpx.Client) -> None:
    upload = loaded(mine, b"title;year;gross\nZ;2000;many\nY;2001;more\n")
    [warning] = upload["warnings"]
    assert (warning["code"], warning["message"].partition(" is ")[0]) == ("column_left_out", "gross")
    assert {movie["extra"]["gross"] for movie in mine.get("/movies").json()["items"]} == {"many", "more"}


def test_the_years_of_a_series_are_its_first_and_its_last(mine: httpx.Client) -> None:
    upload = loaded(mine, "title,year\nA,2008\u20132013\nB,(II) (1995)\nC,2019-\nD,2013-2008\n".encode())
    years = {
        movie["title"]: (movie["release_year"], movie["end_year"]) for movie in mine.get("/movies").json()["items"]
    }
    assert years == {"A": (2008, 2013), "B": (1995, None), "C": (2019, None)}
    [reject] = mine.get(f"/uploads/{upload['id']}/rejects").json()["items"]
    assert (reject["line_number"], reject["code"], reject["message"]) == (
        5,
        "ends_before_start",
        "year must not end before it begins",
    )


def test_ratings_that_may_be_stars_are_told_and_may_be_kept_out(mine: httpx.Client) -> None:
    content = b"Name,Year,Letterboxd URI,Rating\nA,2000,a,4.5\nB,2001,b,5\nC,2002,c,3\n"
    [warning] = loaded(mine, content)["warnings"]
    assert warning["code"] == "small_ratings"
    assert 'with dataset=films and mapping={"Rating": ""}' in warning["message"]
    upload = loaded(mine, content + b"D,2003,d,1\n", dataset="films", mapping={"Rating": ""})
    assert (upload["warnings"], upload["columns"]["extra"]) == ([], ["Letterboxd URI", "Rating"])


def test_lists_are_split_at_what_separates_them_or_rejected(mine: httpx.Client) -> None:
    lists = {"A": "Drama;Crime", "B": "Drama|Crime", "C": "Drama, Crime", "D": "('Drama', 'Crime')", "E": '"Drama"x'}
    lines = ["title\tgenres", *map("\t".join, lists.items())]
    upload = loaded(mine, "\n".join([*lines, ""]).encode(), dataset="films")
    found = {movie["title"]: movie["genres"] for movie in mine.get("/movies").json()["items"]}
    assert found == {title: ["Drama", "Crime"] for title in "ABC"}
    assert upload["records"]["rejected"] == 2


def test_two_ways_to_say_the_same_are_one_request(mine: httpx.Client) -> None:
    earlier = loaded(mine, movies({}))
    for params in ({"dataset": "movies"}, {"mapping": {"title": "title"}}, {"on_error": "skip"}):
        again = post(mine, movies({}), **params)
        assert (again.status_code, again.json()["id"]) == (200, earlier["id"])


def test_blank_rows_do_not_use_up_the_bound_of_rejects(mine: httpx.Client) -> None:
    blank = b"," * (len(MOVIES_HEADER) - 1) + b"\n"
    upload = loaded(mine, movies({}, end="\n") + blank * 40, max_rejects="3")
    assert (upload["state"], upload["outcome"]) == ("completed", "complete")
    assert upload["warnings"] == [
        {
            "code": "blank_lines",
            "message": "the lines hold nothing; they count as no records",
            "count": 40,
            "locations": [{"line": 3, "to_line": 42}],
        }
    ]
