"""`imdb-ingest backup` and `imdb-ingest restore`."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import typer
from sqlalchemy import Engine

from cli.backup import making, restoring
from cli.backup.manifest import Manifest
from cli.owner_database import FAILED, failures_of, settings_of
from cli.rendering.formatting import count, size
from shared.database.engine import create_sync_engine
from shared.settings import Settings
from stack.local import LocalStack
from stack.postgres import PostgresServer
from stack.stack_errors import StackError


def backup(target: Path, data_dir: Path | None, jobs: int, programs: Path | None) -> None:
    """Make a backup, and say what is in it; exit code 1 if stored files are lost."""
    with failures_of("backup"), _settings(data_dir, may_run=True) as settings, _engine(settings, "backup") as engine:
        manifest = making.make(engine, settings, target.absolute(), jobs, programs)
    typer.echo(f"{target}: {_summary(manifest)}.")
    removed = len(manifest.absent) - len(manifest.lost)
    if removed:
        typer.echo(f"Without {count(removed)} files that were removed when their time was over, or meanwhile.")
    if manifest.lost:
        keys = ", ".join(file.key for file in manifest.lost[:3])
        typer.secho(
            f"backup: {count(len(manifest.lost))} stored files are not in it, nor in the storage ({keys}). "
            "Is INGEST_STORAGE_URL what it is for the platform? If so, they are lost; `imdb-ingest doctor` says more",
            fg="red",
            err=True,
        )
        raise typer.Exit(FAILED)


def restore(source: Path, data_dir: Path | None, jobs: int, programs: Path | None, *, replace: bool) -> None:
    """Restore a backup, and say what was in it."""
    with failures_of("restore"), _settings(data_dir, may_run=False) as settings, _engine(settings, "restore") as engine:
        manifest = restoring.restore(engine, settings, source.absolute(), jobs, programs, replace=replace)
    typer.echo(f"Restored from {source}: {_summary(manifest)}. APIs and workers may start.")


def _summary(manifest: Manifest) -> str:
    files = len(manifest.keys)
    return (
        f"the database and {count(files)} stored files as of {manifest.made_at}, {size(manifest.size_bytes)}, "
        f"schema {manifest.revision}"
    )


@contextmanager
def _settings(data_dir: Path | None, *, may_run: bool) -> Iterator[Settings]:
    """Those of the environment, or of the PostgreSQL in a data directory, which is started if it does not run."""
    if data_dir is None:
        yield settings_of(None)
        return
    if may_run and not PostgresServer(data_dir / "postgres").data_dir.exists():
        raise StackError(f"there is no PostgreSQL in {data_dir}")
    running = _running(data_dir) if may_run else None
    if running is not None:
        yield running
        return
    stack = LocalStack(data_dir, apis=0, workers=0)
    stack.start_database()
    try:
        yield Settings(database_url=stack.database_url, data_dir=stack.data_dir)
    finally:
        stack.stop()


def _running(data_dir: Path) -> Settings | None:
    with suppress(StackError):
        return settings_of(data_dir)
    return None


@contextmanager
def _engine(settings: Settings, command: str) -> Iterator[Engine]:
    engine = create_sync_engine(settings, f"ingest-{command}")
    try:
        yield engine
    finally:
        engine.dispose()
