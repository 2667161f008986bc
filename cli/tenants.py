"""`imdb-ingest tenants`: all tenants and their default files, directly in the database, because no client sees them."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import typer

from cli.client.api_client import Params
from cli.client.session import print_json
from cli.owner_database import owner_database, settings_of
from cli.rendering import render_lists, render_tenants
from cli.rendering.formatting import count, printable
from cli.sending.upload_parameters import NO_HEADER
from shared.csv.encodings.names import encoding_named
from shared.csv.unreadable import UnreadableFile
from shared.database.queries.tenants import all_tenants
from shared.errors import InvalidRequest
from shared.ingest.intake.default_files import ReadingOptions, remove_default_file, set_default_file


def list_all(data_dir: Path | None, *, as_json: bool) -> None:
    """Show all tenants that have uploads or a default file."""
    with owner_database("tenants", data_dir) as connection:
        items = [_document(row) for row in connection.execute(all_tenants())]
    if as_json:
        print_json({"items": items})
    else:
        render_lists.console().print(render_tenants.tenants({"items": items}))


def set_default(data_dir: Path | None, tenant: str, path: Path, filename: str | None, said: Params) -> None:
    """Make the file the tenant's default. `said`: how it is read, as parameters of an upload."""
    name, options = filename or path.name, _options(said)
    with owner_database("tenants", data_dir) as connection:
        try:
            with path.open("rb") as file:
                size_bytes = set_default_file(connection, settings_of(data_dir), tenant, name, file, options)
        except OSError as error:
            raise InvalidRequest(f"{printable(str(path))} cannot be read: {error.strerror or error}") from error
        except UnreadableFile as error:
            raise InvalidRequest(f"{printable(name)} cannot be loaded: {error.message}") from error
    typer.echo(f"{printable(name)} ({count(size_bytes)} bytes) is the default file of {tenant}.")


def remove_default(data_dir: Path | None, tenant: str) -> None:
    """The tenant has no default file any more."""
    with owner_database("tenants", data_dir) as connection:
        remove_default_file(connection, tenant)
    typer.echo(f"{printable(tenant)} has no default file any more. What was loaded from it stays.")


def _options(said: Params) -> ReadingOptions:
    """Raises `typer.BadParameter` for an encoding or a delimiter that cannot be."""
    encoding, delimiter = said["encoding"], said["delimiter"]
    if encoding is not None and encoding_named(str(encoding)) is None:
        raise typer.BadParameter(f"there is no encoding {encoding}", param_hint="--encoding")
    if delimiter not in (None, "tab") and len(str(delimiter)) != 1:
        raise typer.BadParameter("a delimiter is one character, or tab", param_hint="--delimiter")
    names = None if said["header"] is None else str(said["header"])
    mapping: dict[str, str | None] = json.loads(str(said["mapping"] or "{}"))
    return ReadingOptions(
        dataset=_text(said["dataset"]),
        member=_text(said["member"]),
        delimiter="\t" if delimiter == "tab" else _text(delimiter),
        quoting=None if said["quoting"] is None else bool(said["quoting"]),
        encoding=None if encoding is None else encoding_named(str(encoding)),
        header=None if names is None else () if names == NO_HEADER else tuple(names.split(",")),
        mapping={name: column or "" for name, column in mapping.items()},
        schema=json.loads(str(said["schema"] or "{}")),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _document(row: Any) -> dict[str, Any]:
    default = None
    if row.filename is not None:
        set_at: datetime = row.set_at
        default = {"filename": row.filename, "size_bytes": row.size_bytes, "set_at": set_at.isoformat()}
        default |= {"dataset": row.parameters.get("dataset"), "options": row.parameters}
    return {"name": row.name, "uploads": row.uploads, "rows": row.rows, "default_file": default}
