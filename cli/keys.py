"""`imdb-ingest keys`: manage API keys, directly in the database, because the API cannot create the first key."""

import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError, ProgrammingError

from cli import render
from cli.choices import Scope
from shared.database.engine import create_sync_engine
from shared.database.queries.api_keys import all_keys
from shared.errors import IngestError, InvalidRequest, NotFound, StateConflict
from shared.keys import administration
from shared.settings import Settings
from stack.postgres import PostgresServer
from stack.stack_errors import StackError

FAILED = 1
WRONG_USAGE = 2

app = typer.Typer(help="Create, list, rotate and revoke API keys.", no_args_is_help=True)

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        file_okay=False,
        help="The data directory of a running `imdb-ingest up`; without it, DATABASE_URL is used.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `keys list` shows it.")]


@app.command()
def create(
    *,
    name: Annotated[str, typer.Option(help="Who will use the key.")],
    tenant: Annotated[
        list[str], typer.Option(help="A tenant that the key may access; repeatable, the first is the default.")
    ],
    scope: Annotated[list[Scope], typer.Option(help="A scope of the key; repeatable. admin includes the others.")],
    expires_days: Annotated[
        float | None,
        typer.Option(help="The key's lifetime in days, at most 3,650 (ten years); by default it does not expire."),
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Create a key. The key is shown only once."""
    with _database(data_dir) as connection:
        lifetime = None if expires_days is None else _span(expires_days, timedelta(days=1))
        new = administration.create(connection, name, tenant, [str(one) for one in scope], lifetime)
    _show_new(new, as_json=as_json)


@app.command("list")
def list_keys(*, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List all keys, including expired and revoked ones."""
    with _database(data_dir) as connection:
        items = [_document(row._asdict()) for row in connection.execute(all_keys())]
    if as_json:
        _print_json({"items": items})
    else:
        render.console().print(render.keys({"items": items}))


@app.command()
def revoke(*, key_id: KeyId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Revoke key ID: the API refuses the next request with it."""
    with _database(data_dir) as connection:
        revoked_at = administration.revoke(connection, key_id)
    if as_json:
        _print_json(_document({"id": key_id, "revoked_at": revoked_at}))
    else:
        typer.echo(f"{key_id} was revoked at {revoked_at:%Y-%m-%d %H:%M:%S} UTC.")


@app.command()
def rotate(
    *,
    key_id: KeyId,
    overlap_hours: Annotated[
        float, typer.Option(help="How long the old key still works, in hours, at most 87,600.")
    ] = 24,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Replace key ID: create a key with its name, tenants, scopes and expiry. The new key is shown only once."""
    with _database(data_dir) as connection:
        new = administration.rotate(connection, key_id, _span(overlap_hours, timedelta(hours=1)))
    _show_new(new, as_json=as_json)


@contextmanager
def _database(data_dir: Path | None) -> Iterator[Connection]:
    """A transaction. An error ends the process with one line on stderr and exit code 1, or 2 for invalid input."""
    try:
        engine = create_sync_engine(_settings(data_dir), "ingest-keys")
        try:
            with engine.begin() as connection:
                yield connection
        finally:
            engine.dispose()
    except ValidationError as error:
        wrong = ", ".join(str(item["loc"][0]) for item in error.errors())
        raise _failed(
            f"settings: {wrong} missing or invalid (or use --data-dir of a running `imdb-ingest up`)"
        ) from error
    except OperationalError as error:
        raise _failed(f"the database does not answer: {str(error.orig).strip()}") from error
    except ProgrammingError as error:
        raise _failed("the database has no table for keys: run `imdb-ingest migrate`") from error
    except InvalidRequest as error:
        is_wrong = not isinstance(error, NotFound | StateConflict)
        raise _failed(str(error), WRONG_USAGE if is_wrong else FAILED) from error
    except (IngestError, StackError) as error:
        raise _failed(str(error)) from error


def _span(count: float, unit: timedelta) -> timedelta:
    """`count` units; the longest timedelta if that overflows (`administration` refuses it). Raises `InvalidRequest`."""
    if math.isnan(count):
        raise InvalidRequest("nan is not a span of time.")
    try:
        return count * unit
    except OverflowError:
        return timedelta.max if count > 0 else timedelta.min


def _settings(data_dir: Path | None) -> Settings:
    if data_dir is None:
        return Settings()
    return Settings(database_url=PostgresServer(data_dir / "postgres").running_url())


def _show_new(new: administration.NewKey, *, as_json: bool) -> None:
    """Print only the key to stdout, so that a script can read it, and the rest to stderr."""
    about = {"id": new.key.id, "name": new.name, "tenants": new.tenants, "scopes": new.scopes}
    times = {"created_at": new.created_at, "expires_at": new.expires_at, "replaces": new.replaces}
    if as_json:
        _print_json(_document({"key": new.key.text, **about, **times}))
        return
    typer.echo(new.key.text)
    typer.echo(
        f"This is key {new.key.id}. It is shown only this once and cannot be looked up again: store it now.", err=True
    )


def _document(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def _print_json(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def _failed(message: str, code: int = FAILED) -> typer.Exit:
    typer.secho(f"keys: {message}", fg="red", err=True)
    return typer.Exit(code)
