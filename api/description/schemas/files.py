"""What the service has recognised in a file."""

from typing import Literal

from pydantic import BaseModel, Field


class Dialect(BaseModel):
    """How the file is written, as the service recognised it or the client stated it."""

    delimiter: str = Field(examples=[","])
    quoting: bool = Field(description="Whether cells may be wrapped in quotes.")
    quote: str = Field(examples=['"'])
    escape: str = Field(description="The character before a quote inside a quoted cell: a quote or a backslash.")
    nulls: list[str] = Field(description="Cell texts that mean null.", examples=[["", "\\N"]])
    newline: Literal["\n", "\r\n", "\r", "\r\r\n"]
    header_line: int = Field(
        description="Line of the header, from 1; earlier lines are skipped. 0: the file has no header.", examples=[1]
    )
    skip_initial_space: bool = Field(description="Whether the space after each delimiter is not part of the cell.")
    paired_colons: bool = Field(
        default=False, description="Whether two colons stand in the file where `delimiter` says a tab."
    )
    encoding: str = Field(examples=["utf-8"])
    bom: bool = Field(description="Whether the file begins with a byte order mark.")
    is_quoting_guessed: bool = Field(description="Whether the service recognised `quoting`.")
    is_encoding_guessed: bool = Field(
        default=False,
        description="Whether evidence in the text was all that showed the encoding: neither the client nor a byte order"
        " mark said it, and the text is not valid UTF-8.",
    )


class Columns(BaseModel):
    """Which columns of the file feed the dataset."""

    mapped: dict[str, str] = Field(
        description="Name in the file's header, and name of the dataset's column that it feeds.",
        examples=[{"movie_title": "title"}],
    )
    missing: list[str] = Field(description="The dataset's columns that the file lacks: null in each of its movies.")
    extra: list[str] = Field(description="Names in the header whose text is kept in each movie's `extra`.")


class LineRange(BaseModel):
    """Lines `line` to `to_line` of the file, counted from 1."""

    line: int
    to_line: int


class FileWarning(BaseModel):
    """Something to know about a file that the service could load."""

    code: str = Field(examples=["blank_lines"])
    message: str
    count: int = Field(description="How often it occurs.", examples=[3])
    locations: list[LineRange] = Field(description="The first of its locations.")
