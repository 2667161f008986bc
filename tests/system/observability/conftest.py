"""A stack of which everything is seen."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from stack.local import LocalStack
from stack.ports import free_port
from tests.system.observability.collecting import Collector


@dataclass(frozen=True)
class Seen:
    """The stack, where its processes send to, and the ports of their metrics."""

    stack: LocalStack
    collector: Collector
    api_port: int
    worker_port: int

    @property
    def api(self) -> httpx.Client:
        return httpx.Client(base_url=f"{self.stack.api_url}/api/v1", timeout=30, trust_env=False)


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    ports = free_port(), free_port()
    settings = {
        "INGEST_METRICS_PORT": str(ports[0]),
        "INGEST_WORKER_METRICS_PORT": str(ports[1]),
        "INGEST_SMALL_UPLOAD_BYTES": "20000",
        "INGEST_BATCH_BYTES": "65536",
    }
    with Collector().running() as collector:
        settings |= collector.settings
        with LocalStack(tmp_path_factory.mktemp("seen"), settings=settings) as stack:
            yield Seen(stack, collector, *ports)
