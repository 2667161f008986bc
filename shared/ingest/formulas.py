"""Cells that a spreadsheet would compute: an apostrophe in front makes them text, and can be taken away exactly.

An apostrophe goes in front of a cell that begins so, behind any apostrophes and blanks that it has already; so whatever
begins with an apostrophe and then so has one too many.
"""

import re
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

# = + - @ and their full-width forms; tab, line ends and NUL, which spreadsheets skip to compute what follows.
_COMPUTED: Final = re.compile(rb"'* *(?:[=+\-@\t\r\n\0]|\xef\xbc[\x8b\x8d\x9d\xa0])")
_ESCAPED: Final = "^'('* *[=+\\-@\t\r\n\uff0b\uff0d\uff1d\uff20])"


def is_computed(cell: bytes) -> bool:
    """Whether a spreadsheet might; UTF-8."""
    return _COMPUTED.match(cell) is not None


def escaped(cell: bytes) -> bytes:
    """The cell as text to any spreadsheet; inverse of `taken_back`."""
    return b"'" + cell if is_computed(cell) else cell


def taken_back(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Texts without what `escaped` put before them."""
    return pc.replace_substring_regex(values, _ESCAPED, r"\1")
