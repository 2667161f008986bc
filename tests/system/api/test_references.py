"""Files that refer to each other by ids: how many rows refer to nothing."""

from collections.abc import Callable
from contextlib import closing

import httpx
import psycopg2
import pytest

from stack.local import LocalStack
from tests.rows import titles
from tests.system.api.sending import Json, assert_problem, wait_for_end
from tests.system.cli.programs import SAMPLES, run

FILES = (
    *("title.basics.tsv.gz", "title.ratings.tsv", "title.crew.tsv", "title.principals.tsv", "title.episode.tsv"),
    *("title.akas.tsv", "name.basics.tsv"),
)
Send = Callable[[str], Json]


@pytest.fixture
def send(mine: httpx.Client) -> Send:
    """Load a sample."""

    def send_sample(name: str) -> Json:
        answer = mine.put("/upload", params={"filename": name}, content=(SAMPLES / name).read_bytes())
        assert answer.status_code == 202, answer.text
        upload = wait_for_end(mine, answer.json()["id"])
        assert upload["state"] == "completed", upload
        return upload

    return send_sample


def dangling(client: httpx.Client, dataset: str) -> dict[str, int]:
    """By field."""
    answer = client.get(f"/datasets/{dataset}/references").raise_for_status().json()
    return {item["field"]: item["dangling"] for item in answer["items"]}


def rows(client: httpx.Client, dataset: str) -> list[Json]:
    found: list[Json] = []
    params: dict[str, str] = {}
    while True:
        answer = (
            client.get(f"/datasets/{dataset}/rows", params={"page_size": "100", **params}).raise_for_status().json()
        )
        found += answer["items"]
        if answer["next_cursor"] is None:
            assert len(found) == answer["total"]
            return found
        params = {"cursor": answer["next_cursor"]}


def test_each_reference_is_counted_exactly(mine: httpx.Client, send: Send) -> None:
    uploads = {name: send(name) for name in reversed(FILES)}  # any order
    ids = {
        "movies": {row["source_id"] for row in rows(mine, "title.basics")},
        "people": {row["source_id"] for row in rows(mine, "name.basics")},
    }
    seen = set()
    for dataset in {upload["dataset"] for upload in uploads.values()}:
        for item in mine.get(f"/datasets/{dataset}/references").raise_for_status().json()["items"]:
            assert item["target_field"] == "source_id"
            expected = 0
            for row in rows(mine, dataset):
                value = row[item["field"]]
                values = set(value) if isinstance(value, list) else {value} - {None}
                expected += not values <= ids[item["table"]]
            assert item["dangling"] == expected, (dataset, item)
            seen.add((dataset, item["field"], 0 < expected < len(rows(mine, dataset))))
    assert {(dataset, field) for dataset, field, _ in seen} >= {
        ("title.crew", "directors"),
        ("name.basics", "known_for"),
    }
    assert {is_some for _, _, is_some in seen} == {True, False}
    assert len(seen) == 10


def test_what_was_loaded_or_undone_since_counts(mine: httpx.Client, send: Send) -> None:
    assert dangling(mine, "title.ratings") == {"source_id": 0}
    upload = send("title.ratings.tsv")
    loaded = upload["records"]["loaded"]
    assert dangling(mine, "title.ratings") == {"source_id": loaded}
    rated = rows(mine, "title.ratings")[0]["source_id"]
    answer = mine.put("/upload", params={"filename": "title.basics.tsv"}, content=titles({"tconst": rated}))
    assert wait_for_end(mine, answer.json()["id"])["state"] == "completed"
    assert dangling(mine, "title.ratings") == {"source_id": loaded - 1}
    mine.post(f"/uploads/{answer.json()['id']}/undo").raise_for_status()
    assert dangling(mine, "title.ratings") == {"source_id": loaded}


def test_films_of_another_tenant_do_not_count(mine: httpx.Client, send: Send) -> None:
    send("title.basics.tsv.gz")
    other = {"X-Tenant": f"{mine.headers['X-Tenant']}-other"}
    content = (SAMPLES / "title.ratings.tsv").read_bytes()
    answer = mine.put("/upload", params={"filename": "title.ratings.tsv"}, content=content, headers=other)
    with httpx.Client(base_url=mine.base_url, headers=other, timeout=30, trust_env=False) as client:
        upload = wait_for_end(client, answer.json()["id"])
        assert dangling(client, "title.ratings") == {"source_id": upload["records"]["loaded"]}


def test_a_dataset_that_is_none_and_one_without_references(mine: httpx.Client) -> None:
    assert_problem(mine.get("/datasets/nothing/references"), 404, "not_found")
    assert mine.get("/datasets/movies/references").json() == {"items": []}


def test_a_count_that_takes_too_long_says_which_index_serves_it(
    mine: httpx.Client, send: Send, stack: LocalStack
) -> None:
    send("title.ratings.tsv")
    with closing(psycopg2.connect(stack.database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLE movies IN ACCESS EXCLUSIVE MODE")  # the query waits for longer than it may
        problem = assert_problem(mine.get("/datasets/title.ratings/references"), 422, "needs_index")
    assert problem["index"] == ["source_id"]


def test_the_command_line_shows_them(mine: httpx.Client, send: Send, stack: LocalStack) -> None:
    upload = send("title.ratings.tsv")
    common = ["--tenant", mine.headers["X-Tenant"], "--api-url", stack.api_url]
    shown = run(["references", "title.ratings", *common])
    assert shown.code == 0
    assert "movies.source_id" in shown.out
    assert str(upload["records"]["loaded"]) in shown.out
    assert run(["references", "title.ratings", "--json", *common]).document["items"][0]["table"] == "movies"
