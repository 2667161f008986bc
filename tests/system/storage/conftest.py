"""Storages of every kind, by servers that run as long as the tests."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from shared.settings import Settings
from shared.storage.beside import StorageBeside
from shared.storage.directory import DirectoryStorage
from shared.storage.object_store import ObjectStorage
from shared.storage.protocol import Storage
from tests.conftest import environment
from tests.system.storage.proxy import Proxy, proxy_before
from tests.system.storage.servers import ObjectServer, azurite, moto

Start = Callable[[Path], AbstractContextManager[ObjectServer]]

# So small that a few bytes have several parts.
PART_BYTES = 1000


def _started(start: Start, factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    with start(factory.mktemp("objects")) as server:
        yield server


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    """Amazon's S3, by moto."""
    yield from _started(moto, tmp_path_factory)


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    """Microsoft's blob storage, by Azurite."""
    yield from _started(azurite, tmp_path_factory)


@pytest.fixture(params=["s3", "azure"])
def server(request: pytest.FixtureRequest) -> ObjectServer:
    """A server of each kind."""
    found: ObjectServer = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def beside(s3: ObjectServer) -> StorageBeside:
    """A storage in a process of its own, which ends with the tests."""
    with environment(**s3.environment):
        storage = StorageBeside(Settings(database_url="postgresql://unused.invalid/", storage_url=s3.url))
        storage.new_key()
    return storage


@pytest.fixture(params=["directory", "s3", "azure", "beside"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """A storage of each kind."""
    if request.param == "directory":
        return DirectoryStorage(tmp_path / "uploads")
    found: ObjectServer | StorageBeside = request.getfixturevalue(request.param)
    return in_bucket(found) if isinstance(found, ObjectServer) else found


@pytest.fixture
def proxied(server: ObjectServer) -> Iterator[tuple[Proxy, ObjectServer]]:
    """A server of each kind behind a proxy."""
    with proxy_before(server.address) as (proxy, address):
        yield proxy, server.at(address)


def in_bucket(server: ObjectServer) -> ObjectStorage:
    """With parts of a few bytes."""
    with environment(**server.environment):
        return ObjectStorage(server.url, part_bytes=PART_BYTES)
