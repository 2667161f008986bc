"""`imdb-ingest doctor`."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

import typer
from pydantic import ValidationError
from sqlalchemy import make_url

from cli.client.session import print_json
from cli.doctor import broker, database, stored
from cli.doctor.finding import Check, Finding, Level, found, ok, problem, warning
from cli.owner_database import settings_of
from cli.rendering.formatting import printable
from shared.catalog.registry import Registry
from shared.database.engine import create_sync_engine
from shared.settings import Settings, wrong_settings
from shared.storage.opening import open_storage
from stack.stack_errors import StackError
from stack.valkey import ValkeyServer

_COLORS: Final = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "red"}


def doctor(data_dir: Path | None, *, as_json: bool) -> int:
    """Look at everything and print what is found; 1 if there is a problem."""
    findings = _examined(data_dir)
    if as_json:
        print_json({"findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            _print(finding)
    return int(any(finding.level is Level.PROBLEM for finding in findings))


def _examined(data_dir: Path | None) -> list[Finding]:
    try:
        settings = _settings(data_dir)
    except ValidationError as error:
        advice = "The table of settings in README.md has the values."
        return [problem("settings", wrong_settings(error), advice)]
    except StackError as error:
        return [problem("settings", str(error), "Start it, or leave --data-dir out to use DATABASE_URL.")]
    engine, storage = create_sync_engine(settings, "ingest-doctor"), open_storage(settings)
    checks: dict[str, Check] = {
        "settings": lambda: _look_at(settings),
        "postgresql": lambda: database.look(engine, Registry.built_in()),
        "broker": lambda: broker.look(settings.redis_url),
        "storage": lambda: stored.look(storage),
        "disk": lambda: stored.space(settings.data_dir),
        "stored_files": lambda: stored.files(engine, storage, settings),
    }
    try:
        findings = [finding for name, check in checks.items() for finding in found(name, check)]
    finally:
        engine.dispose()
    return [_without_secrets(finding, settings) for finding in findings]


def _settings(data_dir: Path | None) -> Settings:
    settings = settings_of(data_dir)
    if data_dir is None:
        return settings
    return settings.model_copy(update={"redis_url": ValkeyServer(data_dir / "valkey").running_url()})


def _look_at(settings: Settings) -> Iterator[Finding]:
    if settings.failpoint:
        yield problem("settings", "INGEST_FAILPOINT is set", "It is for tests only: processes die by it. Unset it.")
    elif settings.require_keys and not settings.api_database_url:
        advice = "Set INGEST_API_DATABASE_URL: then not even injected SQL gets the rights of the owner."
        yield warning("settings", "requests log in as the owner of the tables", advice)
    else:
        yield ok("settings", "all of them are valid")


def _without_secrets(finding: Finding, settings: Settings) -> Finding:
    """Servers' messages may repeat what they were sent."""
    message = finding.message
    for url in (settings.database_url, settings.api_database_url, settings.redis_url, settings.cache_url):
        password = make_url(url).password if url else None
        if password:
            message = message.replace(str(password), "***")
    return Finding(finding.check, finding.level, message, finding.advice)


def _print(finding: Finding) -> None:
    level = typer.style(f"{finding.level:<8}", fg=_COLORS[finding.level])
    typer.echo(f"{level} {finding.check}: {printable(finding.message)}")
    if finding.advice:
        typer.echo(f"{'':<8} {finding.advice}")
