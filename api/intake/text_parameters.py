"""What a client may say about the text of its file, where the file itself does not tell."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

from api.http_errors import UnknownEncoding
from shared.csv.encoding import ENCODINGS, encoding_named
from shared.csv.sniff import TextOptions


@dataclass(frozen=True)
class TextParameters:
    """Query parameters of every request that brings a file."""

    delimiter: Annotated[
        str | None,
        Query(
            # ASCII but for letters, digits, quotes, backslash, line ends and NUL, in words that every regex dialect has
            pattern=r"^([\x01-\x09\x0b\x0c\x0e-\x21\x23-\x26\x28-\x2f\x3a-\x40\x5b\x5d-\x60\x7b-\x7f]|tab)$",
            description="One character, or `tab`; by default the file tells, as it does for the next two.",
            examples=[";"],
        ),
    ] = None
    quoting: Annotated[
        bool | None, Query(description="Whether cells may be wrapped in quotes; false: a quote is a character.")
    ] = None
    encoding: Annotated[
        str | None, Query(max_length=63, description=f"One of {', '.join(ENCODINGS)}.", examples=["windows-1252"])
    ] = None

    @property
    def options(self) -> TextOptions:
        """For the sniffer; raises `UnknownEncoding`."""
        encoding = None if self.encoding is None else encoding_named(self.encoding)
        if self.encoding is not None and encoding is None:
            raise UnknownEncoding("Files of this encoding cannot be read.", {"known": ENCODINGS})
        delimiter = "\t" if self.delimiter == "tab" else self.delimiter
        return TextOptions(delimiter, self.quoting, encoding)
