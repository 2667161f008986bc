"""How the client says that its file is written, if it does not want the sniffer to decide."""

from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

from fastapi import Query

from api.description.suggestions import unknown_name
from api.http_errors import UnknownEncoding
from shared.csv.encodings.names import EVERYDAY_ENCODINGS, encoding_named
from shared.csv.sniffing.sniff import TextOptions


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
            description="The encoding of the file: any name that Python's codecs know, such as"
            f" {', '.join(EVERYDAY_ENCODINGS)}. Takes precedence over the `charset` in the Content-Type of the raw body"
            " or of the form's part. By default the service recognises the encoding. It refuses the file if several"
            " would make text of it.",
            examples=["windows-1252"],
        ),
    ] = None

    def asked(self, named_encoding: str | None) -> dict[str, Any]:
        """What the request asks, for its fingerprint. `named_encoding` may come of a `charset`."""
        charset = named_encoding if self.encoding is None else None
        return asdict(self) | ({} if charset is None else {"charset": charset})

    @property
    def options(self) -> TextOptions:
        """The options for the sniffer; raises `UnknownEncoding`."""
        delimiter = "\t" if self.delimiter == "tab" else self.delimiter
        return TextOptions(delimiter, self.quoting, None if self.encoding is None else _encoding(self.encoding))


def with_charset(options: TextOptions, charset: str | None) -> TextOptions:
    """The options, and the encoding that a Content-Type names if they name none; raises `UnknownEncoding`."""
    if charset is None or options.encoding is not None:
        return options
    return replace(options, encoding=_encoding(charset))


def _encoding(name: str) -> str:
    encoding = encoding_named(name)
    if encoding is None:
        raise unknown_name(UnknownEncoding, "The API cannot read the encoding", name, EVERYDAY_ENCODINGS)
    return encoding
