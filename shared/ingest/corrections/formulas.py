"""Cells that a spreadsheet would compute: apostrophes make them text, and can be taken away exactly.

One goes in front of each piece of a cell that begins like a formula, behind any apostrophes, blanks and quotes that it
has already; so whatever begins with an apostrophe and then so has one too many. A piece begins where the cell does and
behind each character at which some program splits: one that splits at another one than the file is not inside of quotes
where we are. Not behind blanks: prose is full of " - ", and who splits at blanks gets words and no cells; nor behind
colons and the like, at which programs split only if they are told to.
"""

import re
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

# Delimiters that programs know by themselves, and line ends.
_BORDER: Final = ",;\\t|\\r\\n"
# = + - @ and their full-width forms; NUL, tab and line ends, which spreadsheets skip to compute what follows.
_FORMULA: Final = re.compile(rb"'*[ \"]*(?:[=+\-@\0\t\r\n]|\xef\xbc[\x8b\x8d\x9d\xa0])")
# Behind a tab or line end in the midst of a cell is a border of its own: texts of many lines stay as they are.
_PIECE: Final = re.compile(rb"([%b])(?='*[ \"]*(?:[=+\-@\0]|\xef\xbc[\x8b\x8d\x9d\xa0]))" % _BORDER.encode())

_BEGINNING: Final = "'*[ \"]*[=+\\-@\\x00\uff0b\uff0d\uff1d\uff20%s]"
_ESCAPED: Final = "^'(" + _BEGINNING % "\\t\\r\\n" + ")"
_ESCAPED_PIECE: Final = f"([{_BORDER}])'(" + _BEGINNING % "" + ")"


def escaped(cell: bytes) -> bytes:
    """The cell as text to any spreadsheet, UTF-8; inverse of `taken_back`."""
    front = b"'" if _FORMULA.match(cell) else b""
    return front + _PIECE.sub(rb"\1'", cell)


def taken_back(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Texts without what `escaped` put into them."""
    pieces = pc.replace_substring_regex(values, _ESCAPED_PIECE, r"\1\2")
    return pc.replace_substring_regex(pieces, _ESCAPED, r"\1")
