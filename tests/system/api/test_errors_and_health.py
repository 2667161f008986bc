import contextlib
import json
import os
import re
import signal
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psutil
import psycopg2
import pytest

from shared.catalog.registry import Registry
from stack.local import LocalStack
from tests.system.api.sending import NAMED, assert_problem, movies_csv, stored_files, wait_for_end

# What a stranger could use: statements, libraries, addresses, paths, versions.
INSIDE = re.compile(
    r"select |insert |update |relation|sqlalchemy|asyncpg|psycopg|postgres|redis|traceback|\.py\b|/uploads\b|errno"
    r"|127\.0\.0\.1|localhost|\d+\.\d+\.\d+|collection_totals",
    re.IGNORECASE,
)
CLOSING = {"Connection": "close"}


def some_file() -> bytes:
    """A file that was never sent before: the same bytes again would be the same upload."""
    return movies_csv([{"title": f"Metropolis {uuid.uuid4()}"}])


def test_ping(api: httpx.Client) -> None:
    assert api.get("/ping").json() == {"ping": "pong"}


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
def test_health_names_what_answered(stack: LocalStack, prefix: str) -> None:
    answer = httpx.get(f"{stack.api_url}{prefix}/healthz", trust_env=False)
    assert answer.status_code == 200
    body = answer.json()
    assert body["status"] == "ok"
    # No version: it would tell a stranger which weaknesses to look for.
    assert (body["database"]["backend"], body["broker"]["backend"]) == ("postgresql", "redis")


def test_database_health_tells_the_revision(api: httpx.Client) -> None:
    body = api.get("/health/db").json()
    assert body["database"]["status"] == "ok"
    assert body["revision"]


def test_a_trace_id_is_taken_or_made_and_always_echoed(api: httpx.Client) -> None:
    given = str(uuid.uuid4())
    assert api.get("/ping", headers={"X-Trace-Id": given}).headers["x-trace-id"] == given
    answer = api.get("/nowhere", headers={"X-Trace-Id": given})
    assert answer.headers["x-trace-id"] == given == answer.json()["trace_id"]
    for unfit in ("short", "x" * 65, "has space in it", "semi;colon;"):
        made = api.get("/ping", headers={"X-Trace-Id": unfit}).headers["x-trace-id"]
        assert re.fullmatch(r"[0-9a-f]{32}", made)


def test_an_unknown_address_and_an_unknown_method(api: httpx.Client) -> None:
    assert_problem(api.get("/nowhere"), 404, "route_not_found")
    assert_problem(api.get("/uploads/"), 404, "route_not_found")  # no redirect: a client would send its file twice
    answer = api.delete("/uploads")
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD"
    assert api.get("/upload").headers["allow"] == "POST, PUT"


def test_header_and_query_must_name_the_same_tenant(api: httpx.Client) -> None:
    assert api.get("/movies", params={"tenant": "a"}, headers={"X-Tenant": "a"}).status_code == 200
    assert_problem(api.get("/movies", params={"tenant": "a"}, headers={"X-Tenant": "b"}), 422, "tenant_conflict")


def test_datasets_tell_their_columns(api: httpx.Client) -> None:
    items = {item["name"]: item for item in api.get("/datasets").json()["items"]}
    assert set(items) == set(Registry.built_in().names)
    assert all(item["title"] and item["columns"] for item in items.values())


