"""What tests of pulls share: a platform that may ask a server of files on this machine."""

from collections.abc import Iterator

import pytest

from stack.local import LocalStack
from tests.file_server import FileServer


@pytest.fixture(scope="module")
def pulling(tmp_path_factory: pytest.TempPathFactory, file_server: FileServer) -> Iterator[LocalStack]:
    """A stack that may ask `file_server`, and IMDb's, and looks often what there is to pull."""
    settings = {
        **file_server.settings,
        "INGEST_PULL_HOSTS": "localhost,datasets.imdbws.com",
        "INGEST_PULL_PORTS": f"443,{file_server.port}",
        "INGEST_PULL_RETRY_SECONDS": "0.1",
        "INGEST_SWEEP_INTERVAL_SECONDS": "0.2",
    }
    with LocalStack(tmp_path_factory.mktemp("pulling"), workers=1, settings=settings) as running:
        yield running
