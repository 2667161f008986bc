"""Celery's schedule asks for sources that are due, by a message to the workers."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import psycopg2
import pytest
from celery import Celery

from shared.messaging import PULL_DUE_TASK, QUEUES
from stack.local import LocalStack
from tests.conftest import ONE_LOADER, ROOT
from tests.waiting import eventually

# What runs the schedule for a few seconds, with a minute made short: the entry is that of the application.
CLOCK = """
from worker.app import app
app.conf.beat_schedule["pull-due-sources"]["schedule"] = 0.5
app.start(["beat", "--loglevel=INFO"])
"""


@pytest.fixture(scope="module")
def resting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack whose own threads do not look for an hour what is due."""
    settings = {"INGEST_PULL_HOSTS": "data.invalid", "INGEST_SWEEP_INTERVAL_SECONDS": "3600", **ONE_LOADER}
    with LocalStack(tmp_path_factory.mktemp("resting"), settings=settings) as running:
        yield running


def pulls(stack: LocalStack, tenant: str) -> int:
    with contextlib.closing(psycopg2.connect(stack.database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pulls WHERE tenant = %s", (tenant,))
        found = cursor.fetchone()
        return int(found[0]) if found else 0


def add_source(stack: LocalStack, tenant: str) -> None:
    source = {"name": "due", "url": "https://data.invalid/movies.csv", "every_minutes": 60}
    headers = {"X-Tenant": tenant}
    httpx.post(f"{stack.api_url}/api/v1/sources", json=source, headers=headers, trust_env=False).raise_for_status()


def has_ended(process: "subprocess.Popen[bytes]") -> bool:
    process.send_signal(signal.SIGTERM)
    return process.poll() is not None


def test_a_message_pulls_what_is_due_however_often_it_comes(resting: LocalStack, tenant: str) -> None:
    add_source(resting, tenant)
    assert pulls(resting, tenant) == 0
    with Celery(broker=resting.redis_url) as producer:
        for _ in range(3):
            producer.send_task(PULL_DUE_TASK, queue=QUEUES[0])
    assert eventually(lambda: pulls(resting, tenant) == 1, 60)
    time.sleep(1)
    assert pulls(resting, tenant) == 1


def test_two_of_celerys_schedulers_make_one_pull(resting: LocalStack, tenant: str, tmp_path: Path) -> None:
    variables = {"DATABASE_URL": resting.database_url, "REDIS_URL": resting.redis_url, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CLOCK]
    with (tmp_path / "log").open("wb") as log:
        running = [
            subprocess.Popen(command, cwd=tmp_path, env=os.environ | variables, stdout=log, stderr=log)
            for _ in range(2)
        ]
        try:
            add_source(resting, tenant)
            assert eventually(lambda: pulls(resting, tenant) == 1, 60), (tmp_path / "log").read_text()
            time.sleep(2)
            assert pulls(resting, tenant) == 1
        finally:
            # what Celery raises to end may be lost within its loop, so that it goes on: once in some fifty runs
            assert all(eventually(partial(has_ended, process), 60) for process in running)
    # nothing is kept in a file, so a read-only container can run it
    assert [path.name for path in tmp_path.iterdir()] == ["log"]
