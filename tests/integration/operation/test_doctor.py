"""`doctor` finds what is wrong with a database and a storage; each mistake here is made on purpose."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from cli.doctor import database, stored
from cli.doctor.finding import Finding, Level, found
from shared.database.engine import PlainSql, create_sync_engine
from shared.ingest.loading.loader import Loader
from shared.ingest.merging import control
from shared.ingest.operating.tenant_settings import decide
from shared.settings import Settings
from shared.storage.opening import open_storage
from stack.postgres import PostgresServer
from tests.conftest import REGISTRY, Intake
from tests.integration.ingest.test_loader import SMALL, never


@pytest.fixture
def server(servers: Callable[[str], PostgresServer]) -> PostgresServer:
    return servers("18")


def look(engine: Engine) -> dict[str, Finding]:
    return {finding.check: finding for finding in found("postgresql", lambda: database.look(engine, REGISTRY))}


def wrong(engine: Engine) -> dict[str, Level]:
    return {name: finding.level for name, finding in look(engine).items() if finding.level is not Level.OK}


def test_a_database_as_it_should_be(engine: Engine) -> None:
    assert wrong(engine) == {}
    assert set(look(engine)) == {
        *("postgresql", "lock_table", "clock_of_postgresql", "schema", "roles", "row_security"),
        *("locks", "transactions", "loading", "tenants", "merging"),
    }


@pytest.mark.parametrize(
    ("mistake", "check", "says"),
    [
        ("ALTER TABLE uploads NO FORCE ROW LEVEL SECURITY", "row_security", "uploads"),
        ("ALTER TABLE shots DISABLE ROW LEVEL SECURITY", "row_security", "shots"),
        ("REVOKE ALL ON rejects FROM imdb_api", "row_security", "rejects"),
        ("DELETE FROM alembic_version", "schema", "no revision"),
        ("UPDATE alembic_version SET version_num = '2026_11_27_row_security'", "schema", "this version has"),
        ("UPDATE alembic_version SET version_num = 'later'", "schema", "newer than this version"),
        ("DROP TABLE alembic_version", "schema", "no tables"),
    ],
)
def test_a_mistake_is_a_problem_with_advice(engine: Engine, mistake: str, check: str, says: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(mistake))
    assert wrong(engine) == {check: Level.PROBLEM}
    finding = look(engine)[check]
    assert says in finding.message
    assert finding.advice


def test_a_paused_tenant_is_a_warning_and_its_uploads_are_no_problem(engine: Engine, intake: Intake) -> None:
    intake(SMALL, tenant="films")
    with engine.begin() as connection:
        connection.execute(text("UPDATE uploads SET created_at = now() - interval '10 minutes'"))
        decide(connection, "films", {"is_paused": True})
    assert wrong(engine) == {"tenants": Level.WARNING}
    assert "films" in look(engine)["tenants"].message


def test_paused_merging_is_a_warning(engine: Engine) -> None:
    with engine.begin() as connection:
        control.pause(PlainSql(connection))
    assert wrong(engine) == {"merging": Level.WARNING}


@pytest.mark.parametrize(("held", "level"), [(False, Level.PROBLEM), (True, Level.WARNING)])
def test_an_upload_that_waits_long_is_a_problem_if_nobody_works(
    engine: Engine, intake: Intake, held: bool, level: Level
) -> None:
    intake(SMALL)
    assert wrong(engine) == {}
    with engine.begin() as connection:
        connection.execute(text("UPDATE uploads SET created_at = now() - interval '10 minutes'"))
    if held:
        intake(SMALL)
        with engine.begin() as connection:
            connection.execute(
                text(
                    "UPDATE batches SET lease_until = now() + interval '1 minute' "
                    "WHERE upload_number = (SELECT max(number) FROM uploads)"
                )
            )
    assert wrong(engine) == {"loading": level}
    assert "10 minutes" in look(engine)["loading"].message


def test_who_waits_for_a_lock_is_named(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_LOCK_SECONDS", 0)
    with engine.connect() as holder:
        holder.execute(text("LOCK TABLE merge_control IN ROW EXCLUSIVE MODE"))
        pid = holder.scalar(text("SELECT pg_backend_pid()"))

        def wait() -> None:
            with engine.connect() as waiter:
                waiter.execute(text("SET lock_timeout = '30s'"))
                waiter.execute(text("LOCK TABLE merge_control IN SHARE MODE"))

        waiting = threading.Thread(target=wait)
        waiting.start()
        try:
            deadline = time.monotonic() + 20
            while (finding := look(engine)["locks"]).level is Level.OK and time.monotonic() < deadline:
                time.sleep(0.05)
        finally:
            holder.rollback()
            waiting.join()
    assert (finding.level, f"for {pid}" in finding.message) == (Level.WARNING, True), finding


def test_a_server_that_does_not_answer_is_a_problem_and_not_an_error(tmp_path: Path) -> None:
    settings = Settings(database_url="postgresql://user:hidden@127.0.0.1:1/none", data_dir=tmp_path)
    engine = create_sync_engine(settings, "test")
    [finding] = found("postgresql", lambda: database.look(engine, REGISTRY))
    assert (finding.level, "Connection refused" in finding.message) == (Level.PROBLEM, True)


def test_a_file_that_is_gone_is_named_and_the_probe_leaves_nothing(
    engine: Engine, settings: Settings, intake: Intake, loader: Loader
) -> None:
    loader.load(intake(SMALL), never)
    storage = open_storage(settings)
    [key] = [file.key for file in storage.list_objects()]
    assert [finding.level for finding in stored.look(storage)] == [Level.OK, Level.OK]
    assert [finding.level for finding in stored.files(engine, storage, settings)] == [Level.OK]
    assert [file.key for file in storage.list_objects()] == [key]
    path = settings.upload_dir / key
    path.write_bytes(path.read_bytes()[:-1])
    too_short = list(stored.files(engine, storage, settings))
    path.unlink()
    gone = list(stored.files(engine, storage, settings))
    for [finding] in (too_short, gone):
        assert (finding.level, key in finding.message) == (Level.PROBLEM, True)


def test_a_storage_that_cannot_be_written_is_a_problem(settings: Settings) -> None:
    settings.upload_dir.write_text("no directory")
    [finding] = found("storage", lambda: stored.look(open_storage(settings)))
    assert (finding.check, finding.level) == ("storage", Level.PROBLEM)
