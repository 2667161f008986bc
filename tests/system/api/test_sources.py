"""Uploads by address, and sources: over HTTP, fetched and loaded by processes of the stack."""

import time
import uuid
from collections.abc import Iterator

import httpx
import pytest

from stack.local import LocalStack
from stack.ports import free_port
from stack.services import Api, Surroundings
from tests.file_server import FileServer, Handler
from tests.rows import movies
from tests.system.api.pulled import ended
from tests.system.api.sending import Json, assert_problem, wait_for_end
from tests.system.stack.processes import running
from tests.waiting import eventually

MOVIES = movies({}, {"title": "Other"})
IMDB = "https://datasets.imdbws.com/title.basics.tsv.gz"


@pytest.fixture(scope="module")
def alone(stack: LocalStack) -> Iterator[Api]:
    """One more API on a stack, for which no operator has listed hosts."""
    surroundings = Surroundings(stack.data_dir, stack.database_url, stack.redis_url, {})
    with running(Api(surroundings, free_port(), "api-alone")) as api:
        yield api


@pytest.fixture
def client(pulling: LocalStack) -> Iterator[httpx.Client]:
    """A tenant of its own."""
    headers = {"X-Tenant": f"t-{uuid.uuid4().hex[:12]}"}
    with httpx.Client(base_url=f"{pulling.api_url}/api/v1", headers=headers, timeout=30, trust_env=False) as own:
        yield own


@pytest.mark.parametrize("use_celery", [False, True])
def test_a_file_is_loaded_from_its_address(client: httpx.Client, file_server: FileServer, use_celery: bool) -> None:
    address = file_server.file("/movies.csv", MOVIES)
    answer = client.post("/upload", params={"use_celery": use_celery}, json={"url": address})
    assert answer.status_code == 202, answer.text
    asked = answer.json()
    assert (asked["url"], asked["filename"], asked["source"]) == (address, "movies.csv", None)
    assert answer.headers["location"] == asked["links"]["self"] == f"/api/v1/pulls/{asked['id']}"
    pull = ended(client, asked)
    assert (pull["state"], pull["size_bytes"], pull["next_attempt_at"]) == ("fetched", len(MOVIES), None)
    upload = wait_for_end(client, pull["upload_id"])
    assert (upload["state"], upload["records"]["loaded"]) == ("completed", 2)
    assert upload["transport"] == ("celery" if use_celery else "background")


def test_the_parameters_are_those_of_an_upload(client: httpx.Client, file_server: FileServer) -> None:
    address = file_server.file("/download", MOVIES.replace(b",", b";"))
    params = {"filename": "films.csv", "dataset": "movies", "delimiter": ";", "plan": "true", "on_error": "abort"}
    pull = ended(client, client.post("/upload", params=params, json={"url": address}).raise_for_status().json())
    upload = client.get(f"/uploads/{pull['upload_id']}").raise_for_status().json()
    assert (upload["filename"], upload["dialect"]["delimiter"], upload["on_error"]) == ("films.csv", ";", "abort")
    assert upload["plan"] is not None or upload["state"] in ("queued", "loading")


def test_a_key_makes_one_pull(client: httpx.Client, file_server: FileServer) -> None:
    address, key = file_server.file("/movies.csv", MOVIES), {"Idempotency-Key": "once"}
    first, again = (client.post("/upload", headers=key, json={"url": address}).json() for _ in range(2))
    assert first["id"] == again["id"]
    other = client.post("/upload", headers=key, params={"force": True}, json={"url": address})
    assert_problem(other, 422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("https://evil.example/movies.csv", 422, "address_forbidden"),
        ("https://datasets.imdbws.com:8443/movies.csv", 422, "address_forbidden"),
        ("https://user:secret@localhost/movies.csv", 422, "address_forbidden"),
        ("https://127.0.0.1/movies.csv", 422, "address_forbidden"),
        ("https://datasets.imdbws.com/", 422, "filename_required"),
        ("https://datasets.imdbws.com/movies.pdf", 415, "unsupported_file"),
        ("", 422, "invalid_request"),
        (3, 422, "invalid_request"),
        ("https://localhost/" + 2048 * "a", 422, "invalid_request"),
    ],
)
def test_what_is_not_fetched_is_refused_at_once(client: httpx.Client, url: object, status: int, code: str) -> None:
    assert_problem(client.post("/upload", json={"url": url}), status, code)
    named = {"name": "films", "url": url}
    assert_problem(client.post("/sources", json=named), status, code)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"url": "https://localhost/a.csv", "more": 1}', b'{"url": "\xff"}']
)
def test_a_document_must_be_one(client: httpx.Client, body: bytes) -> None:
    answer = client.post("/upload", headers={"Content-Type": "application/json"}, content=body)
    assert_problem(answer, 422, "invalid_request")


def test_a_document_has_a_limit(client: httpx.Client) -> None:
    assert_problem(client.post("/upload", json={"url": 20_000 * "a"}), 413, "body_too_large")


def test_without_listed_hosts_nothing_is_fetched(alone: Api) -> None:
    base_url = f"{alone.url}/api/v1"
    for path, body in (("/upload", {"url": IMDB}), ("/sources", {"name": "imdb", "url": IMDB})):
        assert_problem(httpx.post(base_url + path, json=body, trust_env=False), 403, "pulling_off")


