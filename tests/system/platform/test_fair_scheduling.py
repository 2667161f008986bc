"""No client slows another down: many uploads of one tenant wait, one of another comes last and is not last."""

import os
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil

from stack.local import LocalStack
from tests.rows import movies
from tests.system.platform.test_main_job import WAYS, finished, send

MANY = 8


@contextmanager
def paused(process: psutil.Process) -> Iterator[None]:
    """All its children are stopped."""
    children = process.children(recursive=True)
    for child in children:
        os.kill(child.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for child in children:
            os.kill(child.pid, signal.SIGCONT)


@WAYS
def test_many_uploads_of_one_tenant_do_not_delay_another(stack: LocalStack, *, use_celery: bool) -> None:
    greedy, modest = (f"t-{uuid.uuid4().hex[:12]}" for _ in range(2))
    with httpx.Client(base_url=f"{stack.api_url}/api/v1", timeout=30, trust_env=False) as api:
        loaders = stack.worker if use_celery else stack.api
        with paused(psutil.Process(loaders.pid)):
            uploads = [
                (send(api, movies({"title": str(number)}), "m.csv", tenant, use_celery=use_celery), tenant)
                for number, tenant in enumerate([greedy] * MANY + [modest])
            ]
        ends = [finished(api, upload, tenant) for upload, tenant in uploads]
    assert {end["state"] for end in ends} == {"completed"}
    *theirs, its = (end["started_at"] for end in ends)
    # Each of the two loaders may have begun an upload before the modest tenant's was sent, and one may wait for the
    # other.
    assert its < sorted(theirs)[4], (its, theirs)
