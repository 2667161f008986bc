"""`imdb-ingest keys`: manage API keys, directly in the database, because the API cannot create the first key."""

import math
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import typer

from cli.client.session import print_json
from cli.owner_database import owner_database
from cli.rendering import render_lists
from shared.database.queries.api_keys import all_keys
from shared.errors import InvalidRequest
from shared.keys import administration


def create(
    data_dir: Path | None, name: str, tenants: list[str], scopes: list[str], days: float | None, *, as_json: bool
) -> None:
    """Create a key and show it; `days` is its lifetime."""
    with owner_database("keys", data_dir) as connection:
        lifetime = None if days is None else _span(days, timedelta(days=1))
        new = administration.create(connection, name, tenants, scopes, lifetime)
    _show_new(new, as_json=as_json)


def list_all(data_dir: Path | None, *, as_json: bool) -> None:
    """Show all keys."""
    with owner_database("keys", data_dir) as connection:
        items = [_document(row._asdict()) for row in connection.execute(all_keys())]
    if as_json:
        print_json({"items": items})
    else:
        render_lists.console().print(render_lists.keys({"items": items}))


def revoke(data_dir: Path | None, key_id: str, *, as_json: bool) -> None:
    """Revoke a key and say when that happened."""
    with owner_database("keys", data_dir) as connection:
        revoked_at = administration.revoke(connection, key_id)
    if as_json:
        print_json(_document({"id": key_id, "revoked_at": revoked_at}))
    else:
        typer.echo(f"{key_id} was revoked at {revoked_at:%Y-%m-%d %H:%M:%S} UTC.")


def rotate(data_dir: Path | None, key_id: str, overlap_hours: float, *, as_json: bool) -> None:
    """Create a key like `key_id` and show it; the old one ends after `overlap_hours`."""
    with owner_database("keys", data_dir) as connection:
        new = administration.rotate(connection, key_id, _span(overlap_hours, timedelta(hours=1)))
    _show_new(new, as_json=as_json)


def _span(count: float, unit: timedelta) -> timedelta:
    """`count` units; the longest timedelta if that overflows (`administration` refuses it). Raises `InvalidRequest`."""
    if math.isnan(count):
        raise InvalidRequest("nan is not a span of time.")
    try:
        return count * unit
    except OverflowError:
        return timedelta.max if count > 0 else timedelta.min


def _show_new(new: administration.NewKey, *, as_json: bool) -> None:
    """Print only the key to stdout, so that a script can read it, and the rest to stderr."""
    about = {"id": new.key.id, "name": new.name, "tenants": new.tenants, "scopes": new.scopes}
    times = {"created_at": new.created_at, "expires_at": new.expires_at, "replaces": new.replaces}
    if as_json:
        print_json(_document({"key": new.key.text, **about, **times}))
        return
    typer.echo(new.key.text)
    typer.echo(
        f"This is key {new.key.id}. It is shown only this once and cannot be looked up again: store it now.", err=True
    )


def _document(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
