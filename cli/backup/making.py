"""Make a backup: a dump of one snapshot, then the stored files that the rows of this snapshot refer to.

Files are stored before rows refer to them and are removed after it, so whatever the dump refers to was there when it
began. What is removed while it is copied is in the manifest. Redis is not in a backup: it holds notifications, limits
and answers, and PostgreSQL knows what is to be done, so the sweep notifies again.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, text

from cli.backup.manifest import DATABASE, FILES, Manifest, digested
from cli.backup.stored_files import Referred, absences, copy_out, referred
from shared.database.queries.health import schema_revision
from shared.errors import InvalidRequest
from shared.settings import Settings
from shared.storage.opening import open_storage
from stack.postgres_programs import PostgresProgram, program_for
from stack.stack_errors import StackError

# A table may be dropped between the moment when pg_dump sees it and that when it locks it: an undo, a merge. And if
# somebody waits for a table that pg_dump has locked, to attach it say, several jobs fail, because each locks it anew.
_ATTEMPTS: Final = 3
_PASSING: Final = ("does not exist", "could not obtain lock")
_LOCK_WAIT: Final = "60s"

_SNAPSHOT: Final = text("""
SELECT pg_export_snapshot(), current_setting('server_version_num')::int / 10000,
       (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('public.uploads'))
""")


def make(engine: Engine, settings: Settings, target: Path, jobs: int, programs: Path | None) -> Manifest:
    """Write a backup to `target`, which does not exist yet and appears only when it is complete.

    Raises `InvalidRequest`, `StackError` for what pg_dump says, `OSError`, and errors of the storage and SQLAlchemy.
    """
    if target.exists():
        raise InvalidRequest(f"{target} exists already; a backup needs a directory of its own")
    target.parent.mkdir(parents=True, exist_ok=True)
    with _draft(target) as draft:
        revision, dump_major, files = _dump(engine, settings, draft, jobs, programs)
        copied, missing = copy_out(open_storage(settings), files, draft)
        with engine.begin() as connection:
            absent = absences(missing, referred(connection, settings.file_retention_days) if missing else [])
        manifest = Manifest(
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            software=version("imdb-ingest"),
            revision=revision,
            postgresql=dump_major,
            files=(*digested(draft, DATABASE), *copied),
            absent=tuple(absent),
        )
        manifest.write(draft)
        os.sync()
        draft.rename(target)
    return manifest


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """A directory beside `target`, only for its owner; whatever ends the backup early removes it."""
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
    try:
        (draft / FILES).mkdir(mode=0o700)
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _dump(
    engine: Engine, settings: Settings, draft: Path, jobs: int, programs: Path | None
) -> tuple[str, int, list[Referred]]:
    """Dump PostgreSQL; return the revision, the version of pg_dump, and the files that the dumped rows refer to."""
    for attempt in range(_ATTEMPTS):
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            snapshot, server_major = _begin(connection)
            program = program_for("pg_dump", server_major, programs)
            revision = connection.scalar(schema_revision())
            files = referred(connection, settings.file_retention_days)
            try:
                _run(program, settings, draft, snapshot, jobs if attempt == 0 else 1)
            except StackError as error:
                if attempt + 1 == _ATTEMPTS or not any(reason in str(error) for reason in _PASSING):
                    raise
                shutil.rmtree(draft / DATABASE, ignore_errors=True)
                continue
            return str(revision), program.major, files
    raise AssertionError  # the last attempt returns or raises


def _begin(connection: Connection) -> tuple[str, int]:
    """Begin a snapshot that pg_dump can share, and that waits for it."""
    connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    snapshot, server_major, is_owner = connection.execute(_SNAPSHOT).one()
    if is_owner is None:
        raise InvalidRequest("the database has no tables; there is nothing to back up")
    if not is_owner:  # policies would hide rows, and nobody would notice
        raise InvalidRequest("DATABASE_URL must name the owner of the tables, who sees all rows")
    return snapshot, server_major


def _run(program: PostgresProgram, settings: Settings, draft: Path, snapshot: str, jobs: int) -> None:
    program.run(
        settings.sync_url,
        "--format=directory",
        f"--file={draft / DATABASE}",
        f"--jobs={jobs}",
        f"--snapshot={snapshot}",
        f"--lock-wait-timeout={_LOCK_WAIT}",
        "--schema=public",
        # Without it a table with policies is an error for an owner who is no superuser. The policy of the owner shows
        # all rows.
        "--enable-row-security",
    )
