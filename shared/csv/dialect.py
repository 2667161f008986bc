"""How the text of a file is divided into cells."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Self

USUAL_DELIMITERS: Final = (",", "\t", ";", "|")
DELIMITERS: Final = (*USUAL_DELIMITERS, "^", "~", ":", " ")
QUOTES: Final = ('"', "'")
BACKSLASH: Final = "\\"
DOUBLED_RETURNS: Final = "\r\r\n"


@dataclass(frozen=True, slots=True)
class Dialect:
    r"""How the text of a file is written; its header and first records show all but the encoding.

    `quoting`: cells may be wrapped in `quote`. `escape` precedes a quote that is a character of a quoted cell: it is
    the quote itself (RFC 4180 doubles it) or a backslash. `nulls` are the cell texts that mean null. `newline` is \n,
    \r\n, \r or \r\r\n. In a file with \r, \r and \n are exchanged before the file is stored, so that every stored line
    ends with \n; in the values they are exchanged back. In a file with \r\r\n, which is \r\n written twice as text, one
    \r is removed before it is stored. `header_line` counts from 1, and the lines before it are not records; 0: the file
    has no header. `paired_colons`: two colons stand between the cells in the file, and a tab, the `delimiter`, where it
    is stored. `skip_initial_space`: a space after a delimiter does not belong to the cell. `is_quoting_guessed`:
    the client did not say whether cells may be wrapped in quotes. `is_encoding_guessed`: the
    encoding was chosen by evidence in the text; neither the client nor a byte order mark, zeros or validity said it.
    """

    delimiter: str
    quoting: bool
    quote: str = '"'
    escape: str = '"'
    nulls: tuple[str, ...] = ("",)
    newline: str = "\n"
    header_line: int = 1
    skip_initial_space: bool = False
    paired_colons: bool = False
    encoding: str = "utf-8"
    bom: bool = False
    is_quoting_guessed: bool = False
    is_encoding_guessed: bool = False

    def to_json(self) -> dict[str, Any]:
        """For the `uploads` row."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """From the `uploads` row; rows of earlier versions lack some fields."""
        known = {field.name for field in fields(cls)}
        values: dict[str, Any] = {name: value for name, value in stored.items() if name in known}
        if "nulls" in values:
            values["nulls"] = tuple(values["nulls"])
        return cls(**values)

    @property
    def is_escaped(self) -> bool:
        """Whether a backslash precedes quotes that are characters of a cell."""
        return self.quoting and self.escape == BACKSLASH

    @property
    def has_doubled_returns(self) -> bool:
        """Whether a carriage return is removed from each line end of the stored file."""
        return self.newline == DOUBLED_RETURNS

    @property
    def is_exchanged(self) -> bool:
        """Whether carriage returns and line feeds are exchanged in the stored file."""
        return self.newline == "\r"
