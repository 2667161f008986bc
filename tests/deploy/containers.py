"""Commands of containers as processes of this machine, as compose and the Helm chart start them."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import psycopg2
import pytest

from shared.settings import Settings
from tests.conftest import ROOT

START_SECONDS = 60.0
# Settings that no container gets.
FOR_TESTS = {"INGEST_FAILPOINT"}
# Settings whose variables have the names that other programs give them, too.
USUAL = {"database_url", "redis_url", "otel_exporter_otlp_endpoint", "sentry_dsn"}


def variable_of(field: str) -> str:
    """The environment variable of a setting."""
    return field.upper() if field in USUAL else f"INGEST_{field.upper()}"


SETTINGS = {variable_of(field) for field in Settings.model_fields} - FOR_TESTS


def image(variables: Mapping[str, str]) -> dict[str, str]:
    """An environment like that of our images, with `variables` and nothing else of this process's."""
    return {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), **variables}


def changed(command: Sequence[str], changes: Mapping[str, str]) -> list[str]:
    """A command with addresses that a test may use; raises `AssertionError` if one of `changes` is not in it."""
    assert command[0] == "python"
    assert set(changes) <= set(command)
    return [sys.executable, *(changes.get(part, part) for part in command[1:])]


def run(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself, within `START_SECONDS`."""
    return subprocess.run(
        command, env=environment, cwd=ROOT, check=False, capture_output=True, text=True, timeout=START_SECONDS
    )


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[None]:
    """A command as a process, ended by its stop signal; its output goes to `log`."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield
        assert process.poll() is None, log.read_text()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of it, its children too."""
    if process.poll() is None:
        family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
        for member in family:
            member.kill()
        process.wait()


def wait_for(answers: Callable[[], bool], log: Path) -> None:
    """Return when it answers; fail with the log if it does not."""
    deadline = time.monotonic() + START_SECONDS
    while not answers():
        if time.monotonic() > deadline:
            pytest.fail(log.read_text()[-4000:])
        time.sleep(0.2)


def status(
    url: str, credentials: tuple[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> int | None:
    """The status of an answer; None without one."""
    try:
        return httpx.get(
            url, auth=credentials, headers=headers, timeout=10, trust_env=False, follow_redirects=True
        ).status_code
    except httpx.TransportError:
        return None


def sessions(database_url: str) -> set[str]:
    """Users that are logged in to the server of this database."""
    with contextlib.closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT usename FROM pg_stat_activity WHERE usename IS NOT NULL")
        return {name for (name,) in cursor.fetchall()}
