"""A secret in every input is found in no log, no message, no list of processes and on no page of Flower's.

And what comes through Redis, from whoever reaches it, is neither executed nor the end of a worker.
"""

import base64
import contextlib
import json
import os
import pickle
import re
import socket
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
import psycopg2
import pytest
from redis import Redis

from shared.messaging import LOAD_QUEUE, LOAD_TASK
from stack.local import LocalStack
from stack.ports import LOCALHOST, free_port
from tests.rows import movies
from tests.system.observability.collecting import Collector
from tests.system.platform.test_main_job import finished, send

T = TypeVar("T")

CANARY = f"canary{uuid.uuid4().hex}"
METRICS_PORTS = {name: str(free_port()) for name in ("INGEST_METRICS_PORT", "INGEST_WORKER_METRICS_PORT")}
# Tables that may hold rows and file names.
HOLDERS = {
    *("uploads", "rejects", "rejects_all", "collections", "collection_versions"),
    *("collection_totals", "upload_totals", "row_changes", "touched_rows", "datasets"),
    *("idempotency_keys", "tenant_schedule", "default_files"),
    *("idempotency_keys", "tenant_schedule", "shots", "shot_totals", "vocabulary"),
    *("sources", "pulls", "tenant_settings"),
}
# A loader that meets this title dies of the database's error, which quotes the row.
CRASHING = "crash"
# As a CHECK says it. It is a trigger, because partitions that are attached later get the triggers of their table.
BOOM = f"""
CREATE FUNCTION boom() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'new row violates check constraint "boom"'
        USING ERRCODE = 'check_violation', DETAIL = 'Failing row contains ' || NEW;
END $$;
CREATE TRIGGER boom BEFORE INSERT ON movies FOR EACH ROW WHEN (NEW.title LIKE '{CRASHING}%')
EXECUTE FUNCTION boom()
"""


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """Where spans and reports of errors go."""
    with Collector().running() as running:
        yield running


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[LocalStack]:
    settings = {"INGEST_SWEEP_INTERVAL_SECONDS": "1", "INGEST_LEASE_SECONDS": "3", "INGEST_MAX_ATTEMPTS": "1"}
    settings["INGEST_SLOW_QUERY_MS"] = "1"
    settings["C_FORCE_ROOT"] = "1"  # as root, Celery refuses pickles by itself: here it is the setting that must
    settings |= {**collector.settings, **METRICS_PORTS}
    with LocalStack(tmp_path_factory.mktemp("watched"), flower=True, settings=settings) as stack:
        execute(stack, BOOM)
        yield stack


