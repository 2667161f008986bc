"""Commands that show what the API has: uploads, their history and rejects, movies."""

from pathlib import Path
from typing import Annotated

import typer

from cli.choices import SortBy, SortOrder
from cli.client.api_client import Params
from cli.client.session import command_for, print_json, session, show, show_all
from cli.options import DEFAULT_API_URL, ApiUrl, AsJson, AsOf, Page, PageSize, Tenant, UploadId
from cli.rendering import render_lists, render_upload
from cli.sending.send import STDOUT, write_blocks, write_complete
from shared.database.state_machine import UploadState

app = typer.Typer()


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
    with session(api_url, tenant, as_json=as_json) as client:
        show(client.page("/uploads", params), render_lists.uploads, as_json=as_json)


@app.command("show")
def show_upload(
    *, upload_id: UploadId, as_json: AsJson = False, tenant: Tenant = None, api_url: ApiUrl = DEFAULT_API_URL
) -> None:
    """Show all of upload ID: state, record counts, warnings, its error and what to do, possible actions, history."""
    with session(api_url, tenant, as_json=as_json) as client:
        found = client.document(f"/uploads/{upload_id}", "id")
        events = client.page(f"/uploads/{upload_id}/history", {})
        if as_json:
            print_json({**found, "history": events["items"]})
        else:
            show_all(render_upload.details(found, events, command_for(client)))


@app.command()
def history(
    *, upload_id: UploadId, as_json: AsJson = False, tenant: Tenant = None, api_url: ApiUrl = DEFAULT_API_URL
) -> None:
    """Show the history of upload ID: each state and each incident, with time and reason."""
    with session(api_url, tenant, as_json=as_json) as client:
        show(client.page(f"/uploads/{upload_id}/history", {}), render_lists.history, as_json=as_json)


@app.command()
def duplicates(
    *,
    upload_id: UploadId,
    page: Page = 1,
    page_size: PageSize = 20,
    as_json: AsJson = False,
    tenant: Tenant = None,
    api_url: ApiUrl = DEFAULT_API_URL,
) -> None:
    """List the records of upload ID that were not loaded because an earlier record of the file has the same key."""
    with session(api_url, tenant, as_json=as_json) as client:
        found = client.page(f"/uploads/{upload_id}/duplicates", {"page": page, "page_size": page_size})
        show(found, render_lists.duplicates, as_json=as_json)


@app.command()
def changes(
    *,
    upload_id: UploadId,
    output: Annotated[
        Path | None,
        typer.Option(
            *("-o", "--output"),
            dir_okay=False,
            allow_dash=True,
            metavar="FILE",
            help="Write all changes to FILE: JSON lines if it ends with .jsonl, otherwise CSV; - is stdout.",
        ),
    ] = None,
    page_size: PageSize = 20,
    cursor: Annotated[str | None, typer.Option(help="next_cursor of an earlier page, to continue after it.")] = None,
    as_json: AsJson = False,
    tenant: Tenant = None,
    api_url: ApiUrl = DEFAULT_API_URL,
) -> None:
    """Show what upload ID has changed, or would change: records added, changed field by field, and removed."""
    path = f"/uploads/{upload_id}/changes"
    with session(api_url, tenant, as_json=as_json) as client:
        if output is None:
            show(client.page(path, {"page_size": page_size, "cursor": cursor}), render_lists.changes, as_json=as_json)
            return
        blocks = client.blocks(path, {"format": "jsonl" if output.suffix == ".jsonl" else "csv"})
        (write_blocks if output == STDOUT else write_complete)(blocks, output)


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
    with session(api_url, tenant, as_json=as_json) as client:
        if csv_file is not None:
            write_blocks(client.blocks(path, {**chosen, "format": "csv", "spreadsheet": spreadsheet or None}), csv_file)
            return
        answer = client.page(path, {**chosen, "page": page, "page_size": page_size})
        show(answer, render_lists.rejects, render_lists.summary, as_json=as_json)


@app.command()
def movies(
    *,
    year: Annotated[int | None, typer.Option(help="Only movies released in this year.")] = None,
    language: Annotated[
        str | None, typer.Option(help="Only movies with this original language, for example en.")
    ] = None,
    title: Annotated[
        str | None, typer.Option(help="Only movies whose titles have these words; the last one may be only begun.")
    ] = None,
    genre: Annotated[str | None, typer.Option(help="Only movies of this genre.")] = None,
    country: Annotated[str | None, typer.Option(help="Only movies from this country.")] = None,
    person: Annotated[
        str | None, typer.Option(metavar="ID", help="Only movies with a credit for this person, as nm0000485.")
    ] = None,
    title_type: Annotated[str | None, typer.Option(help="Only titles of this type, as movie or tvSeries.")] = None,
    min_votes: Annotated[int | None, typer.Option(min=1, help="Only movies with at least so many votes.")] = None,
    year_from: Annotated[int | None, typer.Option(help="Only movies of this year or later.")] = None,
    year_to: Annotated[int | None, typer.Option(help="Only movies of this year or before.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Only movies of this dataset.")] = None,
    upload: Annotated[str | None, typer.Option(metavar="ID", help="Only movies that came with this upload.")] = None,
    source_id: Annotated[
        str | None, typer.Option(metavar="ID", help="Only movies with this id in their source, as tt0017136.")
    ] = None,
    sort_by: Annotated[SortBy | None, typer.Option(help="Field to sort by; by default release_date.")] = None,
    sort_order: Annotated[SortOrder | None, typer.Option(help="Sort order; by default desc.")] = None,
    as_of: AsOf = None,
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
        "title": title,
        "genre": genre,
        "country": country,
        "person": person,
        "title_type": title_type,
        "min_votes": min_votes,
        "year_from": year_from,
        "year_to": year_to,
        "dataset": dataset,
        "upload": upload,
        "source_id": source_id,
        "sort_by": sort_by,
        "sort_order": sort_order,
        "as_of": as_of,
        "page": page,
        "page_size": page_size,
        "cursor": cursor,
    }
    with session(api_url, tenant, as_json=as_json) as client:
        show(client.page("/movies", params), render_lists.movies, as_json=as_json)
