"""What operators see of a load: one trace, the metrics of all processes, and lines of the log that lead to both."""

import json
import uuid
from contextlib import closing
from typing import Any

import psutil
import psycopg2
import pytest

from bench.generate import movies as generate_movies
from tests.rows import movies
from tests.system.observability.collecting import Exported, Samples, scraped, value_of
from tests.system.observability.conftest import Seen
from tests.system.platform.test_main_job import WAYS, finished, send
from tests.waiting import eventually

ROWS = 3_000
STEPS = {"read", "validate", "copy"}


def load(seen: Seen, tenant: str, content: bytes, *, use_celery: bool, trace_id: str = "") -> dict[str, Any]:
    with seen.api as api:
        api.headers["X-Trace-Id"] = trace_id or uuid.uuid4().hex
        return finished(api, send(api, content, "movies.csv", tenant, use_celery=use_celery), tenant)


def batches_of(seen: Seen, upload: dict[str, Any]) -> int:
    with closing(psycopg2.connect(seen.stack.database_url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM batches JOIN uploads ON uploads.number = upload_number WHERE id = %s", [upload["id"]]
        )
        [[count]] = cursor.fetchall()
    return int(count)


def large_file() -> bytes:
    return "".join(generate_movies(ROWS)).encode()


def spans_of(seen: Seen, trace_id: str, name: str, count: int = 1) -> list[Exported]:
    def found() -> list[Exported]:
        spans = [span for span in seen.collector.spans() if span.trace_id == trace_id and span.name == name]
        return spans if len(spans) >= count else []

    spans: list[Exported] = eventually(found)
    return spans


def whole_trace(seen: Seen, trace_id: str) -> dict[str, Exported]:
    """Its spans by their ids: a span comes when it has ended, so after those below it, and loaders end one by one."""

    def found() -> dict[str, Exported]:
        spans = {span.span_id: span for span in seen.collector.spans() if span.trace_id == trace_id}
        return spans if all(not span.parent_id or span.parent_id in spans for span in spans.values()) else {}

    spans: dict[str, Exported] = eventually(found)
    return spans


@WAYS
def test_an_upload_is_one_trace_with_every_batch(seen: Seen, tenant: str, *, use_celery: bool) -> None:
    trace = uuid.uuid4().hex
    upload = load(seen, tenant, large_file(), use_celery=use_celery, trace_id=trace)
    assert upload["state"] == "completed"
    batches = batches_of(seen, upload)
    assert batches > 3
    [request] = spans_of(seen, trace, "POST /api/v1/upload")
    [publish, *_] = spans_of(seen, trace, "publish")
    loaded = spans_of(seen, trace, "batch", batches)
    spans = whole_trace(seen, trace)
    assert {span.attributes["batch"] for span in loaded} == set(range(batches))
    for span in loaded:
        parts = {each.name for each in spans.values() if each.parent_id == span.span_id}
        assert parts == STEPS
    # from each span to the request
    for span in (*loaded, publish):
        above = [span.name]
        while span.parent_id:
            span = spans[span.parent_id]  # noqa: PLW2901  the next one up
            above.append(span.name)
        assert above[1:] == ["load", "register", "POST /api/v1/upload"]
    assert {"intake", "register", "claim"} <= {span.name for span in spans.values()}
    assert ("notify" in {span.name for span in spans.values()}) is use_celery
    loader = "imdb-ingest-worker" if use_celery else "imdb-ingest-background"
    assert {span.service for span in loaded} == {loader}
    assert request.service == "imdb-ingest-api"
    assert request.attributes["http.response.status_code"] == 202


@pytest.mark.parametrize(
    ("headers", "trace_id", "parent_id"),
    [
        ({"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}, "ab" * 16, "cd" * 8),
        ({"X-Trace-Id": "5e3bd6f0-9d0c-4a0e-8a53-1a9f0d8c7b6a"}, "5e3bd6f09d0c4a0e8a531a9f0d8c7b6a", ""),
        ({"X-Trace-Id": "ef" * 16, "traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}, "ef" * 16, ""),
        ({"X-Trace-Id": "89" * 16, "traceparent": f"00-{'89' * 16}-{'cd' * 8}-01"}, "89" * 16, "cd" * 8),
    ],
    ids=["caller's span", "UUID", "another trace", "both"],
)
def test_a_trace_goes_on_where_the_caller_is(
    seen: Seen, headers: dict[str, str], trace_id: str, parent_id: str
) -> None:
    with seen.api as api:
        answer = api.get("/ping", headers=headers)
    assert answer.headers["X-Trace-Id"].replace("-", "") == trace_id
    [span] = spans_of(seen, trace_id, "GET /api/v1/ping")
    assert span.parent_id == parent_id


def test_lines_of_the_log_name_their_span(seen: Seen, tenant: str) -> None:
    with seen.api as api:
        api.headers["X-Trace-Id"] = f"mine-{tenant}"
        finished(api, send(api, movies({}), "movies.csv", tenant, use_celery=True), tenant)
    lines = [
        line
        for name in ("api", "worker")
        for text in (seen.stack.data_dir / "logs" / f"{name}.log").read_text().splitlines()
        if (line := as_json(text)).get("trace_id") == f"mine-{tenant}"
    ]
    by_event = {line["event"]: line for line in lines}
    assert {"request", "notified", "batch_loaded", "upload_completed"} <= set(by_event)
    assert len({line["w3c_trace_id"] for line in lines}) == 1
    trace = lines[0]["w3c_trace_id"]
    [batch] = spans_of(seen, trace, "batch")
    assert by_event["batch_loaded"]["span_id"] == batch.span_id


def as_json(text: str) -> dict[str, Any]:
    try:
        line: dict[str, Any] = json.loads(text)
    except ValueError:
        return {}
    return line


@WAYS
def test_the_metrics_count_each_process_once(seen: Seen, tenant: str, *, use_celery: bool) -> None:
    """Two loaders work on the upload; the sum over both is that of the upload."""
    port = seen.worker_port if use_celery else seen.api_port
    before, upload = scraped(port), load(seen, tenant, large_file(), use_celery=use_celery)

    def grown(samples: Samples, name: str, **labels: str) -> float:
        return value_of(samples, name, **labels) - value_of(before, name, **labels)

    eventually(lambda: grown(scraped(port), "ingest_uploads_completed_total") == 1)
    after, records, batches = scraped(port), upload["records"], batches_of(seen, upload)
    assert grown(after, "ingest_rows_loaded_total") == records["loaded"] > 0
    assert grown(after, "ingest_records_rejected_total") == records["rejected"] > 0
    assert grown(after, "ingest_rejects_total") >= records["rejected"]
    assert grown(after, "ingest_batch_seconds_count") == batches
    for step in STEPS:
        assert grown(after, "ingest_batch_step_seconds_count", step=step) == batches
    assert grown(after, "ingest_publish_seconds_count") == 1
    assert 0 < grown(after, "ingest_loaded_bytes_total") <= len(large_file())


def test_a_new_process_of_the_pool_goes_on_counting(seen: Seen, tenant: str) -> None:
    parent = psutil.Process(seen.stack.worker.process.pid)
    for child in parent.children():
        child.kill()
    before = value_of(scraped(seen.worker_port), "ingest_rows_loaded_total")
    assert before >= 0
    eventually(lambda: len(parent.children()) == 2)
    upload = load(seen, tenant, movies({}, {}), use_celery=True)
    assert upload["records"]["loaded"] == 2
    eventually(lambda: value_of(scraped(seen.worker_port), "ingest_rows_loaded_total") == before + 2)


def test_requests_are_counted_by_template(seen: Seen) -> None:
    labels = {"route": "/api/v1/uploads/{upload_id}", "method": "GET", "status": "404"}
    before = scraped(seen.api_port)
    with seen.api as api:
        for number in range(3):
            api.get(f"/uploads/00000000-0000-0000-0000-{number:012}")
        api.request("PURGE", "/ping")
    after = scraped(seen.api_port)
    name = "ingest_http_requests_total"
    assert value_of(after, name, **labels) - value_of(before, name, **labels) == 3
    assert value_of(after, name, method="other") - value_of(before, name, method="other") == 1
    assert value_of(after, "ingest_http_request_seconds_count", route=labels["route"]) >= 3


def test_gauges_say_how_the_system_is(seen: Seen, tenant: str) -> None:
    load(seen, tenant, large_file(), use_celery=True)
    eventually(lambda: value_of(scraped(seen.api_port), "ingest_leaves"))
    samples = scraped(seen.api_port)
    assert value_of(samples, "ingest_database_up") == value_of(samples, "ingest_broker_up") == 1
    assert value_of(samples, "ingest_queue_messages") == 0
    assert value_of(samples, "ingest_uploads", state="loading") == 0
    assert value_of(samples, "ingest_leaves") >= value_of(samples, "ingest_most_leaves") >= 1
    assert 0 < value_of(samples, "ingest_storage_free_bytes") < value_of(samples, "ingest_storage_size_bytes")
    assert value_of(samples, "ingest_database_connections", pool="reading") >= 1


def test_labels_have_few_values_and_no_tenants(seen: Seen, tenant: str) -> None:
    load(seen, tenant, movies({"title": tenant}, {"budget": tenant}), use_celery=True)
    allowed = {
        "code",
        "step",
        "route",
        "method",
        "status",
        "level",
        "transport",
        "outcome",
        "le",
        "state",
        "of",
        "pool",
    }
    for port in (seen.api_port, seen.worker_port):
        samples = scraped(port)
        assert {label for _, labels in samples for label, _ in labels} <= allowed
        assert not [labels for _, labels in samples if tenant in str(labels)]
