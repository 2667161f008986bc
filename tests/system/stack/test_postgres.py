import io
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest

from stack.binaries import postgres_bin_dir
from stack.ports import free_port
from stack.postgres import SETTINGS, PostgresServer
from stack.process import processes_in
from stack.stack_errors import StackError
from tests.system.stack.processes import alive, family_of, finish, kill_with_guard, read_until, start_python
from tests.waiting import eventually

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
BIN_DIRS = {"18": postgres_bin_dir(), "15": DEBIAN_15}

STARTER = """
import sys, time
from pathlib import Path
from stack.postgres import PostgresServer
server = PostgresServer(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(params=BIN_DIRS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PostgresServer]:
    bin_dir = BIN_DIRS[request.param]
    if not (bin_dir / "postgres").exists():
        pytest.skip(f"PostgreSQL {request.param} is not here")
    with PostgresServer(tmp_path / "a directory", bin_dir=bin_dir) as running:
        yield running


def ask(server: PostgresServer, sql: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(server.url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def fill(server: PostgresServer) -> None:
    ask(server, "CREATE TABLE facts AS SELECT 42 AS answer")


def test_no_row_gets_into_the_log(server: PostgresServer) -> None:
    table = "CREATE TEMPORARY TABLE scarce (name text PRIMARY KEY, number int NOT NULL);"
    for statement in (
        "INSERT INTO scarce VALUES ('canary', NULL)",
        "INSERT INTO scarce VALUES ('canary', 1), ('canary', 1)",
        "SELECT 'canary' FROM nothing",
        "DO $$ BEGIN RAISE 'refused' USING DETAIL = 'canary', HINT = 'canary'; END $$",
    ):
        with pytest.raises(psycopg2.Error):
            ask(server, table + statement)
    with closing(psycopg2.connect(server.url)) as connection, connection.cursor() as cursor:
        cursor.execute(table)
        with pytest.raises(psycopg2.Error):
            cursor.copy_expert("COPY scarce FROM STDIN (FORMAT csv)", io.StringIO("canary,\ncanary,x\n"))
    text = server.log_path.read_text()
    assert text.count("ERROR") >= 5
    assert "canary" not in text


def test_data_survive_every_way_to_end(server: PostgresServer) -> None:
    port, pid = server.port, server.pid
    fill(server)
    ways: list[Callable[[], None]] = [server.stop, lambda: server.stop(immediate=True), server.kill]
    for end in ways:
        end()
        assert not server.running
        assert not processes_in(server.data_dir, "postgres")
        server.start()
        assert ask(server, "SELECT answer FROM facts") == [(42,)]
    assert server.port == port
    assert server.pid != pid


def test_another_object_on_the_same_directory_finds_the_data(server: PostgresServer) -> None:
    fill(server)
    server.stop()
    with PostgresServer(server.directory, bin_dir=server.bin_dir) as other:
        assert ask(other, "SELECT answer FROM facts") == [(42,)]


def test_settings_hold(server: PostgresServer) -> None:
    for name, value in SETTINGS.items():
        if name not in {"wal_compression", "unix_socket_directories"}:
            assert ask(server, f"SELECT current_setting('{name}')") == [(value,)], name
    assert ask(server, "SHOW data_checksums") == [("on",)]
    assert ask(server, "SHOW server_encoding") == [("UTF8",)]
    assert ask(server, "SHOW unix_socket_directories") == [("",)]
    assert ask(server, "SELECT 'Z' < 'a' AND 'z' < 'é'") == [(True,)]


def test_the_password_is_needed_and_kept_private(server: PostgresServer) -> None:
    password = server.password_path.read_text().strip()
    assert len(password) >= 20
    assert server.password_path.stat().st_mode & 0o777 == 0o600
    assert server.directory.stat().st_mode & 0o777 == 0o700
    assert password not in " ".join(psutil.Process(server.pid).cmdline())
    assert password not in server.address
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(server.url.replace(password, "guess"))


def test_it_listens_on_this_machine_only(server: PostgresServer) -> None:
    listening = [
        c.laddr.ip for c in psutil.Process(server.pid).net_connections("tcp") if c.status == psutil.CONN_LISTEN
    ]
    assert listening == ["127.0.0.1"]


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        server = PostgresServer(tmp_path, port=taken.getsockname()[1])
        with pytest.raises(StackError, match=r"port .* for postgres cannot be used"):
            server.start()
        assert not server.running


def test_a_lost_password_is_said(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path)
    server.start()
    server.stop()
    server.password_path.unlink()
    with pytest.raises(StackError, match="does not hold the password"):
        server.start()
    assert not server.running


def test_a_directory_that_is_no_cluster_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    with pytest.raises(
        StackError, match=r"(?s)postgres ended with code .*not a valid data directory|PG_VERSION|postgresql.conf"
    ):
        PostgresServer(tmp_path).start()


def test_a_half_made_cluster_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "data.new" / "base").mkdir(parents=True)
    with PostgresServer(tmp_path) as server:
        assert ask(server, "SELECT 1") == [(1,)]
    assert not (tmp_path / "data.new").exists()


def test_no_program_there(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="no PostgreSQL in"):
        PostgresServer(tmp_path, bin_dir=tmp_path).start()


def test_a_server_that_a_killed_run_left_is_stopped_first(tmp_path: Path) -> None:
    starter = start_python(STARTER, tmp_path)
    family = family_of(int(read_until(starter, "")[0]))
    kill_with_guard(starter)
    assert len(alive(family)) > 3
    with PostgresServer(tmp_path) as server:
        assert not alive(family)
        assert ask(server, "SELECT 1") == [(1,)]


def test_nothing_is_left_when_the_starter_is_killed(tmp_path: Path) -> None:
    starter = start_python(STARTER, tmp_path)
    family = family_of(int(read_until(starter, "")[0]))
    starter.kill()
    finish(starter)
    assert eventually(lambda: not alive(family))
    assert not (tmp_path / "data" / "postmaster.pid").exists()


def test_the_number_of_a_killed_server_may_be_taken_by_another_process(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path)
    server.start()
    fill(server)
    server.kill()
    note = tmp_path / "data" / "postmaster.pid"
    lines = note.read_text().splitlines()
    note.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    server.start()
    assert ask(server, "SELECT answer FROM facts") == [(42,)]
    server.stop()
