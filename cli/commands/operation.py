"""Commands of who operates the platform: `backup`, `restore`, `doctor`. Each imports what it runs when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.options import AsJson

app = typer.Typer()

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        file_okay=False,
        help="The data directory of `imdb-ingest up`, whose PostgreSQL is started for it if it does not run; without"
        " it, DATABASE_URL is used. Stored files are in INGEST_STORAGE_URL, or, if it is not set, in the directory.",
    ),
]
Jobs = Annotated[int, typer.Option(min=1, max=32, help="How many tables are copied at the same time.")]
Programs = Annotated[
    Path | None,
    typer.Option(
        exists=True, file_okay=False, help="The directory of pg_dump and pg_restore; by default they are looked for."
    ),
]


@app.command()
def backup(
    *,
    directory: Annotated[Path, typer.Argument(metavar="DIRECTORY", help="Where to; it must not exist yet.")],
    jobs: Jobs = 2,
    programs: Programs = None,
    data_dir: DataDir = None,
) -> None:
    """Back up the database and the stored files to DIRECTORY, while everything runs."""
    from cli.backup import commands

    commands.backup(directory, data_dir, jobs, programs)


@app.command()
def restore(
    *,
    directory: Annotated[Path, typer.Argument(metavar="DIRECTORY", exists=True, file_okay=False, help="A backup.")],
    replace: Annotated[bool, typer.Option("--replace", help="Drop what is in the database first.")] = False,
    jobs: Jobs = 2,
    programs: Programs = None,
    data_dir: DataDir = None,
) -> None:
    """Restore the backup in DIRECTORY, while no API and no worker runs."""
    from cli.backup import commands

    commands.restore(directory, data_dir, jobs, programs, replace=replace)


@app.command()
def doctor(*, as_json: AsJson = False, data_dir: options.DataDir = None) -> None:
    """Look for what is wrong: settings, versions, roles, locks, disk, clocks, workers, stored files.

    Ends with 1 if there is a problem, with 0 if there are only warnings. No secret is printed.
    """
    from cli.doctor import commands

    raise typer.Exit(commands.doctor(data_dir, as_json=as_json))
