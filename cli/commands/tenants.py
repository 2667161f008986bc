"""`tenants`: its commands. They import what they run when they run, as those of `local`."""

from pathlib import Path
from typing import Annotated

import typer

from cli.client.api_client import Params
from cli.options import AsJson, DataDir, Delimiter, Encoding, Filename, Quoting
from cli.sending.upload_parameters import table_parameters
from cli.upload_options import Dataset, DateFormat, Header, Mapping, Member, NoHeader, NullWords, SchemaFile

app = typer.Typer(help="List tenants, and set the file that each loads again.", invoke_without_command=True)

Name = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's name.")]


@app.callback()
def tenants(context: typer.Context, *, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List all tenants with their uploads, their rows, and their default files."""
    if context.invoked_subcommand is None:
        from cli import tenants as commands

        commands.list_all(data_dir, as_json=as_json)


@app.command("default-file")
def default_file(
    *,
    tenant: Name,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A table, plain or compressed.")
    ],
    filename: Filename = None,
    dataset: Dataset = None,
    mapping: Mapping = None,
    schema: SchemaFile = None,
    null: NullWords = None,
    date_format: DateFormat = None,
    header: Header = None,
    no_header: NoHeader = False,
    member: Member = None,
    delimiter: Delimiter = None,
    quoting: Quoting = None,
    encoding: Encoding = None,
    data_dir: DataDir = None,
) -> None:
    """Keep a copy of FILE in the storage: from now on `POST /api/v1/reload` of TENANT loads it.

    The options say how it is read, as those of `upload`. A file that could not be loaded is refused.
    """
    from cli import tenants as commands

    described = table_parameters(
        mapping=mapping or [],
        schema=schema,
        nulls=null or [],
        date_format=date_format,
        header=header,
        has_header=not no_header,
        member=member,
    )
    text: Params = {"dataset": dataset, "delimiter": delimiter, "quoting": quoting, "encoding": encoding}
    commands.set_default(data_dir, tenant, file, filename, text | described)


@app.command("remove-default-file")
def remove_default_file(*, tenant: Name, data_dir: DataDir = None) -> None:
    """Take the default file away from TENANT; what was loaded from it stays."""
    from cli import tenants as commands

    commands.remove_default(data_dir, tenant)
