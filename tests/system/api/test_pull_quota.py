"""Bytes that are fetched count in the day's quota of their tenant, as those that it sends."""

from collections.abc import Iterator

import httpx
import pytest

from stack.local import LocalStack
from tests.file_server import Answer, FileServer, Handler
from tests.system.api.keyed import UNLIMITED, client_with, key_for
from tests.system.api.pulled import ended
from tests.system.api.sending import NAMED, Json, assert_problem, movies_csv, stored_files, wait_for_end
from tests.waiting import eventually

DAY_BYTES = 60_000
SETTINGS = {
    "INGEST_REQUIRE_KEYS": "true",
    "INGEST_KEY_UPLOAD_BYTES_PER_DAY": "0",
    "INGEST_TENANT_UPLOAD_BYTES_PER_DAY": str(DAY_BYTES),
    "INGEST_SWEEP_INTERVAL_SECONDS": "0.2",
    **UNLIMITED,
}
LIMITED = ("failed", "limit_reached")


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory, file_server: FileServer) -> Iterator[LocalStack]:
    """A stack of its own, with a small quota."""
    settings = SETTINGS | file_server.settings
    with LocalStack(tmp_path_factory.mktemp("tight"), workers=1, worker_concurrency=1, settings=settings) as own:
        yield own


@pytest.fixture
def mine(tight: LocalStack, tenant: str) -> Iterator[httpx.Client]:
    with client_with(tight, key_for(tight, tenant)) as client:
        yield client


def file_of(size_bytes: int, letter: str = "x") -> bytes:
    return movies_csv([{"overview": letter * size_bytes}])


def outcome(client: httpx.Client, address: str, **params: bool) -> tuple[str, str | None]:
    """What has become of a pull: its state, and the code of its error."""
    asked: Json = client.post("/upload", params=params, json={"url": address}).raise_for_status().json()
    pull = ended(client, asked)
    return pull["state"], pull["error"] and pull["error"]["code"]


@pytest.mark.parametrize("use_celery", [False, True])
def test_what_is_sent_and_what_is_fetched_count_together(
    mine: httpx.Client, tight: LocalStack, file_server: FileServer, use_celery: bool
) -> None:
    half, rest = file_of(DAY_BYTES // 2), file_of(DAY_BYTES // 2, "y")
    sent = mine.post("/upload", params=NAMED, content=half).raise_for_status()
    wait_for_end(mine, sent.json()["id"])
    before = stored_files(tight)
    # its length says that it will not fit, so nothing of it is fetched, and nothing counts
    assert outcome(mine, file_server.file("/half.csv", rest), use_celery=use_celery) == LIMITED
    small = file_server.file("/small.csv", file_of(1_000))
    assert outcome(mine, small, use_celery=use_celery) == ("fetched", None)
    before |= stored_files(tight)
    # without a length it comes until the quota ends, so that it counts, and nothing of it is kept
    assert outcome(mine, file_server.answer("/endless.csv", chunked(rest)), use_celery=use_celery) == LIMITED
    assert stored_files(tight) == before
    assert_limited(mine.post("/upload", params=NAMED, content=file_of(10)))


def test_nothing_is_begun_when_nothing_is_left(mine: httpx.Client, file_server: FileServer) -> None:
    address = file_server.file("/daily.csv", file_of(10), ETag='"1"')
    source = {"name": "films", "url": address, "every_minutes": 60, "starts_at": "2099-01-01T00:00:00Z"}
    mine.post("/sources", json=source).raise_for_status()
    assert outcome(mine, file_server.answer("/all.csv", chunked(file_of(DAY_BYTES)))) == ("failed", "upload_too_large")
    asked = len(file_server.asked)
    assert_limited(mine.post("/upload", json={"url": address}))
    assert_limited(mine.post("/sources/films/run"))
    mine.patch("/sources/films", json={"every_minutes": 60, "starts_at": "2020-01-01T00:00:00Z"}).raise_for_status()

    def run() -> Json | None:
        page: Json = mine.get("/sources/films/runs").raise_for_status().json()
        return next((run for run in page["items"] if run["ended_at"]), None)

    pull = eventually(run)
    assert pull is not None
    assert (pull["state"], pull["error"]["code"]) == LIMITED
    assert "bytes a day for tenant" in pull["error"]["message"]
    assert len(file_server.asked) == asked


def test_an_operators_decision_is_the_quota(tight: LocalStack, tenant: str, file_server: FileServer) -> None:
    operator = key_for(tight, scopes=("operator",))
    with client_with(tight, operator) as client:
        client.patch(f"/admin/tenants/{tenant}", json={"upload_bytes_per_day": 1_000}).raise_for_status()
    with client_with(tight, key_for(tight, tenant)) as client:
        assert outcome(client, file_server.file("/more.csv", file_of(1_000))) == ("failed", "upload_too_large")
        assert outcome(client, file_server.file("/less.csv", file_of(10))) == ("fetched", None)


def assert_limited(answer: httpx.Response) -> None:
    assert_problem(answer, 429, "limit_reached")
    assert answer.json()["what"] == "bytes"


def chunked(content: bytes) -> Answer:
    """An answer that does not say how long it is."""

    def give(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for start in range(0, len(content), 1_000):
            chunk = content[start : start + 1_000]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        handler.wfile.write(b"0\r\n\r\n")

    return give
