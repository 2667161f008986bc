"""The main job through the front door: real HTTP, a real Celery worker, a real background loader."""

import gzip
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg2
import pytest

from bench.generate import movies as generate_movies
from bench.generate import titles as generate_titles
from stack.local import LocalStack

WAYS = pytest.mark.parametrize("use_celery", [True, False], ids=["celery", "background"])


def send(api: httpx.Client, content: bytes, filename: str, tenant: str, *, use_celery: bool) -> dict[str, Any]:
    answer = api.post(
        "/upload",
        params={"use_celery": use_celery, "filename": filename, "tenant": tenant},
        content=content,
        headers={"Content-Type": "text/csv"},
    )
    assert answer.status_code == 202, answer.text
    upload: dict[str, Any] = answer.json()
    assert f"/api/v1/uploads/{upload['id']}" in answer.headers["Location"]
    return upload


def wait(api: httpx.Client, upload: dict[str, Any], tenant: str, seconds: float = 90) -> Iterator[dict[str, Any]]:
    """The upload again and again, until it ends."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found: dict[str, Any] = api.get(f"/uploads/{upload['id']}", params={"tenant": tenant}).json()
        records = found["records"]
        assert records["read"] == records["loaded"] + records["rejected"] + records["duplicate"]
        yield found
        if found["state"] not in ("queued", "loading"):
            return
        time.sleep(0.05)
    pytest.fail(f"the upload did not end in {seconds} s: {found}")


def finished(api: httpx.Client, upload: dict[str, Any], tenant: str, seconds: float = 90) -> dict[str, Any]:
    *_, last = wait(api, upload, tenant, seconds)
    return last


def total(api: httpx.Client, tenant: str) -> int:
    return int(api.get("/movies", params={"tenant": tenant}).json()["total"])


@WAYS
@pytest.mark.parametrize(
    ("file", "records"),
    [
        ("assignment/movies_sample.csv", 10),
        ("assignment/assignment_shape_5000.csv", 5_000),
        ("imdb_tsv/subset2017/title.basics.tsv", 18_199),
    ],
)
def test_real_files_load_whole(
    api: httpx.Client, tenant: str, shared_data: Path, file: str, records: int, *, use_celery: bool
) -> None:
    upload = send(api, (shared_data / file).read_bytes(), Path(file).name, tenant, use_celery=use_celery)
    done = finished(api, upload, tenant)
    assert done["state"] == "completed"
    assert done["records"] == {"read": records, "loaded": records, "rejected": 0, "duplicate": 0}
    assert total(api, tenant) == records


@WAYS
def test_a_large_file_is_seen_whole_or_not_at_all(api: httpx.Client, tenant: str, *, use_celery: bool) -> None:
    rows = 60_000
    content = "".join(generate_movies(rows)).encode()
    upload = send(api, content, "movies.csv", tenant, use_celery=use_celery)
    before: list[int] = []
    for found in wait(api, upload, tenant):
        seen = total(api, tenant)
        if found["state"] == "completed":
            assert seen == 59_400
        else:
            before.append(seen)
    # The last look may have been a moment after the publication.
    assert before
    assert set(before[:-1]) <= {0}
    assert before[-1] in (0, 59_400)
    rejects = api.get(f"/uploads/{upload['id']}/rejects", params={"tenant": tenant}).json()
    assert {(group["column"], group["count"]) for group in rejects["summary"]} == {
        ("vote_average", 150),
        ("release_date", 150),
        ("runtime", 150),
        ("title", 150),
    }
    lines = content.split(b"\n")
    for reject in rejects["items"]:
        assert lines[reject["line_number"] - 1].count(b",") > 3


@WAYS
def test_a_gzip_loads_like_its_content(api: httpx.Client, tenant: str, *, use_celery: bool) -> None:
    content = gzip.compress("".join(generate_titles(30_000)).encode())
    done = finished(api, send(api, content, "title.basics.tsv.gz", tenant, use_celery=use_celery), tenant)
    assert done["records"] == {"read": 30_000, "loaded": 29_700, "rejected": 300, "duplicate": 0}
    assert done["size_bytes"] == len(content)


def test_a_killed_worker_costs_nothing(tmp_path: Path, tenant: str) -> None:
    """kill -9 of the worker and its children in the middle of a load; then nothing by hand."""
    settings = {"INGEST_LEASE_SECONDS": "3", "INGEST_SWEEP_INTERVAL_SECONDS": "1", "INGEST_BATCH_BYTES": "262144"}
    with (
        LocalStack(tmp_path, workers=2, settings=settings) as stack,
        httpx.Client(base_url=f"{stack.api_url}/api/v1", timeout=30) as api,
    ):
        upload = send(api, "".join(generate_movies(60_000)).encode(), "movies.csv", tenant, use_celery=True)
        victim = loading_process(stack.database_url)
        family = [victim, *victim.parents()[:1]]
        for process in family:
            os.kill(process.pid, signal.SIGKILL)
        done = finished(api, upload, tenant)
        assert done["state"] == "completed"
        assert done["records"] == {"read": 60_000, "loaded": 59_400, "rejected": 600, "duplicate": 0}
        assert done["attempts"] > 1
        with psycopg2.connect(stack.database_url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*), count(DISTINCT id) FROM movies")
            assert cursor.fetchone() == (59_400, 59_400)
        connection.close()


def loading_process(database_url: str) -> psutil.Process:
    """The pool child that has claimed a batch, stopped there, when some batches are done and some are not."""
    connection = psycopg2.connect(database_url)
    connection.autocommit = True
    deadline = time.monotonic() + 60
    try:
        with connection.cursor() as cursor:
            while time.monotonic() < deadline:
                cursor.execute(
                    "SELECT max(loader) FILTER (WHERE lease_until > clock_timestamp()),"
                    " count(*) FILTER (WHERE state = 'done'), count(*) FILTER (WHERE state = 'pending') FROM batches"
                )
                loader, done, pending = cursor.fetchone() or (None, 0, 0)
                if loader and done > 5 and pending > 5:
                    process = psutil.Process(int(loader.rsplit(":", 1)[1]))
                    process.suspend()
                    time.sleep(0.1)  # a commit that was on its way has arrived
                    cursor.execute("SELECT FROM batches WHERE loader = %s AND state = 'pending'", (loader,))
                    if cursor.fetchone() is not None:
                        return process
                    process.resume()
                time.sleep(0.01)
    finally:
        connection.close()
    pytest.fail("no loader was seen at work")
