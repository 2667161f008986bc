"""What a request says is taken as it was meant, or refused: see api/description/strict_parameters.py."""

import asyncio
import time
from collections.abc import Iterable

import httpx
import pytest

from api.description.public_names import DOCS_PATHS, PUBLIC_PATHS
from api.main import create_app
from shared.settings import Settings
from stack.local import LocalStack
from tests.system.api.sending import NAMED, assert_problem, movies_csv

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


def test_of_very_many_unknown_parameters_the_first_are_told(mine: httpx.Client) -> None:
    names = [f"page_siz{number:03}" for number in range(500)]
    answer = mine.get("/movies", params=[(name, "1") for name in names + names])
    problem = assert_problem(answer, 422, "invalid_request")
    *told, others = problem["errors"]
    assert [found["location"] for found in told] == [f"query.{name}" for name in names[:10]]
    assert {found["message"] for found in told} == {"there is no such parameter here; did you mean page_size?"}
    assert (others["location"], others["code"]) == ("request", "others")
    assert "490 more" in others["message"]
    assert len(answer.content) < 4096


def test_ten_unknown_parameters_are_all_there_are(mine: httpx.Client) -> None:
    for count, codes in ((10, ["unknown_parameter"]), (11, ["unknown_parameter", "others"])):
        problem = assert_problem(
            mine.get("/movies", params={f"x{n}": "" for n in range(count)}), 422, "invalid_request"
        )
        assert list(dict.fromkeys(found["code"] for found in problem["errors"])) == codes


def seconds_to_refuse(names: Iterable[str]) -> float:
    """Of one request with these parameters, without a server: the quickest of five."""
    app = create_app(Settings(database_url="postgresql://nobody@unused.invalid/none"))
    app.openapi()
    query = "&".join(f"{name}=" for name in names)

    async def ask() -> float:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            times = []
            for _ in range(5):
                begun = time.process_time()
                answer = await client.get(f"/api/v1/movies?{query}")
                times.append(time.process_time() - begun)
                assert answer.status_code == 422
        return min(times)

    return asyncio.run(ask())


def test_very_many_unknown_parameters_cost_little() -> None:
    """About as much as one that stands there as often, which is wrong once; ten times that, if all were looked at."""
    assert seconds_to_refuse(f"page_siz{number:03}" for number in range(1200)) < 4 * seconds_to_refuse(
        ["page_size"] * 1200
    )


def test_of_very_many_values_that_cannot_be_the_first_are_told(mine: httpx.Client) -> None:
    options = dict.fromkeys(("use_celery", "force", "on_error", "max_rejects", "delimiter", "quoting", "tenant"), "?!")
    options |= dict.fromkeys(("dataset", "encoding", "filename"), "x" * 2000)
    headers = {"X-Tenant": "?!", "Idempotency-Key": "x" * 2000}
    answer = mine.post("/upload", params=options, headers=headers, content=b"x")
    *told, others = assert_problem(answer, 422, "invalid_request")["errors"]
    assert len({found["location"] for found in told}) == len(told) == 10
    assert others["code"] == "others"
    assert "2 more" in others["message"]


@pytest.mark.parametrize(
    ("address", "name", "value", "message"),
    [
        ("/upload", "on_error", "abrt", "'abrt' is not possible; did you mean abort? Possible: skip, abort."),
        ("/movies", "sort_order", "up", "'up' is not possible. Possible: asc, desc."),
        ("/movies", "page_size", "1000", "Input should be less than or equal to 100, not '1000'"),
        (
            "/upload",
            "max_rejects",
            "10 %",
            (
                "'10 %' is not possible. The upload fails if it has more rejected records than this count or"
                " percentage. For example: 100, 2.5%."
            ),
        ),
        (
            "/movies",
            "tenant",
            "My Films",
            (
                "'My Films' is not possible. The same as the header X-Tenant. A name has up to 63 small letters,"
                " digits, - and _, and begins with a letter or a digit."
            ),
        ),
        (
            "/movies",
            "language",
            "x" * 2000,
            (
                f"'{'x' * 100}...' is not possible. Only movies with this original language: a code of two or three"
                " letters. For example: de."
            ),
        ),
    ],
)
def test_a_value_that_cannot_be_is_named_with_what_can(
    mine: httpx.Client, address: str, name: str, value: str, message: str
) -> None:
    method = "POST" if address == "/upload" else "GET"
    problem = assert_problem(mine.request(method, address, params={name: value}), 422, "invalid_request")
    (found,) = problem["errors"]
    assert (found["location"], found["message"]) == (f"query.{name}", message)
    assert problem["detail"] == f"query.{name}: {message}"


def test_a_header_that_cannot_be_is_named_with_what_can(mine: httpx.Client) -> None:
    (found,) = assert_problem(mine.get("/movies", headers={"X-Tenant": "?!"}), 422, "invalid_request")["errors"]
    assert found["message"].startswith("'?!' is not possible. One of the key's tenants, ")


@pytest.mark.parametrize(
    ("parameter", "value", "code", "detail"),
    [
        ("dataset", "film s", "unknown_dataset", "There is no dataset 'film s'; did you mean films?"),
        ("dataset", "?", "unknown_dataset", "There is no dataset '?'."),
        ("encoding", "utf-61", "unknown_encoding", "The API cannot read the encoding 'utf-61'; did you mean utf-16?"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest_and_all_known(
    mine: httpx.Client, parameter: str, value: str, code: str, detail: str
) -> None:
    problem = assert_problem(mine.post("/upload", params={**NAMED, parameter: value}, content=b"x"), 422, code)
    assert problem["detail"] == detail
    assert {"film", "utf-8"} & set(problem["known"])


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_parameter_stands_there_once(mine: httpx.Client, address: str) -> None:
    answer = mine.get(address, params=[("page", "1"), ("page", "2")])
    problem = assert_problem(answer, 422, "invalid_request")
    assert [(found["location"], found["code"]) for found in problem["errors"]] == [("query.page", "repeated_parameter")]


def test_a_header_stands_there_once(mine: httpx.Client) -> None:
    answer = mine.get("/movies", headers=[("X-Tenant", "a"), ("x-tenant", "b")])
    problem = assert_problem(answer, 422, "invalid_request")
    assert [found["location"] for found in problem["errors"]] == ["header.x-tenant"]


@pytest.mark.parametrize("path", sorted(PUBLIC_PATHS | DOCS_PATHS))
def test_where_nothing_can_be_asked_for_the_query_is_ignored(stack: LocalStack, path: str) -> None:
    assert httpx.get(f"{stack.api_url}{path}", params={"ts": "1"}, trust_env=False).status_code == 200


@pytest.mark.parametrize("address", ["/tenants", "/datasets"])
def test_what_is_the_same_for_all_tenants_takes_a_tenant_and_no_more(mine: httpx.Client, address: str) -> None:
    assert mine.get(address, headers={"X-Tenant": "films"}).status_code == 200
    assert mine.get(address, params={"tenant": mine.headers["X-Tenant"]}).status_code == 200
    problem = assert_problem(mine.get(address, params={"tenantt": "films"}), 422, "invalid_request")
    assert problem["errors"][0]["message"].endswith("did you mean tenant?")
    assert_problem(mine.get(address, params={"tenant": "?!"}), 422, "invalid_request")


@pytest.mark.parametrize("digits", ["\u0663", "\u0663%"])
def test_digits_are_those_of_the_document(mine: httpx.Client, digits: str) -> None:
    answer = mine.post("/upload", params={**NAMED, "max_rejects": digits}, content=movies_csv([{"title": "A"}]))
    assert_problem(answer, 422, "invalid_request")
