"""Handles files with a space after each delimiter: `title, "a, b", 1999`.

We know no fast reader that takes a quote after such a space for one that opens a cell. So these spaces are removed
before the file is stored, and the spaces before other cells are trimmed from the values. Whether a quote opens a cell
depends only on the characters after it (doubled quotes, the end of the cell). No state is kept, so a malformed record
changes nothing elsewhere.
"""

import re
from functools import cache
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.csv.dialect import USUAL_DELIMITERS

_LEAST_DELIMITERS: Final = 2
_LONGEST_TAIL_BYTES: Final = 1024


def spaced_delimiter(text: bytes, lines: int) -> str | None:
    """The delimiter that is followed by a space wherever it occurs in one of the first lines."""
    for line in text.split(b"\n", lines)[:lines]:
        for delimiter in USUAL_DELIMITERS:
            count = line.count(delimiter.encode())
            if count >= _LEAST_DELIMITERS and line.count(f"{delimiter} ".encode()) == count:
                return delimiter
    return None


def is_spaced(header: bytes, delimiter: str) -> bool:
    """Whether the header could have had a space after each delimiter before it was `tightened`."""
    octet = delimiter.encode()
    return header.count(octet + b" ") + header.count(octet + b'"') == header.count(octet)


def tightened(text: bytes, delimiter: str) -> bytes:
    """The text without the spaces between a delimiter and a quote that opens a cell."""
    return _spaces(delimiter).sub(b"", text)


def trimmed(table: pa.Table, nulls: tuple[str, ...]) -> pa.Table:
    """The table without the spaces at the beginning of cells. A cell that then means null becomes null."""
    columns = []
    for column in table.columns:
        values = pc.utf8_ltrim(column, " ")
        columns.append(pc.if_else(pc.is_in(values, pa.array(nulls, pa.string())), pa.scalar(None, pa.string()), values))
    return pa.table(columns, names=table.column_names)


class Tightener:
    """Applies `tightened` to a text that comes in blocks."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self._held = b""

    def feed(self, block: bytes, *, at_end: bool) -> bytes:
        """Take the next block; return what is certain by now, or everything that is left if `at_end`."""
        text = self._held + block
        cut = len(text) if at_end else self._cut(text)
        self._held = text[cut:]
        return tightened(text[:cut], self._delimiter)

    def _cut(self, text: bytes) -> int:
        """Where to cut: before a last delimiter that only spaces, quotes and half a line end follow, or at the end."""
        last = text.rfind(self._delimiter.encode(), max(0, len(text) - _LONGEST_TAIL_BYTES))
        return last if last >= 0 and not text[last + 1 :].strip(b' "\r') else len(text)


@cache
def _spaces(delimiter: str) -> re.Pattern[bytes]:
    border = re.escape(delimiter.encode())
    opens = rb'"(?:"")*(?=[^"\r\n])(?!%b)' % border
    is_empty = rb'""(?:%b|\r?\n|\Z)' % border
    return re.compile(rb"(?<=%b) +(?=%b|%b)" % (border, opens, is_empty))
