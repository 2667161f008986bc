"""What each fault costs, in seconds and in work done again: real processes, and repairs only of what a test broke.

The settings are those of a deployment, but for small batches: a load must have a middle.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx
import psutil
import psycopg2
import pytest
from celery import Celery
from redis import Redis

from bench.generate import movies as generate_movies
from shared.database.record_ids import LARGE_LINES
from shared.messaging import LOAD_QUEUE
from shared.settings import Settings
from stack.local import LocalStack
from stack.services import Worker
from tests.chaos.servers import Emptying, crash_postgres, empty_valkey
from tests.rows import movies
from tests.system.platform.test_main_job import finished, send
from tests.waiting import eventually

pytestmark = pytest.mark.alone  # it measures how long recovery takes

SETTINGS = {"INGEST_BATCH_BYTES": "65536", "INGEST_SMALL_UPLOAD_BYTES": "131072"}
PARALLELISM = 2
ROWS = 20_000
LOADED = {"read": ROWS, "loaded": ROWS - ROWS // 100, "rejected": ROWS // 100, "duplicate": 0}
WAITING = 20

# What is promised, in seconds. Each is meant for a machine that has other things to do, too.
DEAD_LOADER_SECONDS = Settings.model_fields["lease_seconds"].default + 8
BROKER_SECONDS = 10

Json = dict[str, Any]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack(tmp_path_factory.mktemp("recovery"), workers=2, settings=SETTINGS) as made:
        yield made


@pytest.fixture
def stack(platform: LocalStack) -> LocalStack:
    """With everything at work again."""
    for worker in platform.workers:
        if not worker.running:
            worker.reap()
            worker.start()
            worker.wait_ready()
    return platform


@pytest.fixture
def api(stack: LocalStack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{stack.api_url}/api/v1", timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture
def in_the_middle(api: httpx.Client, tenant: str) -> Json:
    """A large upload of which some batches are done and some are not."""
    upload = send(api, "".join(generate_movies(ROWS)).encode(), "movies.csv", tenant, use_celery=True)
    wait_until(lambda: 0 < show(api, upload)["progress"]["percent"] < 60, 30)
    return upload


def show(api: httpx.Client, upload: Json) -> Json:
    found: Json = api.get(f"/uploads/{upload['id']}", params={"tenant": upload["tenant"]}).raise_for_status().json()
    return found


def events(api: httpx.Client, upload: Json) -> list[str]:
    answer = api.get(f"/uploads/{upload['id']}/history", params={"tenant": upload["tenant"]}).raise_for_status()
    return [item["event"] for item in answer.json()["items"]]


def rows(stack: LocalStack, sql: str, upload: Json) -> list[Any]:
    with closing(psycopg2.connect(stack.database_url)) as connection, connection.cursor() as cursor:
        cursor.execute(sql, {"number": upload["number"]})
        return cursor.fetchall()


def wait_until(is_so: Callable[[], bool], seconds: float) -> float:
    """How long it took; fails after so many seconds."""
    started = time.monotonic()
    assert eventually(is_so, seconds)
    return time.monotonic() - started


def assert_loaded_once(stack: LocalStack, api: httpx.Client, upload: Json) -> None:
    """The exact record counts, each row once, published once."""
    found = show(api, upload)
    assert (found["state"], found["records"]) == ("completed", LOADED)
    rows_of_upload = f"""
    SELECT count(*), count(DISTINCT movies.id)
    FROM uploads JOIN movies ON movies.id >= first_id AND movies.id < first_id + {LARGE_LINES} WHERE number = %(number)s
    """
    assert rows(stack, rows_of_upload, upload) == [(LOADED["loaded"], LOADED["loaded"])]
    assert api.get("/movies", params={"tenant": upload["tenant"]}).json()["total"] == LOADED["loaded"]
    assert events(api, upload).count("completed") == 1


def loading_child(stack: LocalStack, upload: Json) -> psutil.Process:
    """The pool child that holds a batch."""
    held = "SELECT loader FROM batches WHERE upload_number = %(number)s AND lease_until > clock_timestamp()"
    found: list[Any] = []
    while not found:
        assert rows(stack, "SELECT state FROM uploads WHERE number = %(number)s", upload) == [("loading",)]
        found = rows(stack, held, upload)
    return psutil.Process(int(found[0][0].rpartition(":")[2]))


def stopped_loading_child(stack: LocalStack, upload: Json) -> psutil.Process:
    """The same, stopped with a batch in its hands: it may have been between two when the signal came."""
    held = "SELECT FROM batches WHERE upload_number = %(number)s AND lease_until IS NOT NULL AND loader LIKE '%%:{}'"
    while True:
        child = loading_child(stack, upload)
        child.suspend()
        if rows(stack, held.format(child.pid), upload):
            return child
        child.resume()


def worker_of(stack: LocalStack, child: psutil.Process) -> Worker:
    (worker,) = [worker for worker in stack.workers if worker.pid in {parent.pid for parent in child.parents()}]
    return worker


@contextmanager
def stopped(processes: list[psutil.Process]) -> Iterator[None]:
    """SIGSTOP, and SIGCONT to those that are still there."""
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            if process.is_running():
                process.resume()


def family(worker: Worker) -> list[psutil.Process]:
    return [psutil.Process(worker.pid), *psutil.Process(worker.pid).children(recursive=True)]


# -- loaders ----------------------------------------------------------------------------------------------------------


def test_a_killed_pool_child_costs_a_lease_and_a_batch_of_each_loader(
    stack: LocalStack, api: httpx.Client, in_the_middle: Json
) -> None:
    victim = loading_child(stack, in_the_middle)
    victim.kill()
    others = f"SELECT FROM batches WHERE upload_number = %(number)s AND loader NOT LIKE '%%:{victim.pid}'"
    wait_until(lambda: bool(rows(stack, others, in_the_middle)), DEAD_LOADER_SECONDS)
    finished(api, in_the_middle, in_the_middle["tenant"])
    assert_loaded_once(stack, api, in_the_middle)
    again = rows(stack, "SELECT attempts FROM batches WHERE upload_number = %(number)s AND attempts > 1", in_the_middle)
    assert len(again) == events(api, in_the_middle).count("batch_taken_over") <= PARALLELISM
    assert {attempts for (attempts,) in again} <= {2}


def test_a_pool_child_that_was_stopped_beyond_its_lease_changes_nothing(
    stack: LocalStack, api: httpx.Client, in_the_middle: Json
) -> None:
    child = stopped_loading_child(stack, in_the_middle)
    worker = worker_of(stack, child)
    with stopped([child]):
        finished(api, in_the_middle, in_the_middle["tenant"])
        assert_loaded_once(stack, api, in_the_middle)
        before = [event for event in events(api, in_the_middle) if event != "fence_refused"]
    with Celery(broker=stack.redis_url, set_as_current=False) as asker:
        inspect = asker.control.inspect(destination=[worker.node_name])
        wait_until(lambda: inspect.active() == {worker.node_name: []}, 30)
    assert child.is_running()
    assert "batch_taken_over" in before
    assert [event for event in events(api, in_the_middle) if event != "fence_refused"] == before
    assert_loaded_once(stack, api, in_the_middle)


def test_a_worker_that_is_told_to_end_ends_after_its_batch_and_another_goes_on(
    stack: LocalStack, api: httpx.Client, in_the_middle: Json
) -> None:
    child = loading_child(stack, in_the_middle)
    worker = worker_of(stack, child)
    os.kill(worker.pid, signal.SIGTERM)
    wait_until(lambda: not worker.running, 10)
    assert worker.exit_code == 0
    held = f"SELECT FROM batches WHERE lease_until > clock_timestamp() AND loader LIKE '%%:{child.pid}'"
    assert rows(stack, held, in_the_middle) == []
    finished(api, in_the_middle, in_the_middle["tenant"])
    assert_loaded_once(stack, api, in_the_middle)
    # Nobody waited for a lease: no batch was begun twice, and several loaders shared the work.
    shared = "SELECT max(attempts), count(DISTINCT loader) > 1 FROM batches WHERE upload_number = %(number)s"
    assert rows(stack, shared, in_the_middle) == [(1, True)]
    assert show(api, in_the_middle)["attempts"] == 1


# -- the database -----------------------------------------------------------------------------------------------------


def test_a_crash_of_the_database_in_the_middle_of_a_load(
    stack: LocalStack, api: httpx.Client, in_the_middle: Json
) -> None:
    crash_postgres(stack.postgres, 0.5)
    assert show(api, in_the_middle)["state"] == "loading"
    finished(api, in_the_middle, in_the_middle["tenant"])
    assert_loaded_once(stack, api, in_the_middle)


# -- the broker -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", Emptying)
def test_uploads_whose_messages_are_lost_are_loaded(
    stack: LocalStack, api: httpx.Client, tenant: str, how: Emptying
) -> None:
    with stopped([process for worker in stack.workers for process in family(worker)]):
        uploads = [
            send(api, movies({"title": f"Film {n}"}), "movies.csv", tenant, use_celery=True) for n in range(WAITING)
        ]
        empty_valkey(stack.valkey, how)
        assert messages(stack) < WAITING / 2  # but for the sweep's
    assert {finished(api, upload, tenant)["state"] for upload in uploads} == {"completed"}
    assert api.get("/movies", params={"tenant": tenant}).json()["total"] == WAITING


def messages(stack: LocalStack) -> int:
    with closing(Redis.from_url(stack.redis_url)) as broker:
        return int(broker.llen(LOAD_QUEUE))


@contextmanager
def without_broker(stack: LocalStack) -> Iterator[None]:
    stack.valkey.stop()
    try:
        yield
    finally:
        stack.valkey.start()


@contextmanager
def with_hung_broker(stack: LocalStack) -> Iterator[None]:
    with stopped([psutil.Process(stack.valkey.pid)]):
        yield


# 6 s are longer than the timeouts of all that listen to it; after 1 s the sweep has not run yet.
@pytest.mark.parametrize(("trouble", "seconds"), [(without_broker, 1), (without_broker, 6), (with_hung_broker, 6)])
def test_an_upload_starts_when_the_broker_is_back(
    stack: LocalStack, api: httpx.Client, tenant: str, trouble: Callable[[LocalStack], Any], seconds: float
) -> None:
    with trouble(stack):
        upload = send(api, movies({}), "movies.csv", tenant, use_celery=True)
        time.sleep(seconds)
        assert show(api, upload)["state"] == "queued"
    wait_until(lambda: show(api, upload)["state"] != "queued", BROKER_SECONDS)
    assert finished(api, upload, tenant)["state"] == "completed"