def execute(stack: LocalStack, sql: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(psycopg2.connect(stack.database_url)) as connection, connection:
        cursor = connection.cursor()
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def client_of(stack: LocalStack, path: str = "/api/v1") -> httpx.Client:
    return httpx.Client(base_url=f"{stack.api_url}{path}", timeout=30, trust_env=False)


def files() -> dict[str, bytes]:
    """By name: one that loads, one with rejects of several kinds, one whose batch ends its loader."""
    said = f"{CANARY}.csv"
    return {
        f"good-{said}": movies({"title": CANARY, "overview": CANARY}, header=[*movies_header(), CANARY]),
        f"bad-{said}": movies({"title": ""}, {"budget": CANARY, "release_date": CANARY}, {"languages": f"[{CANARY}"})
        + f'"{CANARY} never closed,{CANARY}\r\n'.encode(),
        f"crash-{said}": movies({"title": f"{CRASHING} {CANARY}"}),
    }


def movies_header() -> list[str]:
    return movies().decode().strip().split(",")


def tell_everywhere(stack: LocalStack) -> list[dict[str, Any]]:
    """Send the canary in each input; the uploads that were accepted."""
    headers = {
        *("Authorization", "X-API-Key", "Cookie", "User-Agent", "Referer", "Origin", "X-Forwarded-For", "Accept"),
        f"X-{CANARY}",
    }
    uploads = []
    with client_of(stack) as client:
        client.headers.update(dict.fromkeys(headers, f"Bearer {CANARY}"))
        client.headers["X-Trace-Id"] = f"{CANARY}!"  # one that fits is in the log, to be found there
        client.headers["X-Tenant"] = CANARY
        for use_celery in ("true", "false"):
            for name, content in files().items():
                params = {"use_celery": use_celery, "force": "true"}
                part = (
                    f'--{CANARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'.encode()
                    + f"X-Note: {CANARY}\r\n\r\n".encode()
                    + content
                    + f"\r\n--{CANARY}--\r\n".encode()
                )
                answer = client.post(
                    "/upload",
                    params=params,
                    headers={
                        "Content-Type": f"multipart/form-data; boundary={CANARY}",
                        "Idempotency-Key": f"{CANARY}-{use_celery}-{name[:4]}",
                    },
                    content=part,
                )
                assert answer.status_code == 202, answer.text
                uploads.append(answer.json())
        for path in (
            *(
                f"/{CANARY}?{CANARY}={CANARY}",
                f"/movies?{CANARY}={CANARY}",
                f"/movies?cursor={CANARY}",
                f"/movies?language={CANARY}",
            ),
            *(f"/uploads?state={CANARY}", f"/uploads/{CANARY}", f"/movies/{CANARY}", f"/uploads?tenant={CANARY}"),
            f"/uploads/{uploads[0]['id']}/rejects?column={CANARY}&code={CANARY}",
        ):
            assert client.get(path).status_code < 500
        for name in (f"{CANARY}.pdf", f"{CANARY}.csv"):
            assert client.put("/upload", params={"filename": name}, content=CANARY).status_code in (415, 422)
        assert client.request(CANARY.upper(), "/movies").status_code in (400, 405)
    return uploads


def ask_for_it(stack: LocalStack) -> None:
    """The canary as what a statement looks for, and as the name of a column; all is slow, so plans are logged."""
    name, value = f"films_{CANARY}", CANARY.upper()
    schema = {"fields": [{"name": CANARY, "type": "string"}], "primaryKey": CANARY}
    with client_of(stack) as client:
        client.headers["X-Tenant"] = CANARY
        client.post("/datasets", json={"name": name, "schema": schema}).raise_for_status()
        upload = client.put("/upload", params={"filename": "films.csv"}, content=f"{CANARY}\r\n{value}\r\n".encode())
        assert finished(client, upload.raise_for_status().json(), CANARY)["state"] == "completed"
        for path in (
            *(f"/search?q={CANARY}", f"/movies?title={CANARY}&genre={CANARY}", f"/movies?person={CANARY}"),
            *(f"/movies/by-source/{CANARY}", f"/reports/genres?genre={CANARY}"),
            *(f"/datasets/{name}/rows?{CANARY}={value}", f"/datasets/{name}/rows.csv?{CANARY}={value}"),
            *(f"/datasets/{name}/rows.parquet?{CANARY}={value}", f"/datasets/{name}/changes"),
        ):
            client.get(path).raise_for_status()
        client.patch(f"/admin/tenants/{CANARY}", json={"requests_per_minute": 600}).raise_for_status()
        client.get(f"/admin/tenants/{CANARY}").raise_for_status()


def tell_the_server(stack: LocalStack) -> None:
    """What never reaches the application: no HTTP at all, and a WebSocket."""
    upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    for request in (
        f"{CANARY}\r\n\r\n",
        f"GET /{CANARY}?key={CANARY} HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Version: 13\r\n{upgrade}\r\n",
        f"GET / HTTP/1.1\r\n{CANARY} {CANARY}\r\n\r\n",
    ):
        with socket.create_connection((LOCALHOST, stack.api.port), timeout=10) as raw:
            raw.sendall(request.encode())
            raw.recv(65536)


def break_the_database(stack: LocalStack) -> None:
    """Statements that fail in ways that nobody foresees, with the canary among their values."""
    execute(stack, "ALTER TABLE rejects RENAME TO away")
    try:
        with client_of(stack) as client:
            (number,) = execute(stack, "SELECT id FROM uploads LIMIT 1")[0]
            answer = client.get(f"/uploads/{number}/rejects", params={"column": CANARY}, headers={"X-Tenant": CANARY})
            assert answer.status_code == 500
            assert CANARY not in answer.text
    finally:
        execute(stack, "ALTER TABLE away RENAME TO rejects")
    for statement in (
        f"INSERT INTO collection_totals (tenant, row_count) VALUES ('{CANARY}', NULL)",
        f"INSERT INTO collection_totals SELECT * FROM collection_totals WHERE tenant = '{CANARY}'",
        f"SELECT '{CANARY}' FROM nothing",
    ):
        with pytest.raises(psycopg2.Error):
            execute(stack, statement)


@pytest.fixture(scope="module")
def told(watched: LocalStack) -> list[dict[str, Any]]:
    """Everything was sent, loaded or failed; with the first message of each upload as it lay in Redis."""
    watched.worker.stop()
    uploads = tell_everywhere(watched)
    with Redis.from_url(watched.valkey.url) as redis:
        messages = [json.loads(message) for message in redis.lrange(LOAD_QUEUE, 0, -1)]
        kept = every_value(redis)
    watched.worker.start()
    watched.worker.wait_ready()
    with client_of(watched) as client:
        uploads = [finished(client, upload, CANARY) for upload in uploads]
    ask_for_it(watched)
    tell_the_server(watched)
    break_the_database(watched)
    assert CANARY not in kept
    for message in messages:
        arguments, _options, _embedded = json.loads(base64.b64decode(message["body"]))
        assert [str(uuid.UUID(argument)) for argument in arguments] == arguments
    assert messages
    return uploads


def every_value(redis: Redis) -> str:
    """All keys with what they hold."""
    found: list[Any] = []
    for key in redis.scan_iter(count=1000):
        kind = redis.type(key)
        if kind == b"list":
            found.append((key, redis.lrange(key, 0, -1)))
        elif kind == b"hash":
            found.append((key, redis.hgetall(key)))
        elif kind == b"zset":
            found.append((key, redis.zrange(key, 0, -1)))
        elif kind == b"set":
            found.append((key, list(redis.smembers(key))))
        else:
            found.append((key, redis.get(key)))
    return repr(found)


def processes(stack: LocalStack) -> list[psutil.Process]:
    roots = [psutil.Process(member.process.pid) for member in stack.members]
    return [*roots, *(child for root in roots for child in root.children(recursive=True))]


def asked(stack: LocalStack, question: Callable[[psutil.Process], Iterable[T]]) -> Iterator[T]:
    """What the processes say; nothing of one that ends in this moment."""
    for process in processes(stack):
        with contextlib.suppress(psutil.NoSuchProcess):
            yield from list(question(process))


def test_what_was_sent_was_really_loaded_rejected_and_crashed(told: list[dict[str, Any]]) -> None:
    good, bad, crashed = told[:3]
    assert (good["state"], bad["state"], crashed["state"]) == ("completed", "failed", "failed")
    assert (good["records"]["loaded"], bad["records"]["rejected"]) == (1, 4)
    assert [upload["state"] for upload in told[3:]] == [upload["state"] for upload in told[:3]]


def test_no_log_tells_the_secret(watched: LocalStack, told: list[dict[str, Any]]) -> None:
    assert told
    logs = {path.name: path.read_text(errors="replace") for path in (watched.data_dir / "logs").iterdir()}
    assert {"api.log", "worker.log", "postgres.log", "flower.log", "valkey.log"} <= set(logs)
    assert [name for name, text in logs.items() if CANARY.lower() in text.lower()] == []
    # And yet they tell what happened.
    for name, event in (("api.log", "load_crashed"), ("worker.log", "load_crashed"), ("api.log", "request_failed")):
        assert event in logs[name]
    assert "CheckViolation" in logs["worker.log"]
    assert '"query_plan": ["' in logs["api.log"]
    assert 'violates check constraint "boom"' in logs["postgres.log"]


def test_no_report_span_or_metric_tells_the_secret(collector: Collector, told: list[dict[str, Any]]) -> None:
    assert told

    def reported() -> set[tuple[str, str]]:
        return {(report["tags"]["service"], report["transaction"]) for report in collector.reports()}

    expected = {("worker", "load_crashed"), ("background", "load_crashed"), ("api", "request_failed")}
    deadline = time.monotonic() + 20
    while not reported() >= expected or not collector.spans():
        assert time.monotonic() < deadline, reported()
        time.sleep(0.1)
    metrics = [
        httpx.get(f"http://{LOCALHOST}:{port}/metrics", trust_env=False).raise_for_status().text
        for port in METRICS_PORTS.values()
    ]
    assert all("ingest_rows_loaded_total" in text for text in metrics)
    sent = [repr(each) for each in collector.posted]
    assert [text for text in (*sent, *metrics) if CANARY.lower() in text.lower()] == []


def test_a_report_says_what_happened_and_where(collector: Collector, told: list[dict[str, Any]]) -> None:
    crashed = {upload["id"] for upload in told if upload["state"] == "failed" and "crash" in upload["filename"]}
    reports = [report for report in collector.reports() if report["transaction"] == "load_crashed"]
    assert {report["tags"]["upload_id"] for report in reports} == crashed
    for report in reports:
        error = report["exception"]["values"][0]
        assert (error["type"], error["module"]) == ("CheckViolation", "psycopg2.errors")
        assert error["value"] == 'SQLSTATE 23514: new row violates check constraint "boom"'
        assert "shared/ingest/loading/commits.py" in {frame["filename"] for frame in error["stacktrace"]["frames"]}
        names = {name for frame in error["stacktrace"]["frames"] for name in frame}
        assert names == {"filename", "module", "function", "lineno", "in_app"}
        assert not {"request", "user", "breadcrumbs", "extra", "modules", "server_name"} & set(report)


def test_every_line_of_the_apis_log_is_one_document(watched: LocalStack, told: list[dict[str, Any]]) -> None:
    assert told
    lines = (watched.data_dir / "logs" / "api.log").read_text().splitlines()
    assert {json.loads(line)["service"] for line in lines if not line.startswith("INFO: ")} == {"api", "background"}
    # The server's own lines from before the application is there.
    assert len([line for line in lines if line.startswith("INFO: ")]) <= 1


def test_rows_and_names_are_only_where_they_belong(watched: LocalStack, told: list[dict[str, Any]]) -> None:
    assert told
    tables = [name for (name,) in execute(watched, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    holding = {
        table
        for table in tables
        if execute(watched, f"SELECT 1 FROM {table} AS found WHERE found::text ILIKE '%{CANARY}%' LIMIT 1")
    }
    partitions = {table for table in tables if re.fullmatch(r"(movies|d\d+)_[tcux]\d+", table)}
    assert "d" in {table[0] for table in holding & partitions}
    assert {"uploads", "rejects"} <= holding <= {*HOLDERS, "movies", "d1", *partitions}
    with Redis.from_url(watched.valkey.url) as redis:
        assert CANARY not in every_value(redis)


def test_no_list_of_processes_tells_a_secret(watched: LocalStack, told: list[dict[str, Any]]) -> None:
    assert told
    secrets = [
        CANARY,
        *(path.read_text().strip() for path in watched.data_dir.rglob("*password") if path.is_file()),
    ]
    assert len(secrets) == 4  # Postgres', Valkey's and Flower's
    arguments = " ".join(asked(watched, psutil.Process.cmdline))
    assert "api.server" in arguments
    assert [secret for secret in secrets if secret in arguments] == []
    logs = "".join(path.read_text(errors="replace") for path in (watched.data_dir / "logs").iterdir())
    assert [secret for secret in secrets if secret in logs] == []


def test_flower_tells_ids_and_no_secret(watched: LocalStack, told: list[dict[str, Any]]) -> None:
    assert watched.flower is not None
    with httpx.Client(base_url=watched.flower.url, auth=watched.flower.credentials, trust_env=False) as flower:
        tasks = flower.get("/api/tasks").json()
        assert {upload["id"] for upload in told if upload["transport"] == "celery"} <= {
            identifier for task in tasks.values() for identifier in re.findall(r"[0-9a-f-]{36}", task["args"])
        }
        assert "FAILURE" in {task["state"] for task in tasks.values()}
        for path in (
            "/",
            "/workers",
            "/tasks",
            "/broker",
            "/api/tasks",
            "/api/workers?refresh=1",
            "/metrics",
            *(f"/task/{name}" for name in tasks),
        ):
            page = flower.get(path)
            assert page.status_code == 200, path
            assert CANARY not in page.text, path


def test_flowers_pages_need_its_password(watched: LocalStack) -> None:
    assert watched.flower is not None
    with httpx.Client(base_url=watched.flower.url, trust_env=False) as stranger:
        for path in ("/", "/workers", "/tasks", "/broker", "/metrics", "/api/workers", "/api/tasks", "/api/task/types"):
            assert stranger.get(path).status_code == 401, path
            assert stranger.get(path, auth=("flower", "wrong")).status_code == 401, path
        worker = watched.worker.node_name
        for path in (f"/api/worker/shutdown/{worker}", f"/api/task/send-task/{LOAD_TASK}"):
            assert stranger.post(path).status_code in (401, 403), path
        assert stranger.get("/healthcheck").text == "OK"  # for everybody, and no more than this
        metrics = stranger.get("/metrics", auth=watched.flower.credentials).text
    assert "flower_worker_online" in metrics
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", metrics)


def test_every_server_listens_on_this_machine_only(watched: LocalStack) -> None:
    listening = {
        connection.laddr.ip
        for connection in asked(watched, psutil.Process.net_connections)
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {LOCALHOST}


class Exploit:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def message(body: bytes, content_type: str, encoding: str = "utf-8", task: str = LOAD_TASK) -> dict[str, Any]:
    """As Celery would send it."""
    identifier = str(uuid.uuid4())
    return {
        "body": base64.b64encode(body).decode(),
        "content-encoding": encoding,
        "content-type": content_type,
        "headers": {"lang": "py", "task": task, "id": identifier, "root_id": identifier, "argsrepr": "", "retries": 0},
        "properties": {
            "correlation_id": identifier,
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": LOAD_QUEUE},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
        },
    }


GARBAGE = (
    *(b"", b"garbage", b"\xff\xfe\x00", b"null", b"5", b"[]", b"{}", b'"text"', b"[" * 5000, b'{"body": 1}'),
    *(b'{"properties": null}', b'{"properties": {"delivery_tag": 1}, "headers": [1]}', pickle.dumps({"a": 1})),
    *(b'{"body": "!", "properties": {"body_encoding": "base64", "delivery_tag": "a", "delivery_info": {}}}',),
)


def test_garbage_and_pickles_are_dropped_and_the_worker_goes_on(
    watched: LocalStack, tenant: str, tmp_path: Path
) -> None:
    pid, made = watched.worker.pid, tmp_path / "executed"
    exploit = pickle.dumps(((str(uuid.uuid4()),), {}, Exploit(made)))
    typed = [
        message(exploit, "application/x-python-serialize", "binary"),
        message(exploit, "application/json"),
        message(b'[["x"], {}, {}]', "application/json"),
        message(b"[[], {}, {}]", "application/json", task="os.system"),
        message(b"[]", "application/x-yaml"),
    ]
    incomplete = message(b"[[], {}, {}]", "application/json")
    del incomplete["headers"]["id"]
    with Redis.from_url(watched.valkey.url) as redis:
        for sent in (*GARBAGE, *(json.dumps(one).encode() for one in (*typed, incomplete))):
            redis.lpush(LOAD_QUEUE, sent)
        with client_of(watched) as client:
            upload = send(client, movies({}), "movies.csv", tenant, use_celery=True)
            assert finished(client, upload, tenant, seconds=30)["state"] == "completed"
        assert redis.llen(LOAD_QUEUE) == 0
    assert watched.worker.running
    assert watched.worker.pid == pid
    assert not made.exists()
    log = (watched.data_dir / "logs" / "worker.log").read_text()
    assert log.count("message_unreadable") >= len(GARBAGE) - 4
    time.sleep(1)  # whatever the pool still has in hand
    assert not made.exists()
