"""`imdb-ingest keys`: who may use the API. They talk to the database: the first key cannot be asked of the API."""

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

app = typer.Typer(help="Make, list, rotate and revoke API keys.", no_args_is_help=True)

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", file_okay=False, help="Of an `imdb-ingest up` that runs; else DATABASE_URL is used."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `keys list` shows it.")]


@app.command()
def create(
    *,
    name: Annotated[str, typer.Option(help="Who will have it.")],
    tenant: Annotated[list[str], typer.Option(help="Whose data it opens; repeat it, the first is the default.")],
    scope: Annotated[list[Scope], typer.Option(help="What it is for; repeat it. admin includes the others.")],
    expires_days: Annotated[
        float | None, typer.Option(help="Its lifetime, at most 3,650 (ten years); for ever by default.")
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Make a key. It is shown this once."""
    with _database(data_dir) as connection:
        lifetime = None if expires_days is None else _span(expires_days, timedelta(days=1))
        new = administration.create(connection, name, tenant, [str(one) for one in scope], lifetime)
    _show_new(new, as_json=as_json)


@app.command("list")
def list_keys(*, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List all keys, those that have ended included."""
    with _database(data_dir) as connection:
        items = [_document(row._asdict()) for row in connection.execute(all_keys())]
    if as_json:
        _print_json({"items": items})
    else:
        render.console().print(render.keys({"items": items}))


@app.command()
def revoke(*, key_id: KeyId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """End key ID: the next request with it is refused."""
    with _database(data_dir) as connection:
        revoked_at = administration.revoke(connection, key_id)
    if as_json:
        _print_json(_document({"id": key_id, "revoked_at": revoked_at}))
    else:
        typer.echo(f"{key_id} is revoked since {revoked_at:%Y-%m-%d %H:%M:%S} UTC.")


@app.command()
def rotate(
    *,
    key_id: KeyId,
    overlap_hours: Annotated[float, typer.Option(help="How long the old key still works, at most 87,600.")] = 24,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Make a key that takes the place of key ID, with its name, tenants, scopes and expiry. It is shown this once."""
    with _database(data_dir) as connection:
        new = administration.rotate(connection, key_id, _span(overlap_hours, timedelta(hours=1)))
    _show_new(new, as_json=as_json)


@contextmanager
def _database(data_dir: Path | None) -> Iterator[Connection]:
    """A transaction; what can go wrong ends the process: one line on stderr, exit code 1, or 2 for what cannot be."""
    try:
        engine = create_sync_engine(_settings(data_dir), "ingest-keys")
        try:
            with engine.begin() as connection:
                yield connection
        finally:
            engine.dispose()
    except ValidationError as error:
        wrong = ", ".join(str(item["loc"][0]) for item in error.errors())
        raise _failed(f"settings: {wrong} missing or wrong (or name the --data-dir of `imdb-ingest up`)") from error
    except OperationalError as error:
        raise _failed(f"the database does not answer: {str(error.orig).strip()}") from error
    except ProgrammingError as error:
        raise _failed("the database has no table of keys: run `imdb-ingest migrate`") from error
    except InvalidRequest as error:
        is_wrong = not isinstance(error, NotFound | StateConflict)
        raise _failed(str(error), WRONG_USAGE if is_wrong else FAILED) from error
    except (IngestError, StackError) as error:
        raise _failed(str(error)) from error


def _span(count: float, unit: timedelta) -> timedelta:
    """So many units; the longest there is for more than that, which `administration` refuses. Raises `InvalidRequest`."""
    if math.isnan(count):
        raise InvalidRequest("nan is no span of time.")
    try:
        return count * unit
    except OverflowError:
        return timedelta.max if count > 0 else timedelta.min


def _settings(data_dir: Path | None) -> Settings:
    if data_dir is None:
        return Settings()
    return Settings(database_url=PostgresServer(data_dir / "postgres").running_url())


def _show_new(new: administration.NewKey, *, as_json: bool) -> None:
    """The key alone on stdout, so that a script can take it; the rest on stderr."""
    about = {"id": new.key.id, "name": new.name, "tenants": new.tenants, "scopes": new.scopes}
    times = {"created_at": new.created_at, "expires_at": new.expires_at, "replaces": new.replaces}
    if as_json:
        _print_json(_document({"key": new.key.text, **about, **times}))
        return
    typer.echo(new.key.text)
    typer.echo(f"This is key {new.key.id}, shown this once: keep it now. Nobody can look it up again.", err=True)


def _document(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def _print_json(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def _failed(message: str, code: int = FAILED) -> typer.Exit:
    typer.secho(f"keys: {message}", fg="red", err=True)
    return typer.Exit(code)
