"""A large upload makes no other one wait: after its slice of time it queues again behind the others."""

from collections.abc import Iterator

import httpx
import pytest

from stack.local import LocalStack
from tests.rows import movies
from tests.system.platform.test_main_job import finished, send

LARGE = movies(*({"title": f"Film {row}"} for row in range(1_500)))


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A stack that loads one upload at a time, the large one in dozens of batches."""
    settings = {
        "INGEST_PARALLELISM": "1",
        "INGEST_TASK_SLICE_SECONDS": "0.05",
        "INGEST_BATCH_BYTES": "4096",
        "INGEST_SMALL_UPLOAD_BYTES": "4096",
    }
    with (
        LocalStack(tmp_path_factory.mktemp("narrow"), workers=1, worker_concurrency=1, settings=settings) as stack,
        httpx.Client(base_url=f"{stack.api_url}/api/v1", timeout=30, trust_env=False) as client,
    ):
        yield client


@pytest.mark.parametrize("use_celery", [False, True])
def test_a_large_upload_gives_way_to_a_small_one(narrow: httpx.Client, tenant: str, *, use_celery: bool) -> None:
    large = send(narrow, LARGE, "movies.csv", tenant, use_celery=use_celery)
    small = send(narrow, movies({}), "movies.csv", tenant, use_celery=use_celery)
    ended = [finished(narrow, upload, tenant) for upload in (small, large)]
    assert [upload["state"] for upload in ended] == ["completed", "completed"]
    assert ended[0]["finished_at"] < ended[1]["finished_at"]
