"""`as_of`: lists and files as they were at an earlier moment, or after an upload."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.system.api.sending import Json, assert_problem, wait_for_end
from tests.system.api.titles import DATASET, Titles, titles_csv

FORMATS = ("csv", "jsonl", "parquet", "arrow")
Shown = list[tuple[int, str]]


@dataclass(frozen=True)
class Step:
    """An upload, what was visible after it, and a time before anything else happened."""

    upload: Json
    shown: Shown
    time: datetime


@pytest.fixture(params=[False, True], ids=["small", "large"])
def steps(titles: Titles, request: pytest.FixtureRequest) -> list[Step]:
    """Uploads of each mode, into the dataset and into another one of the same table."""
    sent: list[tuple[dict[int, str], str]] = [
        ({1: "one", 2: "two", 3: "three"}, "append"),
        ({2: "two!", 4: "four"}, "upsert"),
        ({5: "five"}, "append"),
        ({1: "ONE", 4: "four", 6: "six"}, "replace"),
        ({6: "six!", 7: "seven"}, "upsert"),
    ]
    found = []
    for number, (rows, mode) in enumerate(sent):
        upload = titles.send(rows, mode=mode, is_large=request.param != bool(number % 2))
        assert upload["state"] == "completed", upload
        found.append(Step(upload, titles.shown(), datetime.now(UTC)))
    assert [len(step.shown) for step in found] == [3, 4, 5, 3, 4]
    return found


def exported(client: httpx.Client, file_format: str, params: Json) -> Shown:
    """Number and title of each row of a file, sorted."""
    answer = client.get(f"/datasets/{DATASET}/rows.{file_format}", params=params)
    assert answer.status_code == 200, answer.text
    rows: list[Json]
    match file_format:
        case "csv":
            rows = list(csv.DictReader(io.StringIO(answer.text)))
        case "jsonl":
            rows = [json.loads(line) for line in answer.text.splitlines()]
        case "parquet":
            rows = parquet.read_table(io.BytesIO(answer.content)).to_pylist()
        case _:
            rows = pa.ipc.open_stream(answer.content).read_all().to_pylist()
    return sorted((int(row["source_id"][2:]), row["title"]) for row in rows)


def pages(client: httpx.Client, address: str, params: Json, title: str = "title") -> list[str]:
    """The titles of all pages, by `next_cursor`; each page says the same total."""
    found: list[str] = []
    cursor = None
    while True:
        answer = client.get(address, params={**params, "page_size": 2, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [item[title] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            assert len(found) == page["total"]
            return found


def movie_titles(client: httpx.Client, **params: Any) -> list[str]:
    """The titles of the listing of films, which has all datasets."""
    page = client.get("/movies", params={"page_size": 100, **params}).raise_for_status().json()
    assert page["total"] == len(page["items"])
    return sorted(item["title"] for item in page["items"])


def test_each_list_and_file_is_as_it_was(titles: Titles, steps: list[Step]) -> None:
    client = titles.client
    for step in steps:
        for as_of in (step.upload["id"], step.time.isoformat()):
            assert titles.shown(as_of=as_of) == step.shown
            assert movie_titles(client, as_of=as_of) == sorted(title for _, title in step.shown)
        for file_format in FORMATS:
            assert exported(client, file_format, {"as_of": step.upload["id"]}) == step.shown
    assert titles.shown() == steps[-1].shown


def test_rows_of_then_are_sorted_filtered_and_paged(titles: Titles, steps: list[Step]) -> None:
    client = titles.client
    for step in steps:
        as_of = {"as_of": step.upload["id"]}
        names = [title for _, title in step.shown]
        rows = f"/datasets/{DATASET}/rows"
        assert pages(client, rows, {**as_of, "sort": "title"}) == sorted(names)
        assert pages(client, rows, {**as_of, "sort": "-title"}) == sorted(names, reverse=True)
        assert sorted(pages(client, rows, as_of)) == sorted(names)
        found = pages(client, rows, {**as_of, "title__prefix": "t", "sort": "title"})
        assert found == sorted(title for title in names if title.startswith("t"))
        assert titles.shown(**as_of, source_id="tt0000004") == [each for each in step.shown if each[0] == 4]
        assert sorted(pages(client, "/movies", as_of)) == sorted(names)
        assert exported(client, "csv", {**as_of, "title__prefix": "t"}) == [
            each for each in step.shown if each[1].startswith("t")
        ]


def test_pages_of_then_stay_those_of_then(titles: Titles) -> None:
    first = titles.send({1: "a", 2: "b", 3: "c"})
    for address in (f"/datasets/{DATASET}/rows", "/movies"):
        params = {"as_of": first["id"], "page_size": 2}
        page = titles.client.get(address, params=params).json()
        assert page["total"] == 3
        titles.send({1: "A", 2: "B", 3: "C", 4: f"D {address}"}, mode="replace")
        rest = titles.client.get(address, params={**params, "cursor": page["next_cursor"]}).json()
        assert {item["title"] for item in page["items"] + rest["items"]} == {"a", "b", "c"}
        assert rest["total"] == 3
        for other in ({}, {"as_of": datetime.now(UTC).isoformat()}):
            answer = titles.client.get(address, params={**other, "page_size": 2, "cursor": page["next_cursor"]})
            assert_problem(answer, 422, "invalid_cursor")


def test_links_keep_the_moment(titles: Titles) -> None:
    first = titles.send({1: "a", 2: "b", 3: "c"})
    titles.send({1: "A"}, mode="replace")
    for address in (f"/datasets/{DATASET}/rows", "/movies"):
        answer = titles.client.get(address, params={"as_of": first["id"], "page_size": 2})
        following = titles.client.get(answer.links["next"]["url"].removeprefix("/api/v1")).raise_for_status().json()
        assert len(following["items"]) == 1
        assert {item["title"] for item in answer.json()["items"] + following["items"]} == {"a", "b", "c"}


def test_movies_have_the_rows_of_all_datasets_of_then(titles: Titles) -> None:
    """An upload into one dataset is a moment of the others of its table, too."""

    def send(title: str) -> Json:
        content = f"title,release_year\n{title},1999\n".encode()
        return titles.send_file(content, "movies.csv", dataset="movies", mode="append", force=True)

    titles.send({1: "one"}, mode="append")
    moment = send("a film")
    titles.send({1: "one!"}, mode="replace")
    send("another film")
    assert movie_titles(titles.client, as_of=moment["id"]) == ["a film", "one"]
    assert movie_titles(titles.client) == ["a film", "another film", "one!"]
    assert titles.shown(as_of=moment["id"]) == [(1, "one")]


def test_pages_by_number_have_each_movie_once(titles: Titles, steps: list[Step]) -> None:
    upload_id = steps[1].upload["id"]
    everything = movie_titles(titles.client, as_of=upload_id)
    found: list[str] = []
    for page in range(1, len(everything)):
        answer = titles.client.get("/movies", params={"as_of": upload_id, "page_size": 2, "page": page})
        found += [item["title"] for item in answer.raise_for_status().json()["items"]]
    assert sorted(found) == everything


def test_times_are_of_any_zone(titles: Titles) -> None:
    before = datetime.now(UTC)
    titles.send({1: "one"})
    at = datetime.now(UTC)
    titles.send({2: "two"}, mode="append")
    zones = (timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8)))
    texts = [at.isoformat(), at.isoformat().replace("+00:00", "Z"), at.replace(tzinfo=None).isoformat()]
    texts += [at.astimezone(zone).isoformat() for zone in zones]
    texts += [at.isoformat(" "), at.astimezone(zones[0]).strftime("%Y%m%dT%H%M%S.%f%z")]
    for text in texts:
        assert titles.shown(as_of=text) == [(1, "one")], text
        assert movie_titles(titles.client, as_of=text) == ["one"]
    assert titles.shown(as_of=before.isoformat()) == []
    assert titles.shown(as_of="2000-01-01") == []
    assert titles.shown(as_of="2999-12-31T23:59:59Z") == [(1, "one"), (2, "two")]


@pytest.mark.parametrize("as_of", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_at_either_end_of_time(titles: Titles, as_of: str) -> None:
    titles.send({1: "one"})
    for address in (f"/datasets/{DATASET}/rows", f"/datasets/{DATASET}/rows.csv", "/movies"):
        assert_problem(titles.client.get(address, params={"as_of": as_of}), 422, "invalid_moment")
    assert titles.shown(as_of=as_of[:19]) == ([] if as_of.startswith("0") else [(1, "one")])


@pytest.mark.parametrize("as_of", ["", "yesterday", "2001-02-30", "12:00", "1795510923", "2001-01-01T00:00:00+25:00"])
def test_what_is_no_moment_is_a_clear_error(titles: Titles, as_of: str) -> None:
    for address in (f"/datasets/{DATASET}/rows", f"/datasets/{DATASET}/rows.csv", "/movies"):
        assert_problem(titles.client.get(address, params={"as_of": as_of}), 422, "invalid_moment")


def gone(titles: Titles, as_of: str) -> Json:
    """The problem that every list and file answers with, since it is not known any more what was visible then."""
    problems = []
    for address in (f"/datasets/{DATASET}/rows", *(f"/datasets/{DATASET}/rows.{each}" for each in FORMATS), "/movies"):
        answer = titles.client.get(address, params={"as_of": as_of})
        problems.append(assert_problem(answer, 410, "history_expired") | {"trace_id": ""})
    assert all(problem == problems[0] for problem in problems)
    return problems[0]


@pytest.mark.parametrize("is_large", [False, True], ids=["small", "large"])
def test_after_an_undo_what_was_before_is_not_known(titles: Titles, is_large: bool) -> None:
    early = datetime.now(UTC).isoformat()
    first = titles.send({1: "one"}, mode="append")
    second = titles.send({2: "two"}, mode="append", is_large=is_large)
    time = datetime.now(UTC).isoformat()
    third = titles.send({3: "three"}, mode="append")
    titles.undo(second)
    for as_of in (second["id"], third["id"], time):
        if as_of != second["id"]:
            problem = gone(titles, as_of)
            assert f"{second['id']}, was undone since" in problem["detail"]
            assert titles.shown(as_of=problem["earliest"]) == [(1, "one"), (3, "three")]
    for address in (f"/datasets/{DATASET}/rows", "/movies"):
        answer = titles.client.get(address, params={"as_of": second["id"]})
        problem = assert_problem(answer, 409, "state_conflict")
        assert problem["state"] == "undone"
    # the undone upload was published after these
    assert titles.shown(as_of=first["id"]) == [(1, "one")]
    assert titles.shown(as_of=early) == []


def test_after_a_correction_what_was_before_is_not_known(titles: Titles) -> None:
    upload = titles.send_file(titles_csv({1: "one"}) + b"x9\tmovie\tbad\n", mode="append")
    time = datetime.now(UTC).isoformat()
    path = f"/uploads/{upload['id']}/rejects"
    content = titles.client.get(path, params={"format": "csv"}).text.replace("x9", "tt0000009").encode()
    sent = titles.client.post(path, params={"filename": "rejects.tsv"}, content=content).raise_for_status()
    correction = wait_for_end(titles.client, sent.json()["id"])
    assert correction["state"] == "completed"
    for as_of in (upload["id"], time):
        problem = gone(titles, as_of)
        assert f"{upload['id']}, was corrected since" in problem["detail"]
        assert titles.shown(as_of=problem["earliest"]) == [(1, "one"), (9, "bad")]
    assert titles.shown(as_of=correction["id"]) == [(1, "one"), (9, "bad")]


def test_an_upload_that_is_no_moment_of_the_list(titles: Titles) -> None:
    client, rows = titles.client, f"/datasets/{DATASET}/rows"
    titles.send({1: "one"})
    ratings = titles.send_file(b"tconst\taverageRating\tnumVotes\ntt0000001\t5.7\t1\n", "title.ratings.tsv")
    assert (ratings["state"], ratings["dataset"]) == ("completed", "title.ratings")
    planned = titles.plan({2: "two"}, "append")
    for address in (rows, f"{rows}.csv", "/movies"):
        assert_problem(client.get(address, params={"as_of": ratings["id"]}), 422, "invalid_moment")
        problem = assert_problem(client.get(address, params={"as_of": planned["id"]}), 409, "state_conflict")
        assert (problem["state"], problem["allowed"]) == ("planned", ["completed"])
        nobodys = "00000000-0000-4000-8000-000000000000"
        assert_problem(client.get(address, params={"as_of": nobodys}), 404, "not_found")
    own = client.get("/datasets/title.ratings/rows", params={"as_of": ratings["id"]}).raise_for_status().json()
    assert own["total"] == 1


def test_an_upload_of_another_tenant_is_no_moment(titles: Titles) -> None:
    upload = titles.send({1: "one"})
    stranger = {"X-Tenant": "somebody-else"}
    for address in (f"/datasets/{DATASET}/rows", f"/datasets/{DATASET}/rows.csv", "/movies"):
        answer = titles.client.get(address, params={"as_of": upload["id"]}, headers=stranger)
        assert_problem(answer, 404, "not_found")
        now = titles.client.get(address, params={"as_of": datetime.now(UTC).isoformat()}, headers=stranger)
        assert now.status_code == 200
        assert b"tt0000001" not in now.content


def test_of_a_dataset_that_nothing_was_loaded_into(titles: Titles) -> None:
    for as_of in ("2001-01-01", datetime.now(UTC).isoformat()):
        assert titles.shown(as_of=as_of) == []
        assert movie_titles(titles.client, as_of=as_of) == []
        for file_format in FORMATS:
            assert exported(titles.client, file_format, {"as_of": as_of}) == []
