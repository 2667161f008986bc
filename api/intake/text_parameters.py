"""How the client says that its file is written, if it does not want the sniffer to decide."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

from api.description.suggestions import unknown_name
from api.http_errors import UnknownEncoding
from shared.csv.encoding import ENCODINGS, encoding_named
from shared.csv.sniff import TextOptions


@dataclass(frozen=True)
class TextParameters:
    """Query parameters of every request with a file."""

    delimiter: Annotated[
        str | None,
        Query(
            # ASCII without letters, digits, quotes, backslash, line ends and NUL, written for every dialect of regexes
            pattern=r"^([\x01-\x09\x0b\x0c\x0e-\x21\x23-\x26\x28-\x2f\x3a-\x40\x5b\x5d-\x60\x7b-\x7f]|tab)$",
            description="One character, or `tab`. By default the service recognises it from the file.",
            examples=[";"],
        ),
    ] = None
    quoting: Annotated[
        bool | None,
        Query(
            description="Whether cells may be wrapped in quotes; if false, a quote is an ordinary character. By"
            " default the service recognises it from the file."
        ),
    ] = None
    encoding: Annotated[
        str | None,
        Query(
            max_length=63,
            description=f"One of {', '.join(ENCODINGS)}. By default the service recognises it.",
            examples=["windows-1252"],
        ),
    ] = None

    @property
    def options(self) -> TextOptions:
        """The options for the sniffer; raises `UnknownEncoding`."""
        encoding = None if self.encoding is None else encoding_named(self.encoding)
        if self.encoding is not None and encoding is None:
            raise unknown_name(UnknownEncoding, "The API cannot read the encoding", self.encoding, ENCODINGS)
        delimiter = "\t" if self.delimiter == "tab" else self.delimiter
        return TextOptions(delimiter, self.quoting, encoding)
