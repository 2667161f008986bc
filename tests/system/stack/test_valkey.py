import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis

from stack.ports import free_port
from stack.stack_errors import StackError
from stack.valkey import ValkeyServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    with ValkeyServer(tmp_path / 'a "place"') as running:
        yield running


@pytest.fixture
def client(server: ValkeyServer) -> Iterator[Any]:
    with redis.Redis.from_url(server.url) as connection:
        yield connection


def test_messages_survive_a_restart(server: ValkeyServer, client: Any) -> None:
    port = server.port
    client.lpush("queue", "1", "2")
    server.stop()
    assert not server.running
    server.start()
    assert server.port == port
    assert client.llen("queue") == 2
    client.lpush("queue", "3")
    client.bgrewriteaof()  # waits for the disk, in effect
    server.kill()
    server.start()
    assert client.llen("queue") >= 2


def test_the_password_is_needed_and_kept_private(server: ValkeyServer) -> None:
    password = server.password_path.read_text().strip()
    assert server.password_path.stat().st_mode & 0o777 == 0o600
    assert (server.directory / "valkey.conf").stat().st_mode & 0o777 == 0o600
    assert password not in (server.directory / "valkey.conf").read_text()
    assert password not in " ".join(psutil.Process(server.pid).cmdline())
    with redis.Redis(port=server.port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


@pytest.mark.parametrize("command", ["FLUSHALL", "FLUSHDB", "CONFIG GET dir", "DEBUG SLEEP 0", "KEYS *"])
def test_commands_that_only_harm_are_refused(client: Any, command: str) -> None:
    with pytest.raises(redis.ResponseError, match=r"no permissions|DEBUG command not allowed"):
        client.execute_command(*command.split())


def test_nothing_is_dropped_to_make_room(client: Any) -> None:
    facts = client.info()
    assert facts["maxmemory_policy"] == "noeviction"
    assert facts["aof_enabled"] == 1


def test_it_listens_on_this_machine_only(server: ValkeyServer) -> None:
    listening = [
        c.laddr.ip for c in psutil.Process(server.pid).net_connections("tcp") if c.status == psutil.CONN_LISTEN
    ]
    assert listening == ["127.0.0.1"]


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", free_port())) as taken,
        pytest.raises(StackError, match=r"port .* for valkey cannot be used"),
    ):
        ValkeyServer(tmp_path, port=taken.getsockname()[1]).start()
