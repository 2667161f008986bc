"""What a line of a log may hold: no row, and nothing that could pass for another line."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing

import asyncpg
import psycopg2
import pytest
from sqlalchemy import create_engine, text

from shared.tracebacks import without_values
from stack.postgres import PostgresServer
from tests.conftest import ROOT

CANARY = "canary-5f0c"

FAILING = (
    f"INSERT INTO scarce VALUES ('{CANARY}', NULL)",
    f"INSERT INTO scarce VALUES ('{CANARY}', 1), ('{CANARY}', 1)",
    f"INSERT INTO scarce VALUES ('x', '{CANARY}')",
    f"SELECT CAST('{CANARY}' AS date)",
)
TABLE = "CREATE TEMPORARY TABLE scarce (name text PRIMARY KEY, number int NOT NULL);"


def told(action: Callable[[], object]) -> str:
    """The traceback of the action's error, as it is logged."""
    try:
        action()
    except Exception:  # noqa: BLE001  any
        kind, error, trace = sys.exc_info()
        assert kind is not None
        assert error is not None
        return without_values((kind, error, trace))
    raise AssertionError("it raised nothing")


def driver_statement(url: str, sql: str) -> None:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(TABLE + sql)


def wrapped_statement(url: str, sql: str) -> None:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg2:"), hide_parameters=True)
    with closing(engine.connect()) as connection:
        connection.execute(text(TABLE))
        value = CANARY if CANARY in sql else ""
        connection.execute(text(sql.replace(f"'{CANARY}'", ":value")), {"value": value})


def asynchronous_statement(url: str, sql: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(TABLE + sql)
        finally:
            await connection.close()

    asyncio.run(run())


@pytest.mark.parametrize("run", [driver_statement, wrapped_statement, asynchronous_statement])
@pytest.mark.parametrize("sql", FAILING)
def test_a_databases_error_is_told_without_the_row(
    server: PostgresServer, run: Callable[[str, str], None], sql: str
) -> None:
    trace = told(lambda: run(server.url, sql))
    assert CANARY not in trace.replace(sql, "")  # the statement may be in a line of this test's own code
    assert "SQLSTATE 2" in trace
    assert "test_logs.py" in trace


def test_conversions_are_told_by_kind_and_other_errors_in_full() -> None:
    assert CANARY not in told(lambda: int("canary" + "-5f0c"))
    assert "builtins.ValueError" in told(lambda: int("x"))
    assert CANARY not in told(lambda: dict[str, int]()["canary" + "-5f0c"])
    assert CANARY not in told(("canary" + "-5f0c\udc80").encode)
    assert "division by zero" in told(lambda: 1 // 0)


def test_causes_come_first_and_a_message_stays_on_its_line() -> None:
    def fail() -> None:
        try:
            int("canary" + "-5f0c")
        except ValueError as error:
            raise RuntimeError("one\n2026-01-01 [info] forged") from error

    trace = told(fail)
    assert trace.index("ValueError") < trace.index("RuntimeError: one 2026-01-01 [info] forged")
    assert CANARY not in trace


PROGRAM = """
import logging, sys, structlog
from shared import logs
from shared.settings import Settings

logs.configure(Settings(database_url="postgresql://x@unused.invalid/x", log_format=sys.argv[1]), "test")
evil = sys.argv[2].encode().decode("unicode_escape")
structlog.get_logger().info("event", value=evil, **{"plain": "a"})
logging.getLogger("other").warning("from a library: %s", evil)
"""
FORGED = r"x\r\n2026-01-01T00:00:00Z [error] forged\x1b[2J\u2028end"


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_value_can_not_forge_a_line(form: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, form, FORGED], cwd=ROOT, check=True, capture_output=True, text=True
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert all(
        "forged" in line and "\x1b" not in line and not line.startswith("2026-01-01T00:00:00Z") for line in lines
    )
    if form == "json":
        assert [json.loads(line)["level"] for line in lines] == ["info", "warning"]


ENDING = """
import sys, threading
from shared import logs
from shared.settings import Settings

logs.configure(Settings(database_url="postgresql://x@unused.invalid/x"), "test")
def end(): raise OSError(int("1")) from ValueError("canary" + "-5f0c")
thread = threading.Thread(target=end, name="sweep")
thread.start()
thread.join()
int("canary" + "-5f0c")
"""


def test_what_ends_a_thread_or_the_process_is_a_line_of_the_log() -> None:
    done = subprocess.run([sys.executable, "-c", ENDING], cwd=ROOT, check=False, capture_output=True, text=True)
    of_thread, of_process = (json.loads(line) for line in done.stdout.splitlines())
    assert (of_thread["event"], of_thread["thread"]) == ("thread_died", "sweep")
    assert of_process["event"] == "process_died"
    assert {of_thread["level"], of_process["level"]} == {"critical"}
    assert "ValueError" in of_process["exception"]
    assert done.returncode == 1
    assert CANARY not in done.stdout + done.stderr
