"""Settings that are missing or wrong: each process says which variable, and why, in one line and without its value."""

import os
import subprocess
import sys

import pytest
from pydantic import ValidationError

from shared.settings import Settings, wrong_settings

GOOD = "postgresql://unused.invalid/db"
SECRET = "s3cret"
PROGRAMS = {
    "api": (["-m", "api.server"], 2),
    "worker": (["-m", "celery", "-A", "worker.app:app", "worker"], 1),
    "migrate": (["-m", "cli.main", "migrate"], 1),
    "keys": (["-m", "cli.main", "keys", "list"], 1),
    "doctor": (["-m", "cli.main", "doctor"], 1),
}


def said(**values: str) -> str:
    with pytest.raises(ValidationError) as raised:
        Settings(**values)  # type: ignore[arg-type]  # as of the environment
    return wrong_settings(raised.value)


def test_variables_are_called_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert said() == "DATABASE_URL: Field required"
    found = said(database_url=GOOD, batch_bytes="10", parallelism="x").split("; ")
    assert [each.partition(":")[0] for each in found] == ["INGEST_BATCH_BYTES", "INGEST_PARALLELISM"]
    assert said(database_url=GOOD, storage_url="s3:/x").startswith("INGEST_STORAGE_URL: it must be s3://bucket/prefix")


@pytest.mark.parametrize(
    "url", [f"garbage:{SECRET}", f"mysql://u:{SECRET}@h/db", f"postgresql://u:{SECRET}@h:port/db", "sqlite://"]
)
def test_what_is_no_address_of_a_database(url: str) -> None:
    assert said(database_url=url) == "DATABASE_URL: it must be postgresql://user:password@host:port/database"
    assert said(database_url=GOOD, api_database_url=url).startswith("INGEST_API_DATABASE_URL: it must be postgresql:")


@pytest.mark.parametrize("url", [GOOD, "postgres://h/db", "postgresql+psycopg2://u:p@h:5432/db?sslmode=require"])
def test_addresses_of_databases(url: str) -> None:
    assert Settings(database_url=url).database_url == url


def test_what_is_no_address_of_a_broker() -> None:
    assert said(database_url=GOOD, redis_url="foo://x").startswith("REDIS_URL: it must be redis://")
    assert said(database_url=GOOD, cache_url="127.0.0.1:6379").startswith("INGEST_CACHE_URL: it must be redis://")


@pytest.mark.parametrize("dsn", ["garbage", f"https://{SECRET}@h", f"https://{SECRET}@h:port/1", "https://h/1"])
def test_what_is_no_project_of_sentry(dsn: str) -> None:
    assert said(database_url=GOOD, sentry_dsn=dsn) == (
        "SENTRY_DSN: it must be https://key@host/number, as Sentry shows it for a project"
    )


@pytest.mark.parametrize("hosts", ["127.0.0.1", "*.example.org,10.0.0.1", "2130706433"])
def test_hosts_of_pulls_have_names(hosts: str) -> None:
    assert said(database_url=GOOD, pull_hosts=hosts).startswith("INGEST_PULL_HOSTS: hosts have names here")


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_process_ends_with_one_line(program: str) -> None:
    arguments, code = PROGRAMS[program]
    wrong = {"DATABASE_URL": f"mysql://u:{SECRET}@h/db", "INGEST_STORAGE_URL": "s3:/x"}
    done = subprocess.run(
        [sys.executable, *arguments], env=os.environ | wrong, capture_output=True, text=True, timeout=60, check=False
    )
    output = done.stdout + done.stderr
    assert done.returncode == code, output
    assert "DATABASE_URL: it must be postgresql://" in output
    assert "INGEST_STORAGE_URL: it must be s3://bucket/prefix" in output
    assert "Traceback" not in output
    assert SECRET not in output
