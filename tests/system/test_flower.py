"""Flower shows the queue's worker and the tasks of an upload, to those who know the password."""

import time
from pathlib import Path

import httpx

from shared.messaging import LOAD_TASK
from stack.local import LocalStack
from tests.rows import movies
from tests.system.test_main_job import finished, send


def test_flower_shows_the_task_of_an_upload(tmp_path: Path, tenant: str) -> None:
    with LocalStack(tmp_path, flower=True) as stack:
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
