"""Options and arguments that several commands have."""

from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

import typer

DEFAULT_API_URL: Final = "http://127.0.0.1:8000"

ApiUrl = Annotated[str, typer.Option("--api-url", envvar="INGEST_API_URL", help="Address of the API.")]
Tenant = Annotated[
    str | None,
    typer.Option(
        "--tenant",
        help="Tenant of the uploads and movies; by default the first tenant of the key, without a key `public`.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
UploadId = Annotated[UUID, typer.Argument(metavar="ID", help="The upload's id.")]
Page = Annotated[int, typer.Option(min=1, help="Number of the page, from 1.")]
PageSize = Annotated[int, typer.Option(min=1, max=100, help="Lines per page.")]

AsOf = Annotated[
    str | None,
    typer.Option(metavar="TIME|ID", help="As it was at a time (2026-12-01T00:00:00Z), or just after upload ID."),
]

# of commands that send files
Wait = Annotated[bool, typer.Option("--wait", help="Wait until the records have been loaded.")]
Filename = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Send the file under this name, for example movies.csv; needed for stdin."),
]
Delimiter = Annotated[
    str | None, typer.Option(help="One character, or tab; by default it is recognised from the file.")
]
Quoting = Annotated[
    bool | None,
    typer.Option(
        "--quoting/--no-quoting",
        help="Whether cells may be wrapped in quotes; by default it is recognised from the file.",
    ),
]
Encoding = Annotated[
    str | None, typer.Option(help="For example windows-1252; by default it is recognised from the file.")
]
IdempotencyKey = Annotated[
    str | None,
    typer.Option(metavar="KEY", help="Repeat the command with the same KEY: the API makes only one upload of it."),
]

# of commands that work in the database
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        file_okay=False,
        help="The data directory of a running `imdb-ingest up`; without it, DATABASE_URL is used.",
    ),
]
