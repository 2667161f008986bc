"""Who may listen where, and who may call by which name; whose the files are."""

import asyncio
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import psutil
import pytest
from fastapi import FastAPI

from api.main import create_app
from api.middleware.local_only import is_loopback
from shared.settings import Settings
from stack.local import LocalStack
from stack.ports import LOCALHOST, free_port
from stack.services import Api, Surroundings
from tests.conftest import ROOT, environment
from tests.system.api.raw import ask, head
from tests.system.api.sending import NAMED, assert_problem, movies_csv, stored_files
from tests.system.stack.processes import running

EVERYWHERE = "0.0.0.0"  # noqa: S104
ELSEWHERE = ("example.com", "127.0.0.1.example.com", "localhost.example.com", "192.0.2.1", "[2001:db8::1]", EVERYWHERE)
HERE = ("localhost", "LocalHost.", "127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]")


@pytest.mark.parametrize("host", HERE)
def test_names_of_this_machine(host: str) -> None:
    assert is_loopback(host.strip("[]"))


@pytest.mark.parametrize("host", [*ELSEWHERE, "", "::", "128.0.0.1", "127.1", "2130706433", "0x7f.1", "127.0.0.1 "])
def test_other_names(host: str) -> None:
    assert not is_loopback(host.strip("[]"))


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "192.0.2.1", "example.com"])
def test_without_keys_the_server_listens_on_no_address_of_others(host: str) -> None:
    variables = {"DATABASE_URL": "postgresql://nobody@unused.invalid/none", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "api.server", f"--host={host}", "--port=1"],
        env=variables,
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    for word in (host, "INGEST_REQUIRE_KEYS=true", "127.0.0.1"):
        assert word in done.stderr


def own_address() -> str:
    """An address of this machine that is not loopback; skips without one."""
    for addresses in psutil.net_if_addrs().values():
        for found in addresses:
            if found.family.name == "AF_INET" and not is_loopback(found.address):
                return str(found.address)
    pytest.skip("this machine has a loopback address only")


class Bare(Api):
    """Somebody else's server: uvicorn itself, without anything of ours around the application."""

    def __init__(self, surroundings: Surroundings, port: int, host: str) -> None:
        super().__init__(surroundings, port, "api-bare", host)
        options = ["api.main:app_from_environment", "--factory", f"--host={host}", f"--port={port}"]
        self.recipe = surroundings.recipe("api-bare", "uvicorn", *options, stop_seconds=15)


def surroundings_of(stack: LocalStack, **settings: str) -> Surroundings:
    return Surroundings(stack.data_dir, stack.database_url, stack.redis_url, {"INGEST_PARALLELISM": "1", **settings})


@pytest.fixture(scope="module")
def bare(stack: LocalStack) -> Iterator[Api]:
    """On all addresses."""
    with running(Bare(surroundings_of(stack), free_port(), EVERYWHERE)) as api:
        yield api


def test_another_server_refuses_what_comes_from_elsewhere(bare: Api) -> None:
    url = f"http://{own_address()}:{bare.port}/api/v1"
    for answer in (
        httpx.get(f"{url}/ping", trust_env=False),
        httpx.get(f"{url}/ping", headers={"Host": LOCALHOST, "X-Forwarded-For": LOCALHOST}, trust_env=False),
        httpx.put(f"{url}/upload", params=NAMED, content=movies_csv([{"title": "x"}]), trust_env=False),
    ):
        assert_problem(answer, 403, "keys_required_here")
    assert httpx.get(f"{bare.url}/api/v1/ping", trust_env=False).status_code == 200


@pytest.mark.parametrize("host", HERE)
@pytest.mark.parametrize("port", ["", ":80"])
def test_the_api_is_called_by_names_of_this_machine(stack: LocalStack, host: str, port: str) -> None:
    answer = ask(stack.api, head("GET /api/v1/ping", "Connection: close", host=host + port))
    assert answer is not None
    assert answer.status == 200


@pytest.mark.parametrize(
    "host",
    [*ELSEWHERE, "example.com:80", "", "127.0.0.1, example.com", "example.com@127.0.0.1", "127.0.0.1/example.com"],
)
def test_a_web_page_cannot_give_this_machine_a_name(stack: LocalStack, host: str) -> None:
    answer = ask(stack.api, head("GET /api/v1/ping", "Connection: close", host=host))
    assert answer is not None
    assert (answer.status, answer.code) == (421, "host_not_allowed")


def test_every_name_counts_if_there_are_two(stack: LocalStack) -> None:
    answer = ask(stack.api, head("GET /api/v1/ping", "Host: example.com", "Connection: close"))
    assert answer is not None
    assert answer.status == 421


@pytest.mark.parametrize(
    ("settings", "allowed", "refused"),
    [
        ({"INGEST_ALLOWED_HOSTS": "films.example, Other.example"}, "other.example", "example.com"),
        ({"INGEST_REQUIRE_KEYS": "true"}, "example.com", None),
        ({"INGEST_REQUIRE_KEYS": "true", "INGEST_ALLOWED_HOSTS": "films.example"}, "films.example", "127.0.0.1"),
    ],
)
def test_names_can_be_set(settings: Mapping[str, str], allowed: str, refused: str | None) -> None:
    with environment(DATABASE_URL="postgresql://nobody@unused.invalid/none", **settings):
        app = create_app(Settings())
    assert asyncio.run(ping(app, f"{allowed}:8000")).status_code != 421
    if refused is not None:
        assert_problem(asyncio.run(ping(app, refused)), 421, "host_not_allowed")


async def ping(app: FastAPI, host: str) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{LOCALHOST}") as client:
        return await client.get("/api/v1/ping", headers={"Host": host})


def modes(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_uploaded_files_are_nobody_elses(stack: LocalStack) -> None:
    before = stored_files(stack)
    content = movies_csv([{"title": str(uuid.uuid4())}])
    url = f"{stack.api_url}/api/v1/upload"
    assert httpx.put(url, params=NAMED, content=content, trust_env=False).status_code == 202
    (stored,) = stored_files(stack) - before
    assert modes(stored) == 0o600
    assert modes(stored.parent) == 0o700


def test_processes_write_for_nobody_else(stack: LocalStack) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux tells a process's umask")
    for service in (stack.api, stack.worker):
        main = psutil.Process(service.pid)
        for process in (main, *main.children(recursive=True)):
            status = Path(f"/proc/{process.pid}/status").read_text()
            assert "Umask:\t0077" in status, process.cmdline()
