"""What a client may say about the text of its file, where the file itself does not tell."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

from api.errors import UnknownEncoding
from shared.ingest.encoding import ENCODINGS, encoding_named
from shared.ingest.sniff import Wanted


@dataclass(frozen=True)
class TextOptions:
    """Query parameters of every request that brings a file."""

    delimiter: Annotated[
        str | None,
        Query(
            pattern=r"^([^A-Za-z0-9\"'\\\r\n\x00\x80-\U0010ffff]|tab)$",
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

    def wanted(self, dataset: str | None) -> Wanted:
        """For the sniffer; raises `UnknownEncoding`."""
        encoding = None if self.encoding is None else encoding_named(self.encoding)
        if self.encoding is not None and encoding is None:
            raise UnknownEncoding("Files of this encoding cannot be read.", {"known": ENCODINGS})
        delimiter = "\t" if self.delimiter == "tab" else self.delimiter
        return Wanted(dataset, delimiter, self.quoting, encoding)
