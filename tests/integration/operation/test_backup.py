"""Backups: what is refused, what may be absent, and servers that differ from the one that was backed up."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
import typer
from alembic import command
from sqlalchemy import Engine, text

from cli import migrate
from cli.backup import commands, making, manifest, restoring
from cli.backup.manifest import Absence, Manifest
from shared.database.engine import create_request_engine, create_sync_engine
from shared.database.tenancy import tenant_transaction
from shared.errors import InvalidRequest, StateConflict
from shared.ingest.loading.loader import Loader
from shared.settings import Settings
from shared.storage.opening import open_storage
from stack.postgres import PostgresServer
from stack.postgres_programs import program_for
from stack.stack_errors import StackError
from tests.conftest import POSTGRES_BINARIES, Intake, alembic_config, environment, execute
from tests.everything import files_in, rows_of
from tests.integration.ingest.test_loader import LARGE, SMALL, never

# pg_dump holds this table; so far only its first connection.
LOCKED_BY_DUMP = """
SELECT count(*)::int FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE relation = 'batches'::regclass AND application_name = 'pg_dump' AND granted
"""


@pytest.fixture(params=["18"])
def server(request: pytest.FixtureRequest, servers: Callable[[str], PostgresServer]) -> PostgresServer:
    return servers(request.param)


@pytest.fixture
def backup(engine: Engine, settings: Settings, tmp_path: Path) -> Path:
    """Of whatever the database holds when a test asks for it."""
    target = tmp_path / "backup"
    making.make(engine, settings, target, 1, None)
    return target


@pytest.fixture
def loaded(intake: Intake, loader: Loader) -> None:
    for content in (SMALL, LARGE):
        loader.load(intake(content), never)
    loader.close()


@pytest.fixture
def elsewhere(server: PostgresServer, tmp_path: Path) -> Iterator[Settings]:
    """An empty database of the same server, and an empty directory."""
    execute(server.url, "CREATE DATABASE elsewhere")
    yield Settings(database_url=server.url_of("elsewhere"), data_dir=tmp_path / "elsewhere")
    execute(server.url, "DROP DATABASE elsewhere WITH (FORCE)")


def restore(settings: Settings, source: Path, *, replace: bool = False) -> Manifest:
    engine = create_sync_engine(settings, "ingest-restore")
    try:
        with environment(REDIS_URL="redis://unused.invalid/0"):
            return restoring.restore(engine, settings, source, 1, None, replace=replace)
    finally:
        engine.dispose()


def tables_of(settings: Settings) -> int:
    with closing(psycopg2.connect(settings.libpq_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
        return int(cursor.fetchall()[0][0])


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("server", POSTGRES_BINARIES, indirect=True)
def test_another_owner_of_a_new_server_sees_all_and_requests_see_their_tenant(
    server: PostgresServer, settings: Settings, backup: Path, tmp_path: Path
) -> None:
    with PostgresServer(tmp_path / "new", bin_dir=server.bin_dir) as new:
        execute(new.url, "CREATE ROLE plain LOGIN CREATEROLE PASSWORD 'secret'")
        execute(new.url, "CREATE DATABASE plain OWNER plain")
        there = Settings(
            database_url=f"postgresql://plain:secret@127.0.0.1:{new.port}/plain", data_dir=tmp_path / "new"
        )
        restore(there, backup)
        before, after = rows_of(settings.database_url), rows_of(there.database_url)
        of_owner = [(table, name) for table, name, *_ in before.pop("policies") if name == "of_owner"]
        assert [(table, name) for table, name, *_ in after.pop("policies") if name == "of_owner"] == of_owner != []
        assert after == before
        assert files_in(there.data_dir) == files_in(settings.data_dir)
        requests = create_request_engine(there)
        try:
            for tenant, sees in (("public", True), ("other", False)):
                with tenant_transaction(requests, tenant) as connection:
                    assert connection.scalar(text("SELECT count(*) > 0 FROM movies")) is sees
        finally:
            requests.dispose()


def test_a_database_with_data_is_replaced_only_if_that_is_asked_for(
    engine: Engine, settings: Settings, intake: Intake, loader: Loader, backup: Path
) -> None:
    empty = rows_of(settings.database_url)
    loader.load(intake(SMALL), never)
    loader.close()
    engine.dispose()
    filled = rows_of(settings.database_url)
    with pytest.raises(StateConflict, match="has data"):
        restore(settings, backup)
    assert rows_of(settings.database_url) == filled
    restore(settings, backup, replace=True)
    assert rows_of(settings.database_url) == empty


def test_files_of_a_platform_that_runs_are_left_alone(
    settings: Settings, elsewhere: Settings, intake: Intake, backup: Path
) -> None:
    """What is restored beside it would sweep them."""
    intake(SMALL)
    beside = elsewhere.model_copy(update={"data_dir": settings.data_dir})
    kept = files_in(settings.data_dir)
    with pytest.raises(StateConflict, match="choose another INGEST_STORAGE_URL"):
        restore(beside, backup)
    assert files_in(settings.data_dir) == kept
    restore(beside, backup, replace=True)
    assert files_in(settings.data_dir) == kept


def test_a_restore_that_was_interrupted_is_seen_and_repeated(
    settings: Settings, engine: Engine, backup: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = rows_of(settings.database_url)
    with engine.begin() as connection:  # what is left between the dump and the revision
        connection.execute(text("DELETE FROM alembic_version"))
        connection.execute(text("DROP POLICY of_owner ON uploads"))
    engine.dispose()
    with environment(DATABASE_URL=settings.database_url, REDIS_URL="redis://unused.invalid/0"):
        assert migrate.run("head", sql=False) == migrate.FAILED
    assert "a restore was interrupted" in capsys.readouterr().err
    restore(settings, backup, replace=True)
    assert rows_of(settings.database_url) == whole


def test_a_database_that_is_in_use_is_left_alone(engine: Engine, settings: Settings, backup: Path) -> None:
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        with pytest.raises(StateConflict, match="in use by 1 session"):
            restore(settings, backup)


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("file", ["database/toc.dat", "files/*"])
def test_a_backup_with_a_changed_file_touches_nothing(elsewhere: Settings, backup: Path, file: str) -> None:
    changed = next(backup.glob(file))
    content = changed.read_bytes()
    changed.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(InvalidRequest, match="not what was backed up"):
        restore(elsewhere, backup)
    changed.unlink()
    with pytest.raises(InvalidRequest, match="not what was backed up"):
        restore(elsewhere, backup)
    assert tables_of(elsewhere) == 0
    assert not elsewhere.upload_dir.exists()


@pytest.mark.parametrize(
    ("member", "value", "complaint"),
    [
        ("revision", "2099_01_01_later", "does not know"),
        ("postgresql", 99, "needs PostgreSQL 99"),
        ("format", 2, "another format"),
    ],
)
def test_a_backup_of_a_later_version_is_refused(
    elsewhere: Settings, backup: Path, member: str, value: object, complaint: str
) -> None:
    path = backup / manifest.NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | {member: value}))
    with pytest.raises(InvalidRequest, match=complaint):
        restore(elsewhere, backup)
    assert tables_of(elsewhere) == 0


def test_a_backup_of_an_earlier_schema_is_migrated(settings: Settings, elsewhere: Settings, tmp_path: Path) -> None:
    with environment(DATABASE_URL=settings.database_url, REDIS_URL="redis://unused.invalid/0"):
        head = restoring._scripts().get_current_head()
        command.downgrade(alembic_config(), "-1")
    engine = create_sync_engine(settings, "ingest-backup")
    made = making.make(engine, settings, tmp_path / "earlier", 1, None)
    engine.dispose()
    assert made.revision != head
    restore(elsewhere, tmp_path / "earlier")
    assert rows_of(elsewhere.database_url)["table alembic_version"] == [f"({head})"]


@pytest.mark.usefixtures("loaded")
def test_a_file_that_retention_removed_is_absent_and_one_that_vanished_is_lost(
    engine: Engine, settings: Settings, tmp_path: Path
) -> None:
    with engine.begin() as connection:
        expired, vanished = connection.scalars(text("SELECT storage_key FROM uploads ORDER BY number"))
        connection.execute(
            text("UPDATE uploads SET finished_at = now() - interval '1 year' WHERE storage_key = :key"),
            {"key": expired},
        )
    for key in (expired, vanished):
        open_storage(settings).delete(key)
    made = making.make(engine, settings, tmp_path / "backup", 1, None)
    assert {file.key: file.absence for file in made.absent} == {expired: Absence.REMOVED, vanished: Absence.LOST}
    assert (manifest.read(tmp_path / "backup"), made.keys) == (made, {})


def test_a_backup_without_a_file_that_should_be_there_fails(
    settings: Settings, intake: Intake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is kept: the rows are in it."""
    intake(SMALL)
    [key] = [stored.key for stored in open_storage(settings).list_objects()]
    open_storage(settings).delete(key)
    there = {"DATABASE_URL": settings.database_url, "INGEST_DATA_DIR": str(settings.data_dir)}
    with environment(**there), pytest.raises(typer.Exit) as ended:
        commands.backup(tmp_path / "backup", None, 1, None)
    assert ended.value.exit_code == 1
    assert f"1 stored files are not in it, nor in the storage ({key})" in capsys.readouterr().err
    assert [file.key for file in manifest.read(tmp_path / "backup").lost] == [key]


