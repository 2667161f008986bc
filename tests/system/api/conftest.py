"""What the API's tests share: a tenant of their own, rows that are loaded, a stack with limits."""

import uuid
from collections.abc import Callable, Iterator

import httpx
import pytest

from stack.local import LocalStack
from stack.ports import free_port
from stack.services import Api, Surroundings
from tests.conftest import ONE_LOADER
from tests.system.api.sending import Json, MovieRows, movies_csv, wait_for_end
from tests.system.api.titles import BORDER_BYTES, Titles
from tests.system.stack.processes import running


@pytest.fixture
def mine(stack: LocalStack) -> Iterator[httpx.Client]:
    """A client of a tenant of its own: it sees nothing of other tests."""
    headers = {"X-Tenant": f"t-{uuid.uuid4().hex[:12]}"}
    base_url = f"{stack.api_url}/api/v1"
    with httpx.Client(base_url=base_url, headers=headers, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture
def load(mine: httpx.Client) -> Callable[[MovieRows], Json]:
    """Upload rows and wait until they are loaded."""

    def load_rows(rows: MovieRows) -> Json:
        answer = mine.post("/upload", params={"filename": "movies.csv"}, content=movies_csv(rows))
        assert answer.status_code == 202, answer.text
        upload = wait_for_end(mine, answer.json()["id"])
        assert upload["state"] == "completed", upload
        return upload

    return load_rows


@pytest.fixture(scope="session")
def small_limit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack of its own that takes 1 MiB at most and allows one web origin."""
    settings = {
        "INGEST_MAX_UPLOAD_BYTES": str(1024 * 1024),
        "INGEST_CORS_ORIGINS": "https://films.example",
        **ONE_LOADER,
    }
    with LocalStack(tmp_path_factory.mktemp("small-limit"), workers=0, settings=settings) as own:
        yield own


@pytest.fixture(scope="session")
def low_border(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack of its own for which a file of a few kilobytes is large; it loads what it takes by itself."""
    settings = {"INGEST_SMALL_UPLOAD_BYTES": str(BORDER_BYTES)}
    with LocalStack(tmp_path_factory.mktemp("low-border"), workers=0, settings=settings) as own:
        yield own


@pytest.fixture
def titles(low_border: LocalStack) -> Iterator[Titles]:
    """The titles of a tenant of its own."""
    headers = {"X-Tenant": f"t-{uuid.uuid4().hex[:12]}"}
    base_url = f"{low_border.api_url}/api/v1"
    with httpx.Client(base_url=base_url, headers=headers, timeout=30, trust_env=False) as client:
        yield Titles(client)


BRISK_HEADER_SECONDS = 1.0
BRISK_WINDOW_SECONDS = 1.0
BRISK_RATE_BYTES = 2000


@pytest.fixture(scope="module")
def brisk(stack: LocalStack) -> Iterator[Api]:
    """One more API on the same stack, which has little patience."""
    settings = {
        "INGEST_HEADER_SECONDS": str(BRISK_HEADER_SECONDS),
        "INGEST_TRANSFER_WINDOW_SECONDS": str(BRISK_WINDOW_SECONDS),
        "INGEST_TRANSFER_RATE_BYTES": str(BRISK_RATE_BYTES),
        "INGEST_PARALLELISM": "1",
    }
    surroundings = Surroundings(stack.data_dir, stack.database_url, stack.redis_url, settings)
    with running(Api(surroundings, free_port(), "api-brisk")) as api:
        yield api
