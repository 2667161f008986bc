"""The program `imdb-ingest`: all commands together, `--version`, and completion for shells."""

from importlib.metadata import version
from typing import Annotated

import typer

from cli.commands import (
    actions,
    admin,
    api_keys,
    datasets,
    local,
    merging,
    operation,
    read,
    rows,
    seed,
    sources,
    tenants,
    upload,
)

program = typer.Typer(
    name="imdb-ingest",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_show_locals=False,
)
for commands in (upload, read, rows, actions, local, operation, seed):
    program.add_typer(commands.app)
program.add_typer(datasets.app, name="datasets")
program.command()(datasets.preview)
program.add_typer(api_keys.app, name="keys")
program.add_typer(merging.app, name="merging")
program.add_typer(tenants.app, name="tenants")
program.add_typer(admin.app, name="admin")
program.add_typer(sources.app, name="sources")


def _print_version(*, is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"imdb-ingest {version('imdb-ingest')}")
        raise typer.Exit


@program.callback()
def about(
    *,
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Load large movie files, see what became of every record, list the result."""
