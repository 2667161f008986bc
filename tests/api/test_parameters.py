"""What a request says is taken as it was meant, or refused: see api/parameters.py."""

import httpx
import pytest

from tests.api.sending import NAMED, assert_problem, movies_csv

ADDRESSES = ("/uploads", "/movies")


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_misspelt_parameter_is_refused_with_what_was_meant(mine: httpx.Client, address: str) -> None:
    problem = assert_problem(mine.get(address, params={"page_sise": 5}), 422, "invalid_request")
    assert problem["errors"] == [
        {
            "location": "query.page_sise",
            "message": "there is no such parameter here; did you mean page_size?",
            "code": "unknown_parameter",
        }
    ]


def test_a_parameter_like_none_of_ours_is_refused(mine: httpx.Client) -> None:
    problem = assert_problem(mine.get("/movies", params={"\x00" * 300: ""}), 422, "invalid_request")
    assert problem["errors"][0]["message"] == "there is no such parameter here"
    assert len(problem["errors"][0]["location"]) == 100


def test_an_upload_with_a_misspelt_option_is_not_taken(mine: httpx.Client) -> None:
    answer = mine.post("/upload", params={**NAMED, "max_reject": "0"}, content=movies_csv([{"title": "A"}]))
    assert_problem(answer, 422, "invalid_request")
    assert mine.get("/uploads").json()["total"] == 0


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_parameter_stands_there_once(mine: httpx.Client, address: str) -> None:
    answer = mine.get(address, params=[("page", "1"), ("page", "2")])
    problem = assert_problem(answer, 422, "invalid_request")
    assert [(found["location"], found["code"]) for found in problem["errors"]] == [("query.page", "repeated_parameter")]


def test_a_header_stands_there_once(mine: httpx.Client) -> None:
    answer = mine.get("/movies", headers=[("X-Tenant", "a"), ("x-tenant", "b")])
    problem = assert_problem(answer, 422, "invalid_request")
    assert [found["location"] for found in problem["errors"]] == ["header.x-tenant"]


@pytest.mark.parametrize("address", ["/ping", "/healthz", "/datasets"])
def test_where_nothing_can_be_asked_for_the_query_is_ignored(mine: httpx.Client, address: str) -> None:
    assert mine.get(address, params={"ts": "1"}).status_code == 200


@pytest.mark.parametrize("digits", ["\u0663", "\u0663%"])
def test_digits_are_those_of_the_document(mine: httpx.Client, digits: str) -> None:
    answer = mine.post("/upload", params={**NAMED, "max_rejects": digits}, content=movies_csv([{"title": "A"}]))
    assert_problem(answer, 422, "invalid_request")
