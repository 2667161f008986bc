"""Real parts only: a Postgres built by Alembic, a Valkey, an API and a Celery worker as processes of their own."""

import gc
import os
import shutil
import uuid
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import NoReturn

import httpx
import psycopg2
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from shared.catalog.registry import Registry
from shared.catalog.write_mode import WriteMode
from shared.csv.sniffing.sniff import TextOptions
from shared.database.engine import create_sync_engine
from shared.ingest.corrections.correction_intake import (
    CorrectionHeader,
    find_correctable,
    limited,
    register_correction,
)
from shared.ingest.intake.file_intake import FileIntake
from shared.ingest.intake.headers import UploadHeader
from shared.ingest.intake.registration import UploadOptions, register
from shared.ingest.intake.reject_budget import Budget
from shared.ingest.loading.loader import Loader
from shared.messaging import Transport
from shared.settings import Settings
from shared.storage.opening import open_storage
from stack.binaries import postgres_bin_dir
from stack.local import LocalStack
from stack.postgres import PostgresServer
from tests import one_postgres_each
from tests.file_server import FileServer
from tests.system.api.keyed import UNLIMITED

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"
REGISTRY = Registry.built_in()
ALONE = "pytest.mark.alone"
# For stacks of tests that do not ask how files are loaded: each further loader of an API starts for two seconds.
ONE_LOADER = {"INGEST_PARALLELISM": "1"}
# Files are copied in half of the time that their blocks would take through the log.
BY_FILES = "STRATEGY file_copy"

# Every major version that can be found here; the wheel brings 18 and 16, Debian's package 15.
POSTGRES_BINARIES = {
    "18": postgres_bin_dir(),
    "15": Path("/usr/lib/postgresql/15/bin"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    one_postgres_each.add_option(parser)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    one_postgres_each.deselect(config, items, POSTGRES_BINARIES)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None]:
    """Collect tests, not garbage: test modules and their cases stay until the end, and there are thousands of them."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """For the few tests that run alone, import only the modules that have some."""
    is_of_tests = collection_path.match("test_*.py")
    if config.option.markexpr == "alone" and is_of_tests and ALONE not in collection_path.read_text(encoding="utf-8"):
        return True
    return None


def absent(what: str) -> NoReturn:
    """Skip on a person's machine; in CI everything must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is absent")
    pytest.skip(f"{what} is absent")


@pytest.fixture(scope="module", autouse=True)
def _without_ended_databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Of the stacks that have ended with their module only logs stay: databases would add up to gigabytes."""
    yield
    directory = tmp_path_factory.getbasetemp()
    for data in (*directory.glob("*[0-9]/postgres/data"), *directory.glob("*[0-9]/*/postgres/data")):
        if not (data / "postmaster.pid").exists():
            shutil.rmtree(data)


@pytest.fixture(scope="session")
def file_server() -> Iterator[FileServer]:
    """A server of files on this machine."""
    with FileServer(None) as running:
        yield running


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, file_server: FileServer) -> Iterator[LocalStack]:
    """The whole platform, as `make up` runs it; it may ask `file_server`."""
    with LocalStack(tmp_path_factory.mktemp("stack"), worker_concurrency=2, settings=file_server.settings) as running:
        yield running


@pytest.fixture(scope="session")
def api(stack: LocalStack) -> Iterator[httpx.Client]:
    """A client of the running API."""
    with httpx.Client(base_url=f"{stack.api_url}/api/v1", timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def keyed(tmp_path_factory: pytest.TempPathFactory, file_server: FileServer) -> Iterator[LocalStack]:
    """A stack whose API asks for keys, loads what it takes by itself, and may ask `file_server`."""
    settings = {"INGEST_REQUIRE_KEYS": "true", "INGEST_CORS_ORIGINS": "https://films.example"}
    settings |= UNLIMITED | ONE_LOADER | file_server.settings
    with LocalStack(tmp_path_factory.mktemp("keyed"), workers=0, settings=settings) as running:
        yield running


@pytest.fixture
def tenant() -> str:
    """A tenant of this test's own, so that tests that share a stack do not see each other."""
    return f"t-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real files that are not part of the project."""
    if not SHARED_DATA.is_dir():
        absent("the shared data")
    return SHARED_DATA


@pytest.fixture(scope="session")
def redis_program() -> Path:
    """Debian's `redis-server`: `REDIS_URL` may name a Redis as well as a Valkey."""
    program = shutil.which("redis-server")
    if program is None:
        absent("redis-server")
    return Path(program)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], PostgresServer]]:
    """A Postgres of each version that is asked for, with a migrated database `template` to copy.

    They run until the last test: pytest goes from one version to the other and back with each file.
    """
    running: dict[str, PostgresServer] = {}

    def of_version(version: str) -> PostgresServer:
        if version not in running:
            binaries = POSTGRES_BINARIES[version]
            if not (binaries / "postgres").exists():
                absent(f"PostgreSQL {version}")
            # a thousand small databases, one after the other, would fill a gigabyte of buffers; no power cut is tested
            for_many = {"shared_buffers": "128MB", "fsync": "off"}
            server = PostgresServer(tmp_path_factory.mktemp("postgres") / version, bin_dir=binaries, settings=for_many)
            server.start()
            running[version] = server
            execute(server.url, "CREATE DATABASE template")
            with environment(DATABASE_URL=server.url_of("template"), REDIS_URL="redis://unused.invalid/0"):
                command.upgrade(alembic_config(), "head")
        return running[version]

    yield of_version
    for server in running.values():
        server.stop()


