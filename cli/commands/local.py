"""Commands that work on this machine: `up`, `demo`, `migrate`.

Each imports what it runs when it runs: the servers' libraries take several times as long to import as the rest of the
client, which answers each press of the Tab key.
"""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def migrate(
    *,
    to: Annotated[str, typer.Option(metavar="REV", help="The revision to upgrade to.")] = "head",
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL instead of running it; needs no database.")] = False,
) -> None:
    """Upgrade the schema of the database in DATABASE_URL."""
    from cli.migrate import run

    raise typer.Exit(run(to, sql=sql))


@app.command()
def up(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the API; 0 is any free one.")] = 8000,
    data_dir: Annotated[Path, typer.Option(file_okay=False, help="Directory for all data.")] = Path("data"),
    flower_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port of Flower; by default 5555, or another if that is in use."),
    ] = None,
    flower: Annotated[bool, typer.Option(help="Run Flower, which shows queues and tasks.")] = True,
    scheduler: Annotated[
        bool, typer.Option("--beat", help="Run Celery's beat, too. Sources are pulled by schedule without it.")
    ] = False,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Number of processes of the Celery worker.")] = 2,
) -> None:
    """Run the whole stack on this machine until Ctrl-C: database, broker, API, Celery worker, Flower.

    Ctrl-C stops all of it, also while it starts; a second Ctrl-C stops it at once.
    """
    from stack.supervisor import run

    raise typer.Exit(run(port, data_dir, flower_port, concurrency, flower=flower, scheduler=scheduler))


@app.command()
def demo(
    file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A file to load instead of the sample.")
    ] = None,
) -> None:
    """Start everything, load the sample, show the result, then stop everything and remove its data."""
    from cli.demo import run

    raise typer.Exit(run(file))
