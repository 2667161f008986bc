"""The owner of the tables need not be a superuser: policies bind it too, and everything that it does works."""

import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, text

from shared.database.engine import create_request_engine
from shared.database.tenancy import tenant_transaction
from shared.ingest.lifecycle.actions import cancel, retry
from shared.ingest.lifecycle.retention import apply_retention
from shared.ingest.lifecycle.sweep import sweep
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.loading.loader import Loader
from shared.ingest.words.filler import fill_all
from shared.messaging import Transport
from shared.settings import Settings
from shared.storage.directory import DirectoryStorage
from stack.postgres import PostgresServer
from tests.conftest import REGISTRY, ROOT, Correct, Intake, alembic_config, environment, execute
from tests.integration.ingest.test_loader import LARGE, SMALL, never, rows
from tests.rows import movies

OWNER = "plain_owner"


@pytest.fixture(scope="module")
def plain_urls(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Two databases that were migrated at the same moment, on a server that had no role for requests."""
    own = PostgresServer(tmp_path_factory.mktemp("plain"), bin_dir=server.bin_dir)
    own.start()
    try:
        execute(own.url, f"CREATE ROLE {OWNER} LOGIN CREATEROLE PASSWORD 'secret'")
        urls = []
        for name in ("one", "two"):
            execute(own.url, f"CREATE DATABASE {name} OWNER {OWNER}")
            urls.append(f"postgresql://{OWNER}:secret@127.0.0.1:{own.port}/{name}")
        migrations = [migration(url) for url in urls]
        assert [(process.communicate(timeout=60)[1], process.returncode) for process in migrations] == [("", 0)] * 2
        yield urls
    finally:
        own.stop()


def migration(url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "cli.main", "migrate"],
        cwd=ROOT,
        env={"DATABASE_URL": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def settings(plain_urls: list[str], tmp_path: Path) -> Settings:
    """The settings of the other tests, with this owner."""
    return Settings(
        database_url=plain_urls[0],
        redis_url="redis://unused.invalid/0",
        data_dir=tmp_path,
        batch_bytes=1024,
        small_upload_bytes=4096,
        lease_seconds=2,
    )


def test_it_is_bound_by_the_policies(engine: Engine) -> None:
    powers = "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    assert rows(engine, powers) == [(False, False)]
    assert rows(engine, "SELECT row_security_active('movies'), row_security_active('rejects')") == [(True, True)]


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_a_file_with_rejects_is_loaded_seen_and_taken_back(
    engine: Engine, settings: Settings, intake: Intake, loader: Loader, content: bytes
) -> None:
    tenant = f"t-{uuid.uuid4().hex[:12]}"
    upload_id = intake(content, tenant=tenant)
    cancel(engine, upload_id, tenant)
    retry(engine, upload_id, tenant)
    loader.load(upload_id, never)
    counts = "SELECT state, loaded_records > 0, rejected_records > 0 FROM uploads WHERE id = :id"
    assert rows(engine, counts, id=upload_id) == [("completed", True, True)]
    requests = create_request_engine(settings)
    try:
        with tenant_transaction(requests, tenant) as connection:
            seen = [connection.scalar(text(f"SELECT count(*) > 0 FROM {name}")) for name in ("movies", "rejects")]
    finally:
        requests.dispose()
    assert seen == [True, True]
    undo(engine, REGISTRY, upload_id, tenant)
    assert rows(engine, "SELECT count(*) FROM movies WHERE tenant = :tenant", tenant=tenant) == [(0,)]
    sweep(engine, settings, lambda *_: True, tuple(Transport))
    apply_retention(engine, DirectoryStorage(settings.upload_dir), settings)


def test_words_are_kept_for_mistyped_ones(engine: Engine, intake: Intake, loader: Loader) -> None:
    loader.load(intake(SMALL, tenant="words"), never)
    fill_all(engine, REGISTRY)
    assert rows(engine, "SELECT count(*) > 0 FROM vocabulary WHERE tenant = 'words'") == [(True,)]


def test_rejects_are_corrected(engine: Engine, intake: Intake, correct: Correct, loader: Loader) -> None:
    upload_id = intake(SMALL)
    loader.load(upload_id, never)
    loader.load(correct(upload_id, b"_line," + movies({}).replace(b"\r\n300", b"\r\n3,300")), never)
    counts = "SELECT loaded_records, rejected_records FROM uploads WHERE id = :id"
    assert rows(engine, counts, id=upload_id) == [(3, 0)]


def test_the_role_goes_with_the_last_database_that_uses_it(engine: Engine, plain_urls: list[str]) -> None:
    is_there = "SELECT count(*) FROM pg_roles WHERE rolname = 'imdb_api'"
    left = []
    for url in plain_urls:
        with environment(DATABASE_URL=url, REDIS_URL="redis://unused.invalid/0"):
            command.downgrade(alembic_config(), "2026_11_25_mending")
        left += rows(engine, is_there)
    for url in plain_urls:
        with environment(DATABASE_URL=url, REDIS_URL="redis://unused.invalid/0"):
            command.upgrade(alembic_config(), "head")
    assert [*left, *rows(engine, is_there)] == [(1,), (0,), (1,)]
