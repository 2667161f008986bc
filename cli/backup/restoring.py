"""Restore a backup into a PostgreSQL server and a storage, new ones or those that were there before.

check      every file of the backup, the revision, the versions, and that nobody uses the database; nothing is touched
files      before the rows that refer to them; if it ends here, they are orphans
database   what is there is dropped, and the dump restored without its revision
finish     the policies of this server's owner, and the revision: from here on the database is whole
migrate    to the revision of this version

A restore that was interrupted leaves a database without a revision, which `migrate` refuses and a new restore replaces.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Final

import psycopg2
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT
from sqlalchemy import Engine, text

from cli.backup import manifest as manifests
from cli.backup.manifest import DATABASE, Manifest
from cli.backup.stored_files import copy_in
from cli.migrate import alembic_config
from shared.errors import InvalidRequest, StateConflict
from shared.settings import Settings
from shared.storage.opening import open_storage
from stack.postgres_programs import PostgresProgram, program_for
from stack.services import ROOT
from stack.short_program import run_short
from stack.stack_errors import StackError

# The migration that makes the role of requests, in SQL that may be repeated.
_ROLE_REVISION: Final = "2026_11_27_row_security"
_MIGRATE_SECONDS: Final = 24 * 3600.0

_SERVER: Final = text("""
SELECT current_setting('server_version_num')::int / 10000,
       (SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename IN (current_user, :api_user))
""")
# What clients and operators have made; all other rows follow from it.
_MADE: Final = ("uploads", "api_keys", "default_files", "datasets", "sources", "collections")
_OBJECTS: Final = """
SELECT CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, relname
FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'S')
  AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
-- leaves before the tables that they belong to: to drop one takes few locks
ORDER BY relname <> 'alembic_version', relkind = 'p', relkind = 'S'
"""
_FUNCTIONS: Final = """
SELECT oid::regprocedure::text FROM pg_proc
WHERE pronamespace = 'public'::regnamespace
  AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
"""
# The dump names the owner of the server that it comes from, and the revision belongs to what is whole.
_LEFT_OUT: Final = (
    " of_owner ",
    " TABLE DATA public alembic_version ",
    " SCHEMA - public ",
    " COMMENT - SCHEMA public ",
)
_OWNER_POLICIES: Final = """
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relrowsecurity
    LOOP
        EXECUTE format('CREATE POLICY of_owner ON %I TO CURRENT_USER USING (true)', found.relname);
    END LOOP;
END $$
"""


def restore(
    engine: Engine, settings: Settings, source: Path, jobs: int, programs: Path | None, *, replace: bool
) -> Manifest:
    """Restore the backup in `source`; return its manifest.

    `replace`: what is in the database goes. Raises `InvalidRequest` before anything is touched, `StateConflict` if the
    database is in use or has data, or if the storage has files of others, `StackError` for what pg_restore says,
    `OSError`, and errors of the storage, of SQLAlchemy and of psycopg2.
    """
    manifest = manifests.read(source)
    _require_known(manifest)
    program = _program(engine, settings, manifest, programs, replace=replace)
    manifests.verify(source, manifest)
    copy_in(open_storage(settings), manifest, source, beside_others=replace)
    engine.dispose()
    connection = psycopg2.connect(settings.libpq_url)
    try:
        connection.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
        with connection.cursor() as cursor:
            _drop_all(cursor)
            cursor.execute(_create_role())
            _fill(program, settings, source / DATABASE, jobs)
            cursor.execute("BEGIN")
            cursor.execute(_OWNER_POLICIES)
            cursor.execute("INSERT INTO alembic_version (version_num) VALUES (%s)", (manifest.revision,))
            cursor.execute("COMMIT")
            cursor.execute("ANALYZE")  # a dump has no statistics, and without them plans are bad
    finally:
        connection.close()
    _migrate(settings)
    return manifest


def _require_known(manifest: Manifest) -> None:
    try:
        _scripts().get_revision(manifest.revision)
    except CommandError as error:
        raise InvalidRequest(
            f"the backup has the schema {manifest.revision} of imdb-ingest {manifest.software}, which this version "
            "does not know: restore it with that version or a newer one"
        ) from error


def _program(
    engine: Engine, settings: Settings, manifest: Manifest, programs: Path | None, *, replace: bool
) -> PostgresProgram:
    """The program to restore with, if the database may be replaced."""
    with engine.connect() as connection:
        api_user = settings.request_sync_url.username
        server_major, sessions = connection.execute(_SERVER, {"api_user": api_user}).one()
        if server_major < manifest.postgresql:
            raise InvalidRequest(f"the backup needs PostgreSQL {manifest.postgresql}, and the server is {server_major}")
        if sessions:
            raise StateConflict(f"the database is in use by {sessions} sessions: stop all APIs and workers first")
        present = [name for name in _MADE if connection.scalar(text(f"SELECT to_regclass('public.{name}')"))]
        filled = [name for name in present if connection.scalar(text(f"SELECT EXISTS (SELECT FROM {name})"))]
    if filled and not replace:
        raise StateConflict(f"the database has data ({', '.join(filled)}); --replace drops it first")
    return program_for("pg_restore", server_major, programs)


def _drop_all(cursor: psycopg2.extensions.cursor) -> None:
    cursor.execute(_OBJECTS)
    for kind, name in cursor.fetchall():
        cursor.execute(sql.SQL(f"DROP {kind} IF EXISTS {{}} CASCADE").format(sql.Identifier("public", name)))
    cursor.execute(_FUNCTIONS)
    for (signature,) in cursor.fetchall():
        cursor.execute(f"DROP FUNCTION IF EXISTS {signature} CASCADE")


def _create_role() -> str:
    statement: str = _scripts().get_revision(_ROLE_REVISION).module.CREATE_ROLE
    return statement


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(alembic_config())


def _fill(program: PostgresProgram, settings: Settings, dump: Path, jobs: int) -> None:
    entries = program.run(None, "--list", dump).splitlines()
    wanted = [entry for entry in entries if not any(part in entry for part in _LEFT_OUT)]
    with tempfile.NamedTemporaryFile("w", suffix=".list", encoding="utf-8") as chosen:
        chosen.write("\n".join(wanted))
        chosen.flush()
        program.run(
            settings.sync_url,
            f"--jobs={jobs}",
            "--no-owner",
            "--exit-on-error",
            f"--use-list={chosen.name}",
            dump.absolute(),
        )


def _migrate(settings: Settings) -> None:
    """In a process of its own: Alembic's environment reads the settings from the environment."""
    environment = {**os.environ, "DATABASE_URL": settings.database_url}
    command = [sys.executable, "-m", "cli.main", "migrate"]
    done = run_short(command, seconds=_MIGRATE_SECONDS, environment=environment, cwd=ROOT)
    if done.returncode != 0:
        raise StackError(f"everything is restored, but cannot be migrated: {done.stderr.strip()}")
