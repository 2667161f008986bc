"""Files with a blank behind each delimiter: `title, "a, b", 1999`.

No reader that we know is fast and takes the quote behind the blank for one that opens a cell. So these blanks are
dropped before the file is stored; those before other cells are trimmed from the values. Whether a quote opens a cell is
told by what follows it, doubled ones and the cell's end: no state is kept, so that damage changes nothing elsewhere.
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
    """The delimiter that has a blank behind it wherever it stands in one of the first lines."""
    for line in text.split(b"\n", lines)[:lines]:
        for delimiter in USUAL_DELIMITERS:
            count = line.count(delimiter.encode())
            if count >= _LEAST_DELIMITERS and line.count(f"{delimiter} ".encode()) == count:
                return delimiter
    return None


def is_spaced(header: bytes, delimiter: str) -> bool:
    """Whether it could have had a blank behind each delimiter before it was `tightened`."""
    mark = delimiter.encode()
    return header.count(mark + b" ") + header.count(mark + b'"') == header.count(mark)


def tightened(text: bytes, delimiter: str) -> bytes:
    """Without the blanks between a delimiter and a quote that opens a cell."""
    return _blanks(delimiter).sub(b"", text)


def trimmed(table: pa.Table, nulls: tuple[str, ...]) -> pa.Table:
    """Without the blanks at the beginning of cells; what then means null becomes null."""
    columns = []
    for column in table.columns:
        values = pc.utf8_ltrim(column, " ")
        columns.append(pc.if_else(pc.is_in(values, pa.array(nulls, pa.string())), pa.scalar(None, pa.string()), values))
    return pa.table(columns, names=table.column_names)


class Tightener:
    """`tightened` for a text that comes in blocks."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self._held = b""

    def feed(self, block: bytes, *, at_end: bool) -> bytes:
        """The next bytes, as far as they can be told; at the end all of them."""
        text = self._held + block
        cut = len(text) if at_end else self._cut(text)
        self._held = text[cut:]
        return tightened(text[:cut], self._delimiter)

    def _cut(self, text: bytes) -> int:
        """Before a last delimiter behind which nothing but blanks, quotes and half a line end has come."""
        last = text.rfind(self._delimiter.encode(), max(0, len(text) - _LONGEST_TAIL_BYTES))
        return last if last >= 0 and not text[last + 1 :].strip(b' "\r') else len(text)


@cache
def _blanks(delimiter: str) -> re.Pattern[bytes]:
    mark = re.escape(delimiter.encode())
    opens = rb'"(?:"")*(?=[^"\r\n])(?!%b)' % mark
    is_empty = rb'""(?:%b|\r?\n|\Z)' % mark
    return re.compile(rb"(?<=%b) +(?=%b|%b)" % (mark, opens, is_empty))
