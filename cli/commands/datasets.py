"""`datasets`: list and show what can be loaded; infer, declare, change and delete datasets of one's own."""

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from cli.client.session import print_json, session, show
from cli.options import DEFAULT_API_URL, ApiUrl, AsJson, Tenant
from cli.rendering import render_datasets
from cli.sending.files import InputFile
from cli.sending.upload_parameters import read_document

app = typer.Typer(help="List, show, infer, declare, change and delete datasets.", invoke_without_command=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The dataset's name, as `datasets` lists it.")]
Declaration = Annotated[
    Path,
    typer.Argument(
        metavar="FILE.json", help="A JSON object with name, schema (a Table Schema) and indexes, as `infer` writes it."
    ),
]


@app.callback()
def datasets(
    context: typer.Context, *, as_json: AsJson = False, tenant: Tenant = None, api_url: ApiUrl = DEFAULT_API_URL
) -> None:
    """List what can be loaded: the built-in datasets and those of the tenant."""
    if context.invoked_subcommand is None:
        with session(api_url, tenant, as_json=as_json) as client:
            show(client.page("/datasets", {}), render_datasets.datasets, as_json=as_json)


@app.command("show")
def show_dataset(
    *, name: Name, as_json: AsJson = False, tenant: Tenant = None, api_url: ApiUrl = DEFAULT_API_URL
) -> None:
    """Show the columns of dataset NAME with their rules, and its table."""
    with session(api_url, tenant, as_json=as_json) as client:
        show(client.document(_path(name), "name"), render_datasets.dataset, as_json=as_json)


@app.command()
def infer(
    *,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file whose beginning is read; - is stdin.")],
    filename: Annotated[str | None, typer.Option(help="The name of the file, for stdin.")] = None,
    name: Annotated[str | None, typer.Option(help="The name of the dataset, instead of that of the file.")] = None,
    tenant: Tenant = None,
    api_url: ApiUrl = DEFAULT_API_URL,
) -> None:
    """Write a declaration for files like FILE to stdout, as JSON: edit it, then `declare` it. Nothing is loaded."""
    with session(api_url, tenant, as_json=True) as client, InputFile.at(file, filename).opened() as opened:
        found = client.preview(opened, {})["declaration"]
        print_json({**found, "name": name, "title": name} if name else found)


@app.command()
def declare(
    *, file: Declaration, as_json: AsJson = False, tenant: Tenant = None, api_url: ApiUrl = DEFAULT_API_URL
) -> None:
    """Declare the dataset that FILE.json describes: files with its columns are recognised from now on."""
    with session(api_url, tenant, as_json=as_json) as client:
        found = client.send_document("POST", "/datasets", read_document(file), "name")
        show(found, render_datasets.dataset, as_json=as_json)


@app.command()
def change(
    *, file: Declaration, as_json: AsJson = False, tenant: Tenant = None, api_url: ApiUrl = DEFAULT_API_URL
) -> None:
    """Make FILE.json the next version of its dataset: it may add fields and indexes, widen types and constraints."""
    document = read_document(file)
    with session(api_url, tenant, as_json=as_json) as client:
        found = client.send_document("PUT", _path(str(document.get("name", ""))), document, "name")
        show(found, render_datasets.dataset, as_json=as_json)


@app.command()
def delete(
    *,
    name: Name,
    cascade: Annotated[bool, typer.Option("--cascade", help="Cancel and undo its uploads before.")] = False,
    tenant: Tenant = None,
    api_url: ApiUrl = DEFAULT_API_URL,
) -> None:
    """Delete dataset NAME with its table."""
    with session(api_url, tenant, as_json=False) as client:
        client.delete(_path(name), {"cascade": cascade})
        typer.echo(f"The dataset {name} is deleted.")


def preview(
    *,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file whose beginning is read; - is stdin.")],
    filename: Annotated[str | None, typer.Option(help="The name of the file, for stdin.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Read it as this dataset.")] = None,
    as_json: AsJson = False,
    tenant: Tenant = None,
    api_url: ApiUrl = DEFAULT_API_URL,
) -> None:
    """Show what FILE would become: its dialect, its dataset, the first rows and rejects. Nothing is loaded."""
    with session(api_url, tenant, as_json=as_json) as client, InputFile.at(file, filename).opened() as opened:
        show(client.preview(opened, {"dataset": dataset}), render_datasets.preview, as_json=as_json)


def _path(name: str) -> str:
    return f"/datasets/{quote(name, safe='')}"
