"""Several API processes behind one address: one may die, and none stays when the first one ends."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import httpx
import psutil
import pytest

from stack.local import LocalStack
from stack.ports import LOCALHOST, free_port, refusal
from stack.services import Api, Surroundings
from tests.system.stack.processes import running
from tests.waiting import eventually


def first_of_two_ports() -> int:
    """Two processes of an API take one each, and so nobody else may get the second one."""
    first, second = free_port(), free_port()
    return first if second == first + 1 else first_of_two_ports()


METRICS = first_of_two_ports()

# Longer than the time between two such questions.
ASKED_SECONDS = 1.5

# two processes start on a busy machine
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def several(stack: LocalStack) -> Iterator[Api]:
    """An API of two processes on the servers of the others."""
    settings = {"INGEST_API_WORKERS": "2", "INGEST_PARALLELISM": "1", "INGEST_METRICS_PORT": str(METRICS)}
    surroundings = Surroundings(stack.data_dir, stack.database_url, stack.redis_url, settings)
    with running(Api(surroundings, free_port(), "api-several")) as api:
        assert eventually(lambda: len(serving(api)) == 2, 90)
        yield api


def serving(api: Api) -> set[int]:
    """The processes that answer metrics, which each does once it serves."""
    found = set()
    for child in psutil.Process(api.pid).children():
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            for connection in child.net_connections():
                if connection.status == psutil.CONN_LISTEN and connection.laddr.port in (METRICS, METRICS + 1):
                    found.add(child.pid)
    return found


def ping(api: Api) -> int:
    """By a connection of its own, which any of the processes may take."""
    return httpx.get(f"{api.url}/api/v1/ping", timeout=10, trust_env=False).status_code


def test_one_dies_and_the_others_answer_until_it_is_replaced(several: Api) -> None:
    first = serving(several)
    for port in (METRICS, METRICS + 1):
        text = httpx.get(f"http://{LOCALHOST}:{port}/metrics", timeout=10, trust_env=False).text
        assert "ingest_http_requests_total" in text
    killed = psutil.Process(min(first))
    killed.suspend()
    time.sleep(ASKED_SECONDS)  # it is asked whether it lives, and for a minute nobody asks again
    killed.kill()
    assert eventually(lambda: len(serving(several) - {killed.pid}) == 2, 50)
    assert {ping(several) for _ in range(50)} == {200}
    assert serving(several) - first
    end(several, psutil.Process.terminate)


def test_none_stays_when_the_one_that_supervises_them_is_killed(several: Api) -> None:
    assert ping(several) == 200
    end(several, psutil.Process.kill)


def end(several: Api, send: Callable[[psutil.Process], None]) -> None:
    first = psutil.Process(several.pid)
    family = first.children(recursive=True)
    send(first)
    assert psutil.wait_procs(family, timeout=40)[1] == []
    assert eventually(lambda: refusal(LOCALHOST, several.port) is None, 90)
