"""The options of `upload`: what is sent, what becomes of it, and how it is read. Others are in `options`."""

from pathlib import Path
from typing import Annotated, Final

import typer

from cli.choices import OnError, WriteMode

_READING: Final = "How the file is read"

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...",
        help="Tables, directories of tables, patterns in quotes ('data/*.csv'), pipes, or - for stdin.",
        show_default=False,
    ),
]
Recursive = Annotated[
    bool, typer.Option("--recursive", "-r", help="Take the tables in subdirectories of a directory, too.")
]
UseCelery = Annotated[
    bool, typer.Option("--use-celery", help="Load with a Celery worker instead of the API's background loader.")
]
Force = Annotated[bool, typer.Option("--force", help="Load the file even if an earlier upload has the same bytes.")]
WhenRejected = Annotated[
    OnError | None,
    typer.Option(help="skip: load the other records; abort: the first rejected record fails the upload."),
]
MaxRejects = Annotated[
    str | None, typer.Option(metavar="COUNT|PERCENT%", help="Fail the upload if it has more rejected records.")
]
Mode = Annotated[
    WriteMode | None,
    typer.Option(
        help="append: add rows; replace: take the place of all rows of the dataset; upsert: of those with the same"
        " key. By default as the dataset says."
    ),
]
Plan = Annotated[
    bool,
    typer.Option("--plan", help="Load the file, count what it would change, and wait for `imdb-ingest apply`."),
]
Dataset = Annotated[
    str | None,
    typer.Option(
        help="Name of a dataset, for example movies (`imdb-ingest datasets`); by default the header decides.",
        rich_help_panel=_READING,
    ),
]
Mapping = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="HEADER=COLUMN",
        help="The column of the dataset that a name in the header stands for; repeatable.",
        rich_help_panel=_READING,
    ),
]
SchemaFile = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        metavar="FILE",
        help="A partial Table Schema as JSON: what differs from the dataset's.",
        rich_help_panel=_READING,
    ),
]
NullWords = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WORD", help="A cell with this word is null, as an empty one; repeatable.", rich_help_panel=_READING
    ),
]
DateFormat = Annotated[
    str | None,
    typer.Option(metavar="FORMAT", help="How dates are written, for example %d.%m.%Y.", rich_help_panel=_READING),
]
Header = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,...", help="The columns' names, for a file that has no header.", rich_help_panel=_READING
    ),
]
NoHeader = Annotated[
    bool, typer.Option("--no-header", help="The file has no header: its columns decide.", rich_help_panel=_READING)
]
Member = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The table of an archive that has several.", rich_help_panel=_READING),
]