def test_a_backup_of_a_directory_without_a_database_makes_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended:
        commands.backup(tmp_path / "backup", tmp_path / "mistyped", 1, None)
    assert ended.value.exit_code == 1
    assert "there is no PostgreSQL in" in capsys.readouterr().err
    assert not (tmp_path / "mistyped").exists()


@pytest.mark.usefixtures("loaded")
def test_a_backup_that_cannot_be_made_leaves_nothing(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    with pytest.raises(StackError, match="needs pg_dump of version"):
        making.make(engine, settings, tmp_path / "backups" / "one", 1, tmp_path)
    settings.upload_dir.rename(tmp_path / "away")
    settings.upload_dir.write_text("no directory")  # the storage does not answer
    with pytest.raises(Exception, match="cannot be read"):
        making.make(engine, settings, tmp_path / "backups" / "one", 1, None)
    assert list((tmp_path / "backups").iterdir()) == []


@pytest.mark.usefixtures("loaded")
def test_several_jobs_give_way_to_somebody_who_waits_for_a_table(
    engine: Engine, settings: Settings, tmp_path: Path
) -> None:
    """As a loader does that attaches a leaf: it waits for pg_dump, whose other connections cannot pass it then."""
    waited = threading.Event()

    def wait_for_it() -> None:
        with closing(psycopg2.connect(settings.libpq_url)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            while not waited.is_set():
                cursor.execute(LOCKED_BY_DUMP)
                if cursor.fetchall() == [(1,)]:
                    waited.set()
                    cursor.execute("BEGIN; LOCK TABLE batches IN ACCESS EXCLUSIVE MODE; COMMIT")

    thread = threading.Thread(target=wait_for_it)
    thread.start()
    try:
        made = making.make(engine, settings, tmp_path / "backup", 2, None)
    finally:
        waited.set()
        thread.join()
    assert len(made.keys) == 2


def test_a_directory_that_exists_is_not_written_to(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="exists already"):
        making.make(engine, settings, tmp_path, 1, None)


def test_the_program_of_the_servers_version_is_chosen() -> None:
    assert program_for("pg_dump", 18).major == 18
    with pytest.raises(StackError, match="only of version"):
        program_for("pg_dump", 99)
