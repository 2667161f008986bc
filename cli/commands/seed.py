"""`seed`: load files to begin with. It imports what it runs when it runs, as the commands of `local`."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import DEFAULT_API_URL, ApiUrl, AsJson, Tenant
from cli.upload_options import UseCelery

app = typer.Typer()


@app.command("seed")
def seed_tenant(
    *,
    pagila: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            metavar="DUMP",
            help="Load the tables of Pagila, too, out of its data as pg_dump writes it (pagila-data.sql).",
        ),
    ] = None,
    samples: Annotated[bool, typer.Option(help="Load the samples of films.")] = True,
    use_celery: UseCelery = False,
    as_json: AsJson = False,
    tenant: Tenant = None,
    api_url: ApiUrl = DEFAULT_API_URL,
) -> None:
    """Load a small database of films, and Pagila's tables as datasets of the tenant. What is there already stays.

    Exit code: 0 if everything is there now; 4 if an upload failed; 1 if a file was refused or the API does not answer.
    """
    from cli.seeding.commands import seed_tenant

    raise typer.Exit(seed_tenant(api_url, tenant, pagila, samples=samples, use_celery=use_celery, as_json=as_json))
