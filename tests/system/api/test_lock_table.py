"""What clients and operators learn about a database server with too small a lock table."""

from collections.abc import Iterator

import httpx
import pytest

from stack.local import LocalStack
from stack.postgres import PostgresServer
from tests.full_lock_table import full_lock_table
from tests.system.api.sending import NAMED, assert_problem, movies_csv, wait_for_end


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack on somebody's server, which has few locks."""
    few = {"max_locks_per_transaction": "16"}
    with (
        PostgresServer(tmp_path_factory.mktemp("postgres"), settings=few) as server,
        LocalStack(tmp_path_factory.mktemp("small"), workers=0, database_url=server.url) as running,
    ):
        yield running


@pytest.fixture
def client(small: LocalStack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{small.api_url}/api/v1", timeout=30, trust_env=False) as made:
        yield made


@pytest.mark.parametrize("path", ["/healthz", "/health/db"])
def test_health_warns_of_too_few_locks(client: httpx.Client, api: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    (warning,) = answer.json()["warnings"]
    assert "max_locks_per_transaction is 16" in warning
    assert "to 1024 or more" in warning
    assert api.get(path).json()["warnings"] == []


def test_a_full_lock_table_is_a_problem_of_its_own_and_no_upload_is_lost(
    client: httpx.Client, small: LocalStack
) -> None:
    upload = client.put("/upload", params=NAMED, content=movies_csv([{"title": "Heat"}])).json()
    assert wait_for_end(client, upload["id"])["state"] == "completed"
    with full_lock_table(small.database_url):
        for answer in (
            client.get("/datasets/movies/rows", params={"title": "Heat"}),
            client.put("/upload", params=NAMED, content=movies_csv([{"title": "Ran"}])),
        ):
            problem = assert_problem(answer, 500, "lock_table_full")
            assert "max_locks_per_transaction" in problem["detail"]
            assert "retry-after" not in answer.headers
    assert client.get("/datasets/movies/rows", params={"title": "Heat"}).json()["total"] == 1
    upload = client.put("/upload", params=NAMED, content=movies_csv([{"title": "Ran"}])).json()
    assert wait_for_end(client, upload["id"])["state"] == "completed"