@pytest.fixture(scope="session", params=POSTGRES_BINARIES)
def server(request: pytest.FixtureRequest, servers: Callable[[str], PostgresServer]) -> PostgresServer:
    """A Postgres of each version."""
    return servers(request.param)


@pytest.fixture
def database_url(server: PostgresServer) -> Iterator[str]:
    """An empty database with all tables, of this test's own."""
    name = f"test_{uuid.uuid4().hex}"
    execute(server.url, f"CREATE DATABASE {name} TEMPLATE template {BY_FILES}")
    yield server.url_of(name)
    execute(server.url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings for tests that call the use cases themselves."""
    return small_settings(database_url, tmp_path)


def small_settings(database_url: str, data_dir: Path) -> Settings:
    """Settings with small sizes, so that small files have many batches."""
    return Settings(
        database_url=database_url,
        redis_url="redis://unused.invalid/0",
        data_dir=data_dir,
        batch_bytes=1024,
        small_upload_bytes=4096,
        lease_seconds=2,
    )


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    """For the use cases and for looking at the tables."""
    engine = create_sync_engine(settings, "test")
    yield engine
    engine.dispose()


@pytest.fixture
def loader(settings: Settings) -> Iterator[Loader]:
    """A loader in this process."""
    loader = Loader(settings, REGISTRY, open_storage(settings))
    yield loader
    loader.close()


Intake = Callable[..., uuid.UUID]


@pytest.fixture
def intake(engine: Engine, settings: Settings) -> Intake:
    """Takes content in as the API does, and registers it."""
    return intake_to(engine, settings)


def intake_to(engine: Engine, settings: Settings) -> Intake:
    """What the fixture `intake` is, for any database."""

    def take(
        content: bytes,
        filename: str = "movies.csv",
        *,
        tenant: str = "public",
        forced: bool = True,
        budget: Budget | None = None,
        mode: WriteMode | None = None,
        plan: bool = False,
    ) -> uuid.UUID:
        intake = FileIntake(open_storage(settings), settings, filename, TextOptions(), UploadHeader(REGISTRY))
        for start in range(0, len(content), 1000):
            intake.feed(content[start : start + 1000])
        options = UploadOptions(tenant, Transport.CELERY, "test-trace", forced, budget or Budget(), None, mode, plan)
        with engine.begin() as connection:
            return register(connection, intake.finish(), options).upload_id

    return take


Correct = Callable[..., uuid.UUID]


@pytest.fixture
def correct(engine: Engine, settings: Settings) -> Correct:
    """Takes corrected records in as the API does, and registers them."""

    def take(parent: uuid.UUID, content: bytes, filename: str = "rejects.csv") -> uuid.UUID:
        with engine.connect() as connection:
            correctable = find_correctable(connection, parent, "public")
        matcher = CorrectionHeader(REGISTRY, correctable.dataset, correctable.mapping, correctable.schema)
        intake = FileIntake(open_storage(settings), limited(settings), filename, TextOptions(), matcher)
        try:
            intake.feed(content)
            staged = intake.finish()
        except Exception:
            intake.abort()
            raise
        with engine.begin() as connection:
            return register_correction(
                connection, staged, UploadOptions("public", Transport.CELERY, "trace"), correctable
            ).upload_id

    return take


def alembic_config() -> Config:
    """As on the command line."""
    return Config(ROOT / "alembic.ini")


def execute(url: str, sql: str) -> None:
    """Run SQL that cannot be in a transaction."""
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
    finally:
        connection.close()


class environment:  # noqa: N801 - reads like a statement
    """Environment variables for a block."""

    def __init__(self, **variables: str) -> None:
        self._variables = variables
        self._before: dict[str, str | None] = {}

    def __enter__(self) -> None:
        self._before = {name: os.environ.get(name) for name in self._variables}
        os.environ.update(self._variables)

    def __exit__(self, *_: object) -> None:
        for name, value in self._before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
