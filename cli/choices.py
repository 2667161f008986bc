"""The values of options and arguments, as the API names and checks them. (For states the CLI uses `UploadState`.)"""

from enum import StrEnum
from pathlib import Path

import typer

from shared.csv.compression.registry import codec_of
from shared.csv.unreadable import UnsupportedFile


class SortBy(StrEnum):
    """The fields by which movies can be sorted."""

    RELEASE_DATE = "release_date"
    VOTE_AVERAGE = "vote_average"


class SortOrder(StrEnum):
    """The sort order; movies without a value come last in both orders."""

    ASC = "asc"
    DESC = "desc"


class Scope(StrEnum):
    """The scopes of an API key."""

    READ = "read"
    UPLOAD = "upload"
    ADMIN = "admin"


def table_file(file: Path) -> Path:
    """The file, if its name is that of a table; raises `BadParameter` with what to do before anything is sent."""
    try:
        codec_of(file.name)
    except UnsupportedFile as error:
        raise typer.BadParameter(error.message) from error
    return file
