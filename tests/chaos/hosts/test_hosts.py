"""One file, three hosts that load it, and a network that breaks meanwhile; the long form is the storm's `--hosts`."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import psycopg2
import pytest

from bench.generate import ROWS_PER_BAD_ROW, titles
from tests.chaos.faults import children
from tests.chaos.hosts.network import missing
from tests.chaos.hosts.site import BUCKET, POSTGRES, VALKEY, Site
from tests.conftest import absent
from tests.waiting import eventually

ROWS = 60_000
REJECTED = ROWS // ROWS_PER_BAD_ROW
LOADED = ROWS - REJECTED
# A lease is over before a connection is given up.
LEASE_SECONDS = 4
SETTINGS = {
    "INGEST_LEASE_SECONDS": str(LEASE_SECONDS),
    "INGEST_SWEEP_INTERVAL_SECONDS": "1",
    "INGEST_BATCH_BYTES": "65536",
    "INGEST_SMALL_UPLOAD_BYTES": "131072",
    "INGEST_PARALLELISM": "3",
}
Break = Callable[[Site, str], Callable[[], None]]


def cut_off(site: Site, host: str) -> Callable[[], None]:
    site.network.cut_off(host)
    return lambda: site.network.join(host)


def part_from(server: str) -> Break:
    def part(site: Site, host: str) -> Callable[[], None]:
        site.network.part(host, server)
        return lambda: site.network.heal(host, server)

    return part


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An API and three workers, each with one process, and PostgreSQL, Valkey and a bucket, on seven hosts."""
    if lacking := missing():
        absent(lacking)
    with Site(tmp_path_factory.mktemp("hosts"), apis=1, workers=3, settings=SETTINGS) as opened:
        yield opened


@pytest.fixture(scope="module")
def content() -> bytes:
    """A file with so many batches that each host gets some."""
    return "".join(titles(ROWS)).encode()


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "break_network",
    [
        pytest.param(cut_off, id="cut-off"),
        pytest.param(part_from(POSTGRES), id="without-postgres"),
        pytest.param(part_from(VALKEY), id="without-valkey"),
        pytest.param(part_from(BUCKET), id="without-bucket"),
    ],
)
def test_a_file_that_three_hosts_load_is_complete_without_one_of_them(
    site: Site, content: bytes, break_network: Break
) -> None:
    tenant = f"t-{uuid.uuid4().hex[:12]}"
    with httpx.Client(base_url=f"{site.apis[0].url}/api/v1", headers={"X-Tenant": tenant}, timeout=30) as client:
        answer = client.post("/upload", params={"filename": "title.basics.tsv", "use_celery": True}, content=content)
        assert answer.status_code == 202, answer.text
        seen: set[str] = set()
        while len(seen) < len(site.workers):
            seen |= set(hosts_at_work(site))
            assert state_of(client, answer.json())["state"] != "completed", f"only {seen} took part"
        victim = next(iter(hosts_at_work(site)), site.workers[0].name)
        repair = break_network(site, victim)
        try:
            upload = wait_for_end(client, answer.json())
        finally:
            repair()
        assert upload["state"] == "completed", upload
        assert (upload["records"]["loaded"], upload["records"]["rejected"]) == (LOADED, REJECTED)
        assert counted(site, tenant) == (LOADED, LOADED)
        # What the victim still does when it is back changes nothing, and it works again.
        assert eventually(lambda: all(worker.answers() for worker in site.workers), 60)
        time.sleep(LEASE_SECONDS)
        assert counted(site, tenant) == (LOADED, LOADED)
        assert client.get("/movies").json()["total"] == LOADED


def test_an_api_without_a_way_to_postgres_says_that_it_is_away(site: Site) -> None:
    with httpx.Client(base_url=f"{site.apis[0].url}/api/v1", timeout=30) as client:
        assert client.get("/movies").status_code == 200
        site.network.cut_off(POSTGRES)
        try:
            deadline, answers = time.monotonic() + 8, []
            while time.monotonic() < deadline:
                answers.append(client.get("/movies"))
        finally:
            site.network.join(POSTGRES)
        assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(503, "unavailable")}
        assert eventually(lambda: client.get("/movies").status_code == 200, 30)


def hosts_at_work(site: Site) -> dict[str, int]:
    """Host -> number of a batch that it holds."""
    host_of = {child.pid: worker.name for worker in site.workers for child in children(worker)}
    found = asked(
        site,
        "SELECT loader, number FROM batches WHERE state = 'pending' AND lease_until > clock_timestamp()",
    )
    held = {int(loader.rpartition(":")[2]): number for loader, number in found}
    return {host_of[pid]: number for pid, number in held.items() if pid in host_of}


def counted(site: Site, tenant: str) -> tuple[int, int]:
    """The tenant's rows, and how many different titles they are."""
    [found] = asked(site, "SELECT count(*), count(DISTINCT source_id) FROM movies WHERE tenant = %s", tenant)
    return int(found[0]), int(found[1])


def asked(site: Site, sql: str, *values: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(site.database_url)) as connection, connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def state_of(client: httpx.Client, upload: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/uploads/{upload['id']}").json()
    return found


def wait_for_end(client: httpx.Client, upload: dict[str, Any]) -> dict[str, Any]:
    assert eventually(lambda: state_of(client, upload)["state"] not in {"queued", "loading"}, 90)
    return state_of(client, upload)
