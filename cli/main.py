"""`imdb-ingest`: the commands and their options. Each command is a thin wrapper around a function of another module."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import RenderableType

from cli import keys, render
from cli.api_client import ApiClient, Params
from cli.choices import SortBy, SortOrder, table_file
from cli.client_errors import ClientError, Json
from cli.demo import run as run_demo
from cli.formatting import printable
from cli.migrate import run as run_migrations
from cli.progress import progress_view
from cli.sending import follow, send, write_blocks
from shared.csv.compression.registry import ENDINGS_IN_WORDS
from shared.database.state_machine import UploadState
from stack.supervisor import run as run_stack

FAILED = 1
INTERRUPTED = 130

app = typer.Typer(
    name="imdb-ingest",
    help="Load large movie files, see what became of every record, list the result.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)

app.add_typer(keys.app, name="keys")

ApiUrl = Annotated[str, typer.Option("--api-url", envvar="INGEST_API_URL", help="Address of the API.")]
Tenant = Annotated[
    str | None,
    typer.Option(
        "--tenant",
        help="Tenant of the uploads and movies; by default the first tenant of the key, without a key `public`.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until the records have been loaded.")]
UploadId = Annotated[UUID, typer.Argument(metavar="ID", help="The upload's id.")]
Delimiter = Annotated[
    str | None, typer.Option(help="One character, or tab; by default it is recognised from the file.")
]
Encoding = Annotated[
    str | None, typer.Option(help="For example windows-1252; by default it is recognised from the file.")
]
DataFile = Annotated[
    Path,
    typer.Argument(
        exists=True,
        dir_okay=False,
        readable=True,
        callback=table_file,
        help=f"A table: its name ends with {ENDINGS_IN_WORDS}.",
    ),
]
Member = Annotated[
    str | None, typer.Option(help="Whole name of the member of an archive to load; by default its only table.")
]
Page = Annotated[int, typer.Option(min=1, help="Number of the page, from 1.")]
PageSize = Annotated[int, typer.Option(min=1, max=100, help="Lines per page.")]
DEFAULT_API_URL = "http://127.0.0.1:8000"


@app.command()
def upload(
    *,
    file: DataFile,
    use_celery: Annotated[
        bool, typer.Option("--use-celery", help="Load with a Celery worker instead of the API's background loader.")
    ] = False,
    wait: Wait = False,
    as_json: AsJson = False,
    dataset: Annotated[
        str | None, typer.Option(help="Name of a dataset, for example movies; by default the header decides.")
    ] = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    member: Member = None,
    force: Annotated[
        bool, typer.Option("--force", help="Load the file even if an earlier upload has the same bytes.")
    ] = False,
    max_rejects: Annotated[
        str | None, typer.Option(metavar="COUNT|PERCENT%", help="Fail the upload if it has more rejected records.")
    ] = None,
    tenant: Tenant = None,
    api_url: ApiUrl = DEFAULT_API_URL,
) -> None:
    """Upload FILE.

    Exit code 0 means that the API has stored it, and with --wait that it is also completed.
    """
    params = Params(use_celery=use_celery, dataset=dataset, max_rejects=max_rejects, force=force or None)
    params |= {"delimiter": delimiter, "encoding": encoding, "member": member}
    _send("/upload", file, params, wait=wait, as_json=as_json, tenant=tenant, api_url=api_url)


@app.command()
def uploads(
    *,
    state: Annotated[UploadState | None, typer.Option(help="Only uploads in this state.")] = None,
    page: Page = 1,
    page_size: PageSize = 20,
    as_json: AsJson = False,
    tenant: Tenant = None,
    api_url: ApiUrl = DEFAULT_API_URL,
) -> None:
    """List uploads, newest first."""
    params: Params = {"state": state, "page": page, "page_size": page_size}
    with _session(api_url, tenant, as_json=as_json) as client:
        _show(client.page("/uploads", params), render.uploads, as_json=as_json)


@app.command()
def history(
    *, upload_id: UploadId, as_json: AsJson = False, tenant: Tenant = None, api_url: ApiUrl = DEFAULT_API_URL
) -> None:
    """Show the history of upload ID: each state and each incident, with time and reason."""
    with _session(api_url, tenant, as_json=as_json) as client:
        _show(client.page(f"/uploads/{upload_id}/history", {}), render.history, as_json=as_json)


@app.command()
def rejects(
    *,
    upload_id: UploadId,
    csv_file: Annotated[
        Path | None,
        typer.Option(
            "--csv",
            dir_okay=False,
            allow_dash=True,
            metavar="FILE",
            help="Write all rejected records to FILE, to correct them; - is stdout.",
        ),
    ] = None,
    spreadsheet: Annotated[
        bool,
        typer.Option(
            "--spreadsheet", help="With --csv: make the file safe for spreadsheets; `correct` reads it as it is."
        ),
    ] = False,
    column: Annotated[str | None, typer.Option(help="Only rejects of this column.")] = None,
    code: Annotated[str | None, typer.Option(help="Only rejects with this code.")] = None,
    page: Page = 1,
    page_size: PageSize = 50,
    as_json: AsJson = False,
    tenant: Tenant = None,
    api_url: ApiUrl = DEFAULT_API_URL,
) -> None:
    """Show the rejects of upload ID: line, column, rule, message, value and hint."""
    path, chosen = f"/uploads/{upload_id}/rejects", Params(column=column, code=code)
    with _session(api_url, tenant, as_json=as_json) as client:
        if csv_file is not None:
            write_blocks(client.blocks(path, {**chosen, "format": "csv", "spreadsheet": spreadsheet or None}), csv_file)
            return
        answer = client.page(path, {**chosen, "page": page, "page_size": page_size})
        _show(answer, render.rejects, render.summary, as_json=as_json)


@app.command()
def correct(
    *,
    upload_id: UploadId,
    file: DataFile,
    wait: Wait = False,
    as_json: AsJson = False,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    member: Member = None,
    tenant: Tenant = None,
    api_url: ApiUrl = DEFAULT_API_URL,
) -> None:
    """Send rejected records of upload ID back in FILE, corrected.

    Exit code 0 means that the API has stored the file, and with --wait that its upload is also completed.
    """
    path = f"/uploads/{upload_id}/rejects"
    params = Params(delimiter=delimiter, encoding=encoding, member=member)
    _send(path, file, params, wait=wait, as_json=as_json, tenant=tenant, api_url=api_url)


@app.command()
def movies(
    *,
    year: Annotated[int | None, typer.Option(help="Only movies released in this year.")] = None,
    language: Annotated[
        str | None, typer.Option(help="Only movies with this original language, for example en.")
    ] = None,
    sort_by: Annotated[SortBy | None, typer.Option(help="Field to sort by; by default release_date.")] = None,
    sort_order: Annotated[SortOrder | None, typer.Option(help="Sort order; by default desc.")] = None,
    page: Annotated[int | None, typer.Option(min=1, help="Number of the page, from 1.")] = None,
    page_size: PageSize = 20,
    cursor: Annotated[
        str | None, typer.Option(help="next_cursor of an earlier page, to continue after it; fast at any depth.")
    ] = None,
    as_json: AsJson = False,
    tenant: Tenant = None,
    api_url: ApiUrl = DEFAULT_API_URL,
) -> None:
    """List movies of completed uploads."""
    params: Params = {
        "release_year": year,
        "language": language,
        "sort_by": sort_by,
        "sort_order": sort_order,
        "page": page,
        "page_size": page_size,
        "cursor": cursor,
    }
    with _session(api_url, tenant, as_json=as_json) as client:
        _show(client.page("/movies", params), render.movies, as_json=as_json)


@app.command()
def cancel(
    *, upload_id: UploadId, as_json: AsJson = False, tenant: Tenant = None, api_url: ApiUrl = DEFAULT_API_URL
) -> None:
    """Cancel upload ID before it completes; none of its rows remain."""
    _act("cancel", upload_id, as_json=as_json, tenant=tenant, api_url=api_url)


@app.command()
def retry(
    *, upload_id: UploadId, as_json: AsJson = False, tenant: Tenant = None, api_url: ApiUrl = DEFAULT_API_URL
) -> None:
    """Load upload ID again after it failed or was cancelled."""
    _act("retry", upload_id, as_json=as_json, tenant=tenant, api_url=api_url)


@app.command()
def undo(
    *, upload_id: UploadId, as_json: AsJson = False, tenant: Tenant = None, api_url: ApiUrl = DEFAULT_API_URL
) -> None:
    """Remove all rows of the completed upload ID."""
    _act("undo", upload_id, as_json=as_json, tenant=tenant, api_url=api_url)


@app.command()
def migrate(
    *,
    to: Annotated[str, typer.Option(metavar="REV", help="The revision to upgrade to.")] = "head",
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL instead of running it; needs no database.")] = False,
) -> None:
    """Upgrade the schema of the database in DATABASE_URL."""
    raise typer.Exit(run_migrations(to, sql=sql))


@app.command()
def up(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the API.")] = 8000,
    data_dir: Annotated[Path, typer.Option(file_okay=False, help="Directory for all data.")] = Path("data"),
    flower_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of Flower.")] = 5555,
    flower: Annotated[bool, typer.Option(help="Run Flower, which shows queues and tasks.")] = True,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Number of processes of the Celery worker.")] = 2,
) -> None:
    """Run the whole stack on this machine until Ctrl-C: database, broker, API, Celery worker, Flower."""
    raise typer.Exit(run_stack(port, data_dir, flower_port if flower else None, concurrency))


@app.command()
def demo(
    file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A file to load instead of the sample.")
    ] = None,
) -> None:
    """Start everything, load the sample, show the result, then stop everything and remove its data."""
    raise typer.Exit(run_demo(file))


def _send(
    path: str, file: Path, params: Params, *, wait: bool, as_json: bool, tenant: str | None, api_url: str
) -> None:
    with (
        _session(api_url, tenant, as_json=as_json) as client,
        progress_view(render.console(stderr=True), silent=as_json) as view,
    ):
        sent = send(client, file, params, view, path)
        if wait:
            sent = follow(client, sent, view)
    _show(sent, render.counts, as_json=as_json)
    if wait and sent["state"] != UploadState.COMPLETED:
        raise typer.Exit(FAILED)


def _act(action: str, upload_id: UUID, *, as_json: bool, tenant: str | None, api_url: str) -> None:
    with _session(api_url, tenant, as_json=as_json) as client:
        _show(client.act(upload_id, action), render.counts, as_json=as_json)


@contextmanager
def _session(api_url: str, tenant: str | None, *, as_json: bool) -> Iterator[ApiClient]:
    """A client whose errors end the process with exit code 1: a message on stderr, with --json a document on stdout."""
    try:
        # from the environment and not from an option, because every user can read command lines
        with ApiClient(api_url, tenant, os.environ.get("INGEST_API_KEY")) as client:
            yield client
    except ClientError as error:
        if as_json:
            _print_json(error.document)
        typer.secho(printable(error.message), fg="red", err=True)
        raise typer.Exit(FAILED) from error
    except KeyboardInterrupt as error:
        typer.echo("Stopped watching. An upload that the API has stored will still be loaded.", err=True)
        raise typer.Exit(INTERRUPTED) from error


def _show(answer: Json, *views: Callable[[Json], RenderableType], as_json: bool) -> None:
    if as_json:
        _print_json(answer)
        return
    out = render.console()
    for view in views:
        out.print(view(answer))


def _print_json(document: Json) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


if __name__ == "__main__":
    app()
