"""The whole platform with a bucket: from the upload to its undo, and with what may happen on the way."""

import csv
import io
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import obstore
import psutil
import pytest
from sqlalchemy import create_engine

from bench.generate import movies as generate_movies
from shared.ingest.intake.default_files import ReadingOptions, set_default_file
from shared.ingest.lifecycle.retention import apply_retention
from shared.settings import Settings
from shared.storage.object_store import ObjectStorage
from stack.local import LocalStack
from tests.conftest import environment
from tests.file_server import FileServer
from tests.rows import movies
from tests.system.api.pulled import ended
from tests.system.api.sending import assert_problem
from tests.system.platform.test_main_job import WAYS, finished, send, total
from tests.system.storage.proxy import Fault, Proxy, one_byte, proxy_before, two_hours_earlier
from tests.system.storage.servers import ObjectServer
from tests.unit.shots.drawing import encoded, striped

# 11 MB: a part of 8 MiB and the last one; six batches.
ROWS = 20_000
BATCH_BYTES = 2 * 1024 * 1024
CONTENT = "".join(generate_movies(ROWS)).encode()
LOADED = ROWS - ROWS // 100


@dataclass
class Platform:
    """A stack whose stored files are behind a proxy."""

    stack: LocalStack
    proxy: Proxy
    server: ObjectServer

    @property
    def settings(self) -> Settings:
        return Settings(database_url=self.stack.database_url, data_dir=self.stack.data_dir, storage_url=self.server.url)

    @property
    def storage(self) -> ObjectStorage:
        """The bucket as the platform sees it."""
        with environment(**self.server.environment):
            return ObjectStorage(self.server.url)

    def stored(self) -> set[str]:
        return {key for key, _ in self.storage.list_objects()}

    def retain(self, **settings: float) -> None:
        """A round of retention."""
        configuration = self.settings.model_copy(update=settings)
        engine = create_engine(configuration.sync_url)
        apply_retention(engine, self.storage, configuration)
        engine.dispose()

    def retain_two_hours_later(self) -> None:
        """A round for which everything in the bucket is two hours older."""
        self.proxy.faults = [Fault(lambda request: request.is_list, changes=two_hours_earlier)]
        self.retain()
        self.proxy.faults = []


@pytest.fixture(scope="module")
def files() -> Iterator[FileServer]:
    """A server of files on this machine."""
    with FileServer(None) as running:
        yield running


