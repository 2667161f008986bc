"""Flower shows the queue's worker and the tasks of an upload, to those who know the password."""

import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from flower.urls import handlers
from flower.views.monitor import Healthcheck, Metrics

from shared.messaging import LOAD_TASK
from stack.local import LocalStack
from tests.conftest import ONE_LOADER
from tests.rows import movies
from tests.system.platform.test_main_job import finished, send
from worker.flower import ClosedMetrics, close_metrics


def test_only_the_handler_of_the_metrics_is_exchanged() -> None:
    routes = list(handlers)
    close_metrics(routes)
    assert [(old, new) for old, new in zip(handlers, routes, strict=True) if old is not new] == [
        (("/metrics", Metrics), ("/metrics", ClosedMetrics))
    ]


@pytest.mark.parametrize(
    "routes",
    [
        [],
        [("/metrics", Healthcheck)],
        [("/metrics/?", Metrics)],
        [("/metrics", Metrics), ("/metrics", Metrics)],
    ],
)
def test_a_flower_whose_metrics_are_served_otherwise_does_not_start(routes: list[Any]) -> None:
    before = list(routes)
    with pytest.raises(RuntimeError, match="/metrics"):
        close_metrics(routes)
    assert routes == before


def test_flower_shows_the_task_of_an_upload(tmp_path: Path, tenant: str) -> None:
    with LocalStack(tmp_path, flower=True, settings=ONE_LOADER) as stack:
        assert stack.flower is not None
        with httpx.Client(base_url=f"{stack.api_url}/api/v1", timeout=30) as api:
            upload = send(api, movies({}, {}), "movies.csv", tenant, use_celery=True)
            finished(api, upload, tenant)
        assert httpx.get(f"{stack.flower.url}/api/tasks").status_code == 401
        with httpx.Client(base_url=stack.flower.url, auth=stack.flower.credentials) as flower:
            deadline = time.monotonic() + 20
            tasks: list[dict[str, str]] = []
            while not tasks and time.monotonic() < deadline:
                tasks = [task for task in flower.get("/api/tasks").json().values() if upload["id"] in task["args"]]
                time.sleep(0.2)
            assert [task["name"] for task in tasks] == [LOAD_TASK]
            assert stack.worker.node_name in flower.get("/workers").text
