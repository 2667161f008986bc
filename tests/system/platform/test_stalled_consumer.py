"""A worker that hears nothing: its connections to Redis are half open, or its consumer has stalled."""

import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from celery import Celery

from shared.messaging import LOAD_QUEUE, LOAD_TASK
from stack.local import LocalStack
from stack.ports import LOCALHOST
from stack.services import Surroundings, Worker
from tests.conftest import ONE_LOADER, ROOT
from tests.rows import movies
from tests.system.platform.test_main_job import finished, send
from tests.system.stack.processes import running


class Relay:
    """Passes bytes on to the broker, until `freeze`: then the connections of that moment stay open and say nothing."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server((LOCALHOST, 0))
        self._connections: list[tuple[threading.Event, tuple[socket.socket, socket.socket]]] = []
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def freeze(self) -> int:
        """How many connections it has frozen."""
        for is_frozen, _pair in self._connections:
            is_frozen.set()
        return len(self._connections)

    def close(self) -> None:
        self._listener.close()
        for _is_frozen, pair in self._connections:
            for end in pair:
                end.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                server, is_frozen = socket.create_connection((LOCALHOST, self._target)), threading.Event()
                self._connections.append((is_frozen, (client, server)))
                for source, drain in ((client, server), (server, client)):
                    threading.Thread(target=_pass_on, args=(source, drain, is_frozen), daemon=True).start()


def _pass_on(source: socket.socket, drain: socket.socket, is_frozen: threading.Event) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            if not is_frozen.is_set():
                drain.sendall(data)
        if not is_frozen.is_set():
            drain.shutdown(socket.SHUT_WR)


@contextmanager
def worker_of(stack: LocalStack, directory: Path, redis_url: str, **settings: str) -> Iterator[Worker]:
    with running(Worker(Surroundings(directory, stack.database_url, redis_url, settings), name="stalled")) as worker:
        yield worker


@pytest.fixture
def lonely(tmp_path: Path) -> Iterator[LocalStack]:
    """Without a worker."""
    with LocalStack(tmp_path, workers=0, settings=ONE_LOADER) as stack:
        yield stack


def test_half_open_connections_delay_an_upload_and_lose_nothing(lonely: LocalStack, tenant: str) -> None:
    relay = Relay(lonely.valkey.port)
    url = lonely.valkey.url.replace(f":{lonely.valkey.port}", f":{relay.port}")
    try:
        with (
            worker_of(lonely, lonely.data_dir, url),
            httpx.Client(base_url=f"{lonely.api_url}/api/v1", timeout=30) as api,
        ):
            assert relay.freeze() > 1
            upload = send(api, movies({}, {}), "movies.csv", tenant, use_celery=True)
            assert finished(api, upload, tenant)["records"]["loaded"] == 2
    finally:
        relay.close()


def test_a_worker_that_takes_no_message_ends(lonely: LocalStack, tmp_path: Path) -> None:
    with worker_of(lonely, tmp_path, lonely.valkey.url, INGEST_STALLED_CONSUMER_SECONDS="3") as worker:
        with Celery(broker=lonely.valkey.url, set_as_current=False) as asker:
            asker.control.cancel_consumer(LOAD_QUEUE, destination=[worker.node_name], reply=True)
            for _ in range(3):  # it has asked for one already
                asker.send_task(LOAD_TASK, args=[str(uuid.uuid4())], queue=LOAD_QUEUE, ignore_result=True)
        deadline = time.monotonic() + 40
        while worker.running and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not worker.running
        assert "consumer_stalled" in (tmp_path / "logs" / "stalled.log").read_text()


def test_a_worker_that_cannot_end_is_ended(stack: LocalStack) -> None:
    program = """
import sys, time
from shared.settings import Settings
from worker.watchdog import Watchdog

settings = Settings(database_url=sys.argv[1], redis_url=sys.argv[2], stalled_consumer_seconds=1.2)
Watchdog(settings, lambda: True).start()
time.sleep(20)
"""
    command = [sys.executable, "-c", program, stack.database_url, stack.valkey.url]
    assert subprocess.run(command, cwd=ROOT, check=False, timeout=30).returncode == -signal.SIGKILL
