"""`imdb-ingest merging`: pause and resume merging, directly in the database, because it is about all tenants."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import typer

from cli.client.session import print_json
from cli.owner_database import owner_database
from cli.rendering import render_lists
from shared.database.engine import PlainSql
from shared.ingest.merging import control

_MOST_SHOWN: Final = 20


def pause(data_dir: Path | None) -> None:
    """Pause merging, in all processes."""
    with owner_database("merging", data_dir) as connection:
        control.pause(PlainSql(connection))
    typer.echo("Merging is paused. A merge that is under way stops within seconds and keeps what it has copied.")


def resume(data_dir: Path | None) -> None:
    """Let it go on."""
    with owner_database("merging", data_dir) as connection:
        control.resume(PlainSql(connection))
    typer.echo("Merging goes on.")


def show(data_dir: Path | None, *, as_json: bool) -> None:
    """Say whether it is paused, and which collections have the most leaves."""
    with owner_database("merging", data_dir) as connection:
        merging = control.show(PlainSql(connection), _MOST_SHOWN)
    if as_json:
        print_json(_document(asdict(merging)))
        return
    since = f"since {merging.changed_at:%Y-%m-%d %H:%M:%S} UTC"
    reason = f": {merging.reason}" if merging.reason else ""
    typer.echo(f"Merging is paused {since}{reason}." if merging.is_paused else "Merging is on.")
    if merging.collections:
        render_lists.console().print(render_lists.leaves([asdict(each) for each in merging.collections]))


def _document(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _document(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_document(each) for each in value]
    return value.isoformat() if isinstance(value, datetime) else value