def test_a_web_page_may_read_what_it_needs(small_limit: LocalStack) -> None:
    origin = {"Origin": "https://films.example"}
    url = f"{small_limit.api_url}/api/v1/movies"
    answer = httpx.get(url, headers=origin, trust_env=False)
    assert answer.headers["access-control-allow-origin"] == origin["Origin"]
    assert {"link", "location", "x-trace-id"} <= set(
        answer.headers["access-control-expose-headers"].lower().replace(" ", "").split(",")
    )
    asked = origin | {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-tenant"}
    assert httpx.options(url, headers=asked, trust_env=False).status_code == 200
    stranger = httpx.get(url, headers={"Origin": "https://other.example"}, trust_env=False)
    assert "access-control-allow-origin" not in stranger.headers


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack whose servers a test may stop."""
    settings = {"INGEST_SWEEP_INTERVAL_SECONDS": "1", "INGEST_LEASE_SECONDS": "3"}
    with LocalStack(tmp_path_factory.mktemp("own"), workers=0, settings=settings) as made:
        yield made


def client_of(stack: LocalStack) -> httpx.Client:
    return httpx.Client(base_url=f"{stack.api_url}/api/v1", timeout=30, trust_env=False)


def test_without_a_database_everything_says_so_and_nothing_is_kept(own: LocalStack) -> None:
    with client_of(own) as client:
        own.postgres.stop(immediate=True)
        try:
            before = stored_files(own)
            for answer in (
                client.get("/movies"),
                client.get("/uploads"),
                client.get("/tenants"),
                client.post(f"/uploads/{uuid.uuid4()}/undo"),
                client.put("/upload", params=NAMED, content=some_file()),
                client.post("/upload", files={"file": ("m.csv", some_file())}),
            ):
                assert_problem(answer, 503, "unavailable")
                assert_tells_nothing(own, answer)
                assert int(answer.headers["retry-after"]) > 0
            assert stored_files(own) == before
            health = client.get("/healthz")
            problem = assert_problem(health, 503, "unavailable")
            assert (problem["database"].pop("status"), problem["broker"].pop("status")) == ("unavailable", "ok")
            assert problem["broker"].pop("backend") == "redis"
            assert not INSIDE.search(str(problem))
            assert_problem(client.get("/health/db"), 503, "unavailable")
            assert client.get("/ping").status_code == 200
            assert httpx.get(f"{own.api_url}/errors", trust_env=False).status_code == 200
        finally:
            own.postgres.start()
        assert client.get("/movies").status_code == 200
        upload = client.put("/upload", params=NAMED, content=some_file()).json()
        assert wait_for_end(client, upload["id"])["state"] == "completed"


def test_who_asks_a_database_that_hangs_gets_an_answer(own: LocalStack) -> None:
    with client_of(own) as client, ThreadPoolExecutor(20) as pool:

        def statuses() -> set[int]:
            # a connection that is kept may be closed, for it was idle, just when it is used again
            return set(pool.map(lambda _: client.get("/movies", headers=CLOSING).status_code, range(20)))

        assert statuses() == {200}  # now the pool is full of connections
        server = psutil.Process(own.postgres.pid)
        family = [server, *server.children(recursive=True)]
        for process in family:
            process.suspend()
        try:
            assert statuses() == {503}
            assert client.get("/ping").status_code == 200
        finally:
            for process in family:
                process.resume()
        deadline = time.monotonic() + 20
        while statuses() != {200} and time.monotonic() < deadline:
            time.sleep(0.2)
        assert statuses() == {200}


def test_without_a_broker_an_upload_is_taken_within_a_second(own: LocalStack) -> None:
    with client_of(own) as client:
        own.valkey.stop()
        try:
            started = time.monotonic()
            answer = client.put("/upload", params=NAMED | {"use_celery": "true"}, content=some_file())
            assert answer.status_code == 202, answer.text
            assert time.monotonic() - started < 2
            problem = assert_problem(client.get("/healthz"), 503, "unavailable")
            assert (problem["database"]["status"], problem["broker"]["status"]) == ("ok", "unavailable")
            assert client.get("/health/db").status_code == 200
        finally:
            own.valkey.start()
        assert client.get("/healthz").status_code == 200


def test_a_broker_that_hangs_costs_a_second_once(own: LocalStack) -> None:
    with client_of(own) as client:
        os.kill(own.valkey.pid, signal.SIGSTOP)
        try:
            seconds = [seconds_of_an_upload(client) for _ in range(4)]
        finally:
            os.kill(own.valkey.pid, signal.SIGCONT)
    assert max(seconds) < 2  # notify_timeout_seconds is 1
    assert min(seconds[1:]) < 0.5  # nobody waits again for a thread that is known to hang


def seconds_of_an_upload(client: httpx.Client) -> float:
    started = time.monotonic()
    answer = client.put("/upload", params=NAMED | {"use_celery": "true"}, content=some_file())
    assert answer.status_code == 202, answer.text
    return time.monotonic() - started


def test_a_background_loader_that_dies_is_started_again(own: LocalStack) -> None:
    with client_of(own) as client:
        loaders = loaders_of(own)
        assert len(loaders) == 2
        for loader in loaders:
            loader.kill()
        upload = client.put("/upload", params=NAMED, content=some_file()).json()
        assert wait_for_end(client, upload["id"])["state"] == "completed"
        assert not {loader.pid for loader in loaders} & {loader.pid for loader in loaders_of(own)}


def test_a_background_loader_that_hangs_is_replaced(own: LocalStack) -> None:
    with client_of(own) as client:
        loaders = loaders_of(own)
        for loader in loaders:
            loader.suspend()
        upload = client.put("/upload", params=NAMED, content=some_file()).json()
        assert wait_for_end(client, upload["id"], seconds=40)["state"] == "completed"
        assert any(not loader.is_running() or loader.status() == psutil.STATUS_ZOMBIE for loader in loaders)


def loaders_of(stack: LocalStack) -> list[psutil.Process]:
    children = psutil.Process(stack.api.pid).children(recursive=True)
    return [child for child in children if "shared.ingest.loading.background_process" in child.cmdline()]


def test_an_error_that_nobody_foresaw_shows_nothing_of_the_inside(own: LocalStack) -> None:
    execute(own, "ALTER TABLE collection_totals RENAME TO away")
    try:
        with client_of(own) as client:
            answer = client.get("/movies")
            problem = assert_problem(answer, 500, "internal")
            assert_tells_nothing(own, answer)
    finally:
        execute(own, "ALTER TABLE away RENAME TO collection_totals")
    assert "collection_totals" not in str(problem)
    (failure,) = [line for line in log_lines(own, problem["trace_id"]) if line["event"] == "request_failed"]
    assert "collection_totals" in str(failure)


def test_a_disk_that_takes_no_file_is_told_without_its_path(own: LocalStack) -> None:
    directory = own.data_dir / "uploads"
    directory.mkdir(exist_ok=True)
    directory.rename(own.data_dir / "away")
    directory.write_text("no directory")
    try:
        with client_of(own) as client:
            for answer in (
                client.put("/upload", params=NAMED, content=some_file()),
                client.post("/upload", files={"file": ("m.csv", some_file())}),
            ):
                assert_problem(answer, 503, "unavailable")
                assert_tells_nothing(own, answer)
    finally:
        directory.unlink()
        (own.data_dir / "away").rename(directory)


def assert_tells_nothing(stack: LocalStack, answer: httpx.Response) -> None:
    """Neither its body nor its headers tell anything of the inside."""
    problem = answer.json()
    del problem["type"], problem["trace_id"]
    assert not INSIDE.search(str(problem))
    assert str(stack.data_dir) not in answer.text
    assert not {"server", "x-powered-by", "via"} & set(answer.headers)


def test_each_request_is_one_log_line_without_its_values(own: LocalStack) -> None:
    trace_id = uuid.uuid4().hex
    with client_of(own) as client:
        path = f"/uploads/{uuid.uuid4()}/rejects"
        client.get(path, params={"column": "canary-value"}, headers={"X-Trace-Id": trace_id})
    deadline = time.monotonic() + 5  # the line is written after the answer
    while not (lines := [line for line in log_lines(own, trace_id) if line["event"] == "request"]):
        assert time.monotonic() < deadline
    (line,) = lines
    assert (line["method"], line["route"], line["status"]) == ("GET", "/api/v1/uploads/{upload_id}/rejects", 404)
    assert line["milliseconds"] > 0
    assert "canary-value" not in api_log(own)


def execute(stack: LocalStack, sql: str) -> None:
    with (
        contextlib.closing(psycopg2.connect(stack.database_url)) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


def api_log(stack: LocalStack) -> str:
    return (stack.data_dir / "logs" / "api.log").read_text()


def log_lines(stack: LocalStack, trace_id: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in api_log(stack).splitlines() if trace_id in line]
