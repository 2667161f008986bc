"""Listings from the cache: what is kept is what the database says now, for this tenant and for nobody else."""

import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from redis import Redis

from stack.local import LocalStack
from tests.system.api.sending import Json, assert_problem, movies_csv, wait_for_end
from tests.system.api.test_corrections import corrected
from tests.system.api.titles import BORDER_BYTES, DATASET, Titles

ROWS = f"/datasets/{DATASET}/rows"


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Its broker may be stopped and killed."""
    settings = {"INGEST_SMALL_UPLOAD_BYTES": str(BORDER_BYTES)}
    with LocalStack(tmp_path_factory.mktemp("cached"), workers=0, settings=settings) as running:
        yield running


@pytest.fixture
def titles(own_stack: LocalStack) -> Iterator[Titles]:
    headers = {"X-Tenant": f"t-{uuid.uuid4().hex[:12]}"}
    base_url = f"{own_stack.api_url}/api/v1"
    with httpx.Client(base_url=base_url, headers=headers, timeout=30, trust_env=False) as client:
        yield Titles(client)


def asked(client: httpx.Client, path: str, **params: str) -> tuple[str, str, Json]:
    """Where the answer comes from, its tag, and the answer."""
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.headers["x-cache"], answer.headers["etag"], answer.json()


def kept(titles: Titles) -> tuple[str, list[str]]:
    """The tag and the titles of a page that is asked for twice, and was not known before."""
    first, tag, page = asked(titles.client, ROWS)
    assert (first, asked(titles.client, ROWS)) == ("miss", ("hit", tag, page))
    shown = sorted(row["title"] for row in page["items"])
    assert page["total"] == len(shown)
    assert shown == sorted(movie["title"] for movie in asked(titles.client, "/movies")[2]["items"])
    return tag, shown


def test_each_change_of_the_rows_makes_another_answer(titles: Titles) -> None:
    tags: list[str] = []

    def expect(*expected: str) -> None:
        tag, shown = kept(titles)
        assert shown == sorted(expected)
        tags.append(tag)

    expect()
    first = titles.send({1: "a", 2: "b"})
    expect("a", "b")
    large = titles.send({3: "c"}, is_large=True, mode="append")
    expect("a", "b", "c")
    upsert = titles.send({2: "B"}, mode="upsert")
    expect("a", "B", "c")
    plan = titles.plan({9: "i"}, "replace")
    assert asked(titles.client, ROWS)[:2] == ("hit", tags[-1])  # nobody sees a plan
    titles.apply(plan)
    expect("i")
    titles.undo(plan)
    expect("a", "B", "c")
    titles.undo(upsert)
    expect("a", "b", "c")
    titles.undo(large)
    expect("a", "b")
    titles.undo(first)
    expect()
    assert len(set(tags)) == len(tags)


def test_a_correction_makes_another_answer(titles: Titles) -> None:
    upload = titles.send_file(movies_csv([{"title": "Right"}, {"title": "Wrong", "vote_average": "99"}]), "movies.csv")
    _, tag, page = asked(titles.client, "/movies")
    assert page["total"] == 1
    rejects = titles.client.get(f"/uploads/{upload['id']}/rejects", params={"format": "csv"}).content
    named = {"filename": "rejects.csv"}
    answer = titles.client.post(
        f"/uploads/{upload['id']}/rejects", params=named, content=corrected(rejects, {"vote_average": "9"})
    )
    assert wait_for_end(titles.client, answer.json()["id"])["state"] == "completed"
    _, other, page = asked(titles.client, "/movies")
    assert sorted(movie["title"] for movie in page["items"]) == ["Right", "Wrong"]
    assert other != tag


def test_a_client_that_has_the_answer_gets_304(titles: Titles) -> None:
    titles.send({1: "a"})
    for path in ("/movies", ROWS):
        answer = titles.client.get(path)
        tag = answer.headers["etag"]
        assert answer.headers["cache-control"] == "private, no-cache"
        assert answer.headers["vary"] == "Authorization, X-API-Key, X-Tenant"
        for header in (tag, tag.removeprefix("W/"), f'"other", {tag}'):
            for method in ("GET", "HEAD"):
                again = titles.client.request(method, path, headers={"If-None-Match": header})
                assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
                assert again.headers["cache-control"] == "private, no-cache"
                assert "content-type" not in again.headers
        for header in ("*", '"other"', ""):
            again = titles.client.get(path, headers={"If-None-Match": header})
            assert (again.status_code, again.json(), again.headers["x-cache"]) == (200, answer.json(), "hit")
        head = titles.client.head(path)
        assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", tag)
    titles.send({2: "b"}, mode="append")
    assert titles.client.get("/movies", headers={"If-None-Match": tag}).status_code == 200


def test_the_same_question_in_another_order_is_the_same_question(titles: Titles) -> None:
    titles.send({1: "a", 2: "b"})
    ask = titles.client.get
    one, other = ask("/movies?sort_by=vote_average&page_size=1"), ask("/movies?page_size=1&sort_by=vote_average")
    assert (one.headers["x-cache"], other.headers["x-cache"]) == ("miss", "hit")
    assert one.headers["link"] == other.headers["link"]
    tags = {
        ask(f"/movies?{query}").headers["etag"] for query in ("page_size=1", "page_size=2", "page=2", "language=en")
    }
    assert len(tags) == 4


def test_rows_of_another_moment_are_not_kept(titles: Titles) -> None:
    upload = titles.send({1: "a"})
    for path in ("/movies", ROWS):
        for moment in (upload["id"], "2999-01-01"):
            answer = titles.client.get(path, params={"as_of": moment})
            assert answer.json()["total"] == 1
            assert {"etag", "x-cache"}.isdisjoint(answer.headers)
            assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/movies?page=1000000", 422, "page_too_deep"),
        ("/movies?cursor=x", 422, "invalid_cursor"),
        ("/movies?page_size=0", 422, "invalid_request"),
        ("/movies?unknown=1", 422, "invalid_request"),
        (f"{ROWS}?unknown=1", 422, "invalid_filter"),
        ("/datasets/nothing/rows", 404, "not_found"),
        ("/datasets/a%00b/rows", 404, "not_found"),
    ],
)
def test_an_error_is_not_kept_and_has_no_tag(titles: Titles, path: str, status: int, code: str) -> None:
    for header in ("*", 'W/"0"'):
        answer = titles.client.get(path, headers={"If-None-Match": header})
        assert_problem(answer, status, code)
        assert {"etag", "x-cache"}.isdisjoint(answer.headers)
        assert answer.headers["cache-control"] == "no-store"


def declaration(*fields: str) -> Json:
    return {"name": "mine", "schema": {"fields": [{"name": name} for name in fields]}}


def test_a_declared_dataset_is_answered_as_it_is_declared_now(titles: Titles) -> None:
    client, path = titles.client, "/datasets/mine/rows"

    def page() -> list[Json]:
        rows: list[Json] = asked(client, path)[2]["items"]
        assert asked(client, path)[0] == "hit"
        return rows

    assert client.post("/datasets", json=declaration("colour", "size")).status_code == 201
    assert page() == []
    titles.send_file(b"colour,size\nred,1\n", "mine.csv", dataset="mine")
    assert [row["colour"] for row in page()] == ["red"]
    assert client.put("/datasets/mine", json=declaration("colour", "size", "shape")).status_code == 200
    assert [(row["colour"], row["shape"]) for row in page()] == [("red", None)]
    assert client.delete("/datasets/mine", params={"cascade": "true"}).status_code == 204
    assert client.get(path).status_code == 404
    assert client.post("/datasets", json=declaration("colour", "weight")).status_code == 201
    assert page() == []


def test_tenants_share_no_answer(own_stack: LocalStack) -> None:
    """The names are alike; both have the same file, and its rows have other ids."""
    names = [f"t{uuid.uuid4().hex[:8]}{end}" for end in ("", "-", "_", "-0", "0", ",")]
    *names, impossible = names
    with httpx.Client(base_url=f"{own_stack.api_url}/api/v1", timeout=30, trust_env=False) as client:
        tags, ids = [], []
        for name in names:
            upload = client.post(
                "/upload",
                params={"filename": "movies.csv"},
                content=movies_csv([{"title": name}]),
                headers={"X-Tenant": name},
            )
            with httpx.Client(base_url=client.base_url, headers={"X-Tenant": name}, trust_env=False) as mine:
                assert wait_for_end(mine, upload.json()["id"])["state"] == "completed"
        for name in names:
            for headers, params in (({"X-Tenant": name}, {}), ({}, {"tenant": name})):
                for expected in ("miss", "hit"):
                    answer = client.get("/movies", headers=headers, params=params)
                    assert answer.headers["x-cache"] == expected
                    assert [movie["title"] for movie in answer.json()["items"]] == [name]
                tags.append(answer.headers["etag"])
                ids.append(answer.json()["items"][0]["id"])
        assert len(set(tags)) == 2 * len(names)
        assert len(set(ids)) == len(names)
        for _ in range(2):  # they have nothing, so their answers are alike
            answer = client.get("/movies", headers={"X-Tenant": f"t{uuid.uuid4().hex}"})
            assert answer.headers["x-cache"] == "miss"
            tags.append(answer.headers["etag"])
        assert len(set(tags)) == len(tags)
        for tag in tags[:2]:
            answer = client.get("/movies", headers={"X-Tenant": names[-1], "If-None-Match": tag})
            assert answer.status_code == 200
        assert client.get("/movies", headers={"X-Tenant": impossible}).status_code == 422


def test_the_broker_holds_nothing_that_can_be_read(own_stack: LocalStack, titles: Titles) -> None:
    title = f"secret{uuid.uuid4().hex}"
    titles.send({1: title})
    assert kept(titles)[1] == [title]
    tenant = titles.client.headers["x-tenant"]
    with Redis.from_url(own_stack.valkey.url) as redis:
        found = {name: redis.get(name) for name in redis.scan_iter("imdb-ingest:answer:*")}
    assert found
    for name, value in found.items():
        for secret in (title.encode(), tenant.encode(), b"next_cursor"):
            assert secret not in name + value


def test_readers_during_publications_never_see_less_than_what_was_published(titles: Titles) -> None:
    """Whatever is kept meanwhile: who asks after an upload has completed sees its rows."""
    published, is_over = [0], threading.Event()
    wrong: list[tuple[int, int]] = []

    def read() -> None:
        with httpx.Client(
            base_url=titles.client.base_url, headers=titles.client.headers, timeout=30, trust_env=False
        ) as client:
            tag, total = "", 0
            while not is_over.is_set():
                at_least = published[0]
                answer = client.get("/movies", headers={"If-None-Match": tag})
                if answer.status_code == 200:
                    tag, total = answer.headers["etag"], answer.json()["total"]
                if total < at_least:
                    wrong.append((at_least, total))

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(4)]
        for number in range(1, 21):
            titles.send({number: "t"}, is_large=number % 5 == 0, mode="append")
            published[0] = number
        is_over.set()
        for reader in readers:
            reader.result()
    assert wrong == []
    assert asked(titles.client, "/movies")[2]["total"] == 20


def away(ask: Callable[[], tuple[str, str, Json]]) -> tuple[float, float]:
    """Seconds of the first and of the slowest other answer; all are right."""
    times = []
    for _ in range(6):
        begun = time.monotonic()
        where, _, page = ask()
        times.append(time.monotonic() - begun)
        assert where == "off"
        assert page["total"] == 1
    return times[0], max(times[1:])


def asked_until_hit(client: httpx.Client) -> tuple[str, str, Json]:
    """The answer that Redis has; a busy machine may be so slow that it is taken for away for a few seconds."""
    deadline = time.monotonic() + 30
    while (found := asked(client, "/movies"))[0] != "hit":
        assert time.monotonic() < deadline, found[0]
        time.sleep(0.2)
    return found


@pytest.mark.parametrize("fault", ["hangs", "dies"])
def test_without_redis_answers_are_right_and_quick(own_stack: LocalStack, titles: Titles, fault: str) -> None:
    titles.send({1: "a"})
    tag = asked_until_hit(titles.client)[1]
    if fault == "hangs":
        os.kill(own_stack.valkey.pid, signal.SIGSTOP)
    else:
        own_stack.valkey.kill()
    try:
        first, others = away(lambda: asked(titles.client, "/movies"))
        assert titles.client.get("/movies", headers={"If-None-Match": tag}).status_code == 304
        replaced = titles.send({7: "z"}, mode="replace", use_celery="false")
        assert replaced["state"] == "completed"
        assert [movie["title"] for movie in asked(titles.client, "/movies")[2]["items"]] == ["z"]
    finally:
        if fault == "hangs":
            os.kill(own_stack.valkey.pid, signal.SIGCONT)
        else:
            own_stack.valkey.start()
    # A tenth of a second for Redis, once; then what the query takes. CI is slow.
    assert first < 1.5
    assert others < 1
    assert [movie["title"] for movie in asked_until_hit(titles.client)[2]["items"]] == ["z"]
