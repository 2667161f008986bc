"""The main job with a Redis as the broker: `REDIS_URL` may name a Redis as well as a Valkey."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from stack.local import LocalStack
from stack.valkey import ValkeyServer
from tests.rows import movies
from tests.system.platform.test_main_job import finished, send, total

# A sweep starts an upload without a notification. None comes within the test: what starts one came through Redis.
SETTINGS = {"INGEST_SWEEP_INTERVAL_SECONDS": "600"}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, redis_program: Path) -> Iterator[ValkeyServer]:
    """Redis, started with the configuration of our Valkey."""
    with ValkeyServer(tmp_path_factory.mktemp("redis"), program=redis_program) as running:
        yield running


@pytest.fixture(scope="module")
def on_redis(tmp_path_factory: pytest.TempPathFactory, broker: ValkeyServer) -> Iterator[LocalStack]:
    directory = tmp_path_factory.mktemp("on-redis")
    with LocalStack(directory, workers=1, worker_concurrency=1, redis_url=broker.url, settings=SETTINGS) as running:
        yield running


def test_the_broker_is_a_redis(broker: ValkeyServer) -> None:
    with closing(Redis.from_url(broker.url)) as client:
        facts: dict[str, Any] = client.info("server")
    assert "redis_version" in facts
    assert "valkey_version" not in facts


@pytest.mark.parametrize("use_celery", [True, False], ids=["celery", "background"])
def test_a_file_is_loaded(on_redis: LocalStack, tenant: str, *, use_celery: bool) -> None:
    content = movies({"title": "First"}, {"title": "Second"}, {"title": "Third", "vote_average": "99"})
    with httpx.Client(base_url=f"{on_redis.api_url}/api/v1", timeout=30, trust_env=False) as api:
        assert api.get("/healthz").json()["broker"]["backend"] == "redis"
        done = finished(api, send(api, content, "movies.csv", tenant, use_celery=use_celery), tenant)
        assert done["state"] == "completed"
        assert done["records"] == {"read": 3, "loaded": 2, "rejected": 1, "duplicate": 0}
        assert total(api, tenant) == 2
