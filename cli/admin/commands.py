"""The commands of `admin`. They need DATABASE_URL, which no client has, and no key opens them."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import typer

from cli.admin import rendering
from cli.client.session import print_json
from cli.owner_database import failures_of, owner_database, settings_of
from cli.rendering import render_lists
from shared.database.engine import create_sync_engine
from shared.ingest.operating import queue, tenant_settings
from shared.ingest.operating.tenant_settings import Decided

_COMMAND: Final = "admin"


def show(data_dir: Path | None, tenant: str | None, *, as_json: bool) -> None:
    """What is decided about one tenant, or about all."""
    with owner_database(_COMMAND, data_dir) as connection:
        found = (
            tenant_settings.all_decided(connection)
            if tenant is None
            else [tenant_settings.decided_of(connection, tenant)]
        )
    if as_json:
        print_json({"items": [_document(asdict(each)) for each in found]})
    elif found:
        render_lists.console().print(rendering.decided(found))
    else:
        typer.echo("Every tenant has what the settings say.")


def decide(data_dir: Path | None, tenant: str, changes: Mapping[str, Any]) -> Decided:
    """Change some of it, and return all of it."""
    with owner_database(_COMMAND, data_dir) as connection:
        return tenant_settings.decide(connection, tenant, changes)


def active(data_dir: Path | None, most: int, *, as_json: bool) -> None:
    """Uploads of all tenants that wait or load."""
    with owner_database(_COMMAND, data_dir) as connection:
        found = queue.active_uploads(connection, most)
    if as_json:
        print_json({"items": [_document(asdict(each)) for each in found]})
    elif found:
        render_lists.console().print(rendering.active(found))
    else:
        typer.echo("No upload waits or loads.")


def notify(data_dir: Path | None, upload_id: uuid.UUID) -> None:
    """Notify a loader of an upload again."""
    with owner_database(_COMMAND, data_dir) as connection:
        queue.notify_again(connection, upload_id)
    typer.echo("A loader is notified within seconds.")


def cancel(data_dir: Path | None, upload_id: uuid.UUID) -> None:
    """Cancel an upload of any tenant."""
    with failures_of(_COMMAND):
        engine = create_sync_engine(settings_of(data_dir), "ingest-admin")
        try:
            queue.cancel(engine, upload_id)
        finally:
            engine.dispose()
    typer.echo("The upload is cancelled; none of its rows remains.")


def _document(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _written(value) for name, value in values.items()}


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else value