def test_a_source_is_made_shown_changed_and_deleted(client: httpx.Client) -> None:
    starts_at = "2099-01-01T05:00:00Z"
    wanted = {"name": "basics", "url": IMDB, "dataset": "title.basics", "mode": "replace", "every_minutes": 1440}
    made = client.post("/sources", json=wanted | {"starts_at": starts_at})
    assert made.status_code == 201, made.text
    source = made.json()
    assert made.headers["location"] == source["links"]["self"] == "/api/v1/sources/basics"
    assert source["filename"] == "title.basics.tsv.gz"
    assert source["next_run_at"] == starts_at
    far_off = client.patch("/sources/basics", json={"starts_at": "2099-01-02T04:59:00+23:59"})
    assert far_off.raise_for_status().json()["next_run_at"] == starts_at
    before_all = client.patch("/sources/basics", json={"starts_at": "0001-01-01T00:00:00+01:00"})
    assert_problem(before_all, 422, "invalid_request")
    assert client.get("/sources").json() == {"items": [source]}
    assert client.get("/sources/basics").json() == source
    assert_problem(client.post("/sources", json=wanted), 409, "source_exists")

    changed = client.patch("/sources/basics", json={"mode": None, "use_celery": True}).raise_for_status().json()
    assert changed == source | {"mode": None, "use_celery": True}
    other = "https://datasets.imdbws.com/title.ratings.tsv.gz"
    changed = client.patch("/sources/basics", json={"url": other, "dataset": None, "every_minutes": None}).json()
    assert (changed["url"], changed["filename"], changed["next_run_at"]) == (other, "title.ratings.tsv.gz", None)
    assert_problem(client.patch("/sources/basics", json={"name": "x"}), 422, "invalid_request")
    assert_problem(client.patch("/sources/basics", json={"starts_at": starts_at}), 422, "schedule_incomplete")
    assert_problem(
        client.patch("/sources/basics", json={"url": "https://evil.example/a.csv"}), 422, "address_forbidden"
    )
    assert_problem(client.patch("/sources/basics", json={"dataset": "none"}), 422, "unknown_dataset")

    assert client.delete("/sources/basics").status_code == 204
    for answer in (
        client.get("/sources/basics"),
        client.get("/sources/basics/runs"),
        client.post("/sources/basics/run"),
        client.patch("/sources/basics", json={}),
        client.delete("/sources/basics"),
    ):
        assert_problem(answer, 404, "not_found")


def test_a_source_is_pulled_by_schedule_and_on_demand(client: httpx.Client, file_server: FileServer) -> None:
    address = file_server.file("/daily.csv", MOVIES, ETag='"1"')
    source = {"name": "films", "url": address, "every_minutes": 60, "dataset": "movies", "mode": "replace"}
    client.post("/sources", json=source).raise_for_status()

    def runs(count: int) -> Json | None:
        page: Json = client.get("/sources/films/runs").raise_for_status().json()
        done = [run for run in page["items"] if run["ended_at"]]
        return page if page["total"] == len(done) == count else None

    first = eventually(lambda: runs(1))
    assert first is not None
    [run] = first["items"]
    assert (run["state"], run["source"]) == ("fetched", "films")
    assert wait_for_end(client, run["upload_id"])["state"] == "completed"
    shown = client.get("/sources/films").json()
    assert (shown["etag"], shown["upload_id"]) == ('"1"', run["upload_id"])

    again = ended(client, client.post("/sources/films/run").raise_for_status().json())
    assert (again["state"], again["upload_id"], again["size_bytes"]) == ("unchanged", run["upload_id"], 0)
    file_server.file("/daily.csv", movies({"title": "New"}), ETag='"2"')
    newer = ended(client, client.post("/sources/films/run").raise_for_status().json())
    assert newer["state"] == "fetched"
    assert wait_for_end(client, newer["upload_id"])["state"] == "completed"
    assert [item["title"] for item in client.get("/movies").json()["items"]] == ["New"]
    page = client.get("/sources/films/runs", params={"page_size": 2})
    assert [item["id"] for item in page.json()["items"]] == [newer["id"], again["id"]]
    assert 'rel="next"' in page.headers["link"]
    # another way to load it is not what was loaded
    changed = client.patch("/sources/films", json={"mode": "append"}).raise_for_status().json()
    assert (changed["etag"], changed["upload_id"]) == (None, newer["upload_id"])
    forced = ended(client, client.post("/sources/films/run", params={"force": True}).raise_for_status().json())
    assert forced["state"] == "fetched"


def test_who_asks_twice_gets_the_pull_that_waits(client: httpx.Client, file_server: FileServer) -> None:
    def slow(handler: Handler) -> None:
        time.sleep(1)
        handler.send(200, MOVIES)

    client.post("/sources", json={"name": "slow", "url": file_server.answer("/slow.csv", slow)}).raise_for_status()
    first, again = (client.post("/sources/slow/run").raise_for_status().json() for _ in range(2))
    assert first["id"] == again["id"]
    assert ended(client, first)["state"] == "fetched"
    assert client.get("/sources/slow/runs").json()["total"] == 1


def test_what_goes_wrong_is_shown(client: httpx.Client, file_server: FileServer) -> None:
    address = file_server.answer("/gone.csv", lambda handler: handler.send(404))
    pull = ended(client, client.post("/upload", json={"url": address}).raise_for_status().json())
    assert (pull["state"], pull["upload_id"]) == ("failed", None)
    assert pull["error"] == {"code": "fetch_refused", "message": "The server answered with 404."}
