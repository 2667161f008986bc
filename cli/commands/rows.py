"""Commands that show the rows of a dataset: a page of them, or all as one file; and of those that refer to nothing."""

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from cli.client.api_client import Params
from cli.client.session import session, show
from cli.options import DEFAULT_API_URL, ApiUrl, AsJson, AsOf, PageSize, Tenant
from cli.rendering import render_lists
from cli.sending.send import STDOUT, write_blocks, write_complete
from shared.catalog.export_formats import ExportFormat

app = typer.Typer()

Dataset = Annotated[str, typer.Argument(help="Name of the dataset, for example title.basics.")]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where", metavar="FIELD=VALUE", help="A filter: year=1995, year__gte=1990, title__prefix=The; repeatable."
    ),
]
Sort = Annotated[str | None, typer.Option(help="Fields to sort by, for example -release_year,title.")]
Fields = Annotated[str | None, typer.Option(help="Only these fields, for example title,release_year.")]


@app.command()
def rows(
    *,
    dataset: Dataset,
    where: Where = None,
    sort: Sort = None,
    fields: Fields = None,
    as_of: AsOf = None,
    page_size: PageSize = 20,
    cursor: Annotated[str | None, typer.Option(help="next_cursor of an earlier page, to continue after it.")] = None,
    as_json: AsJson = False,
    tenant: Tenant = None,
    api_url: ApiUrl = DEFAULT_API_URL,
) -> None:
    """List the rows of a dataset, with the upload and the line that each came from."""
    params: Params = {**_chosen(where, sort, fields, as_of), "page_size": page_size, "cursor": cursor}
    with session(api_url, tenant, as_json=as_json) as client:
        show(client.page(_address(dataset, "rows"), params), render_lists.rows, as_json=as_json)


@app.command()
def export(
    *,
    dataset: Dataset,
    where: Where = None,
    sort: Sort = None,
    fields: Fields = None,
    as_of: AsOf = None,
    file_format: Annotated[
        ExportFormat | None,
        typer.Option("--format", help="Format of the file; by default what its name ends with, or csv."),
    ] = None,
    output: Annotated[
        Path,
        typer.Option(
            *("-o", "--output"),
            dir_okay=False,
            allow_dash=True,
            metavar="FILE",
            help="Write to FILE, which appears when it is complete; - is stdout.",
        ),
    ] = STDOUT,
    tenant: Tenant = None,
    api_url: ApiUrl = DEFAULT_API_URL,
) -> None:
    """Write all rows of a dataset as one file, as they are at one moment: now, or an earlier one."""
    ending = file_format or _format_of(output)
    with session(api_url, tenant, as_json=False) as client:
        blocks = client.blocks(_address(dataset, f"rows.{ending}"), _chosen(where, sort, fields, as_of))
        (write_blocks if output == STDOUT else write_complete)(blocks, output)


@app.command()
def references(
    *,
    dataset: Dataset,
    as_json: AsJson = False,
    tenant: Tenant = None,
    api_url: ApiUrl = DEFAULT_API_URL,
) -> None:
    """Count the rows of a dataset that refer to nothing: to a title or a person that no file has brought."""
    with session(api_url, tenant, as_json=as_json) as client:
        show(client.page(_address(dataset, "references"), {}), render_lists.references, as_json=as_json)


def _address(dataset: str, last: str) -> str:
    return f"/datasets/{quote(dataset, safe='')}/{last}"


def _format_of(file: Path) -> ExportFormat:
    ending = file.suffix.removeprefix(".").lower()
    return ExportFormat(ending) if ending in list(ExportFormat) else ExportFormat.CSV


def _chosen(where: list[str] | None, sort: str | None, fields: str | None, as_of: str | None) -> Params:
    filters = dict(_filter(text) for text in where or ())
    return {**filters, "sort": sort, "fields": fields, "as_of": as_of}


def _filter(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise typer.BadParameter(f"{text!r} is not FIELD=VALUE", param_hint="--where")
    return name, value
