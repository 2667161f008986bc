"""How a file's text is cut into cells."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Self

USUAL_DELIMITERS: Final = (",", "\t", ";", "|")
DELIMITERS: Final = (*USUAL_DELIMITERS, "^", "~", ":", " ")
QUOTES: Final = ('"', "'")
BACKSLASH: Final = "\\"


@dataclass(frozen=True, slots=True)
class Dialect:
    r"""What a file's text looks like; all but `encoding` and `bom` is told by its header and first records.

    `quoting`: cells may be wrapped in `quote`. `escape` is what stands before a quote that is meant as a character of a
    quoted cell: the quote itself (RFC 4180 doubles it), or a backslash. `nulls` are the cell texts that mean null.
    `newline` is \n, \r\n or \r; in a file of \r the two octets are exchanged before it is stored, and in its values
    back again, so that every line of what is stored ends with \n. `header_line` counts from 1; lines before it are no
    records. `skip_initial_space`: a blank behind each delimiter belongs to no cell.
    """

    delimiter: str
    quoting: bool
    quote: str = '"'
    escape: str = '"'
    nulls: tuple[str, ...] = ("",)
    newline: str = "\n"
    header_line: int = 1
    skip_initial_space: bool = False
    encoding: str = "utf-8"
    bom: bool = False

    def to_json(self) -> dict[str, Any]:
        """For the `uploads` row."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """From the `uploads` row; those of earlier versions know less of it."""
        known = {field.name for field in fields(cls)}
        values: dict[str, Any] = {name: value for name, value in stored.items() if name in known}
        if "nulls" in values:
            values["nulls"] = tuple(values["nulls"])
        return cls(**values)

    @property
    def is_escaped(self) -> bool:
        """Whether a backslash stands before quotes that are characters."""
        return self.quoting and self.escape == BACKSLASH

    @property
    def is_exchanged(self) -> bool:
        """Whether carriage returns and line feeds are exchanged in what is stored."""
        return self.newline == "\r"