@pytest.fixture(scope="module")
def running(s3: ObjectServer, files: FileServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with proxy_before(s3.address) as (proxy, address):
        server = ObjectServer("s3", address, prefix="platform")
        # a loader that gives its batch back is notified again when a lease is over
        ours = {"INGEST_STORAGE_URL": server.url, "INGEST_LEASE_SECONDS": "3", "INGEST_BATCH_BYTES": str(BATCH_BYTES)}
        pulls = {
            "INGEST_PULL_HOSTS": "localhost",
            "INGEST_PULL_NETWORKS": "127.0.0.0/8,::1",
            "INGEST_PULL_PLAIN_HTTP": "true",
            "INGEST_PULL_PORTS": str(files.port),
        }
        settings = {**ours, **pulls, **server.environment}
        with LocalStack(tmp_path_factory.mktemp("bucket"), settings=settings) as stack:
            yield Platform(stack, proxy, server)


@pytest.fixture
def platform(running: Platform) -> Iterator[Platform]:
    """Without faults, before and after."""
    running.proxy.faults = []
    yield running
    running.proxy.faults = []


@pytest.fixture
def api(platform: Platform, tenant: str) -> Iterator[httpx.Client]:
    """A client that names the test's tenant."""
    url, headers = f"{platform.stack.api_url}/api/v1", {"X-Tenant": tenant}
    with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as client:
        yield client


def load(api: httpx.Client, tenant: str, content: bytes = CONTENT, *, use_celery: bool = True) -> dict[str, Any]:
    return finished(api, send(api, content, "movies.csv", tenant, use_celery=use_celery), tenant)


@WAYS
def test_a_file_in_a_bucket_is_loaded_corrected_and_undone(
    platform: Platform, api: httpx.Client, tenant: str, *, use_celery: bool
) -> None:
    before = platform.stored()
    upload = load(api, tenant, use_celery=use_celery)
    assert upload["state"] == "completed", upload
    assert upload["records"] == {"read": ROWS, "loaded": LOADED, "rejected": ROWS - LOADED, "duplicate": 0}
    assert total(api, tenant) == LOADED
    [key] = platform.stored() - before
    assert not list(platform.stack.data_dir.glob("uploads/*"))

    address = f"/uploads/{upload['id']}"
    rejects = api.get(f"{address}/rejects", params={"format": "csv"}).raise_for_status().text
    header, *sent = map(tuple, csv.reader(io.StringIO(CONTENT.decode())))
    rejected = [tuple(row[-len(header) :]) for row in csv.reader(io.StringIO(rejects))]
    assert rejected[0] == header
    assert len(rejected) == 1 + ROWS - LOADED
    assert set(rejected[1:]) <= set(sent)

    assert api.post(f"{address}/undo").status_code == 200
    assert total(api, tenant) == 0
    platform.retain(file_retention_days=1e-9)
    assert key not in platform.stored()
    assert_problem(api.get(f"{address}/rejects", params={"format": "csv"}), 410, "file_expired")


def test_a_workers_parent_fetches_into_the_bucket_and_the_children_that_it_forks_then_load(
    platform: Platform, api: httpx.Client, tenant: str, files: FileServer
) -> None:
    address = files.file("/movies.csv", CONTENT)
    asked = api.post("/upload", params={"use_celery": True}, json={"url": address}).raise_for_status().json()
    pull = ended(api, asked)
    assert pull["state"] == "fetched", pull
    assert finished(api, {"id": pull["upload_id"]}, tenant)["state"] == "completed"

    worker = psutil.Process(platform.stack.worker.process.pid)
    pool = [child for child in worker.children() if child.cmdline() == worker.cmdline()]
    assert len(pool) == 2
    assert len(worker.children()) > 2  # the process beside
    for child in pool:
        child.kill()
    upload = load(api, tenant, movies({"title": "By a child that was forked later"}))
    assert (upload["state"], total(api, tenant)) == ("completed", LOADED + 1)


def test_a_changed_byte_fails_the_upload_and_a_retry_loads_it(
    platform: Platform, api: httpx.Client, tenant: str
) -> None:
    platform.proxy.faults = [Fault(lambda request: request.is_read, changes=one_byte)]
    upload = load(api, tenant)
    assert (upload["state"], upload["error"]["code"]) == ("failed", "stored_file_corrupt"), upload
    assert total(api, tenant) == 0
    platform.proxy.faults = []
    assert api.post(f"/uploads/{upload['id']}/retry").status_code == 202
    upload = finished(api, upload, tenant)
    assert (upload["state"], total(api, tenant)) == ("completed", LOADED)


def test_a_part_that_vanishes_between_two_batches_fails_the_upload(
    platform: Platform, api: httpx.Client, tenant: str
) -> None:
    def vanish(body: bytes) -> bytes:
        [key] = platform.stored() - before
        obstore.delete(storage._store, f"{key}/last")
        return body

    storage, before = platform.storage, platform.stored()
    platform.proxy.faults = [Fault(lambda request: request.is_read, times=1, changes=vanish)]
    upload = load(api, tenant)
    assert (upload["state"], upload["error"]["code"]) == ("failed", "stored_file_corrupt"), upload
    assert total(api, tenant) == 0


@pytest.mark.parametrize(
    "fault",
    [
        Fault(lambda request: request.method in ("GET", "HEAD"), times=12, status=503),
        Fault(lambda request: request.method in ("GET", "HEAD"), times=4, status=403),
        Fault(lambda request: request.is_read, times=4, cuts=True),
        Fault(lambda request: request.method == "PUT", times=4, status=503),
    ],
    ids=["busy", "refused", "cut", "busy at intake"],
)
def test_a_fault_that_passes_loses_no_row_and_fails_no_upload(
    platform: Platform, api: httpx.Client, tenant: str, fault: Fault
) -> None:
    platform.proxy.faults = [fault]
    upload = load(api, tenant)
    assert fault.happened == fault.times
    assert (upload["state"], upload["records"]["loaded"], total(api, tenant)) == ("completed", LOADED, LOADED), upload


@pytest.mark.parametrize(
    ("body", "answer"),
    [(b"AccessDenied", (503, "unavailable")), (b"QuotaExceeded", (507, "storage_full"))],
)
def test_an_upload_that_cannot_be_stored_is_refused_and_leaves_nothing(
    platform: Platform, api: httpx.Client, body: bytes, answer: tuple[int, str]
) -> None:
    before = platform.stored()
    platform.proxy.faults = [Fault(lambda request: "/last" in request.path, status=403, body=body)]
    refused = api.put("/upload", params={"filename": "movies.csv"}, content=CONTENT)
    assert_problem(refused, *answer)
    platform.proxy.faults = []
    assert platform.stored() == before
    assert api.get("/uploads").json()["total"] == 0


def test_an_api_that_is_killed_while_a_file_arrives_leaves_parts_that_are_swept(
    platform: Platform, api: httpx.Client, tenant: str
) -> None:
    kept = load(api, tenant, movies({}))
    before = platform.stored()
    arrived = threading.Event()

    def blocks() -> Iterator[bytes]:
        yield CONTENT
        arrived.wait(30)

    def upload() -> None:
        with (
            httpx.Client(base_url=str(api.base_url), timeout=60, trust_env=False) as client,
            pytest.raises(httpx.TransportError),
        ):
            client.put("/upload", params={"filename": "movies.csv", "tenant": tenant}, content=blocks())

    sending = threading.Thread(target=upload)
    sending.start()
    deadline = time.monotonic() + 30
    while not platform.stored() - before:
        assert time.monotonic() < deadline, "no part arrives"
        time.sleep(0.1)
    platform.stack.api.kill()
    arrived.set()
    sending.join(30)
    platform.stack.api.start()
    platform.stack.api.wait_ready()

    [left] = platform.stored() - before
    platform.retain()  # it could belong to a client that is still sending
    assert platform.stored() == before | {left}
    platform.retain_two_hours_later()
    assert left not in platform.stored()
    assert api.get("/uploads").json()["total"] == 1
    rejects = api.get(f"/uploads/{kept['id']}/rejects", params={"format": "csv"})
    assert rejects.status_code == 200


def test_pictures_edits_and_default_files_are_in_the_bucket_too(
    platform: Platform, api: httpx.Client, tenant: str
) -> None:
    before = platform.stored()
    assert api.post("/movies", json={"title": "Metropolis"}).status_code == 201
    [movie] = api.get("/movies").json()["items"]
    picture = encoded(striped(), "PNG")
    shot = api.post(f"/movies/{movie['id']}/shots", content=picture).raise_for_status().json()
    assert len(api.get(f"/shots/{shot['id']}").content) == shot["size_bytes"]

    settings = platform.settings
    engine = create_engine(settings.sync_url)
    with environment(**platform.server.environment), engine.begin() as connection:
        set_default_file(connection, settings, tenant, "movies.csv", io.BytesIO(movies({}, {})), ReadingOptions())
    engine.dispose()
    upload = finished(api, api.post("/reload").raise_for_status().json(), tenant)
    assert upload["records"]["loaded"] == 2
    assert len(platform.stored() - before) == 4
    assert not list(platform.stack.data_dir.glob("uploads/*"))
