"""Cells that a spreadsheet would compute: apostrophes turn them into text, and can be removed again exactly.

An apostrophe goes in front of each piece of a cell that begins like a formula, whatever apostrophes, spaces and quotes
precede the formula. So in an escaped cell, every piece that begins with an apostrophe and then like a formula has
exactly one apostrophe too many.

A piece begins where the cell does, and after each character at which some program splits cells, because our quotes do
not protect a cell from a program that splits at another delimiter. No piece begins after a space: prose is full of
dashes between spaces, and a program that splits at spaces gets words and not cells. No piece begins after colons and
the like, at which programs split only if the user says so.
"""

import re
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

# Delimiters that programs recognise by themselves, and line ends.
_BORDER: Final = ",;\\t|\\r\\n"
# = + - @ and their full-width forms; NUL, tab and line ends, which spreadsheets skip to compute what follows.
_FORMULA: Final = re.compile(rb"'*[ \"]*(?:[=+\-@\0\t\r\n]|\xef\xbc[\x8b\x8d\x9d\xa0])")
# Within a cell, tabs and line ends are borders themselves and begin no formula, so texts of many lines stay as they
# are.
_PIECE: Final = re.compile(rb"([%b])(?='*[ \"]*(?:[=+\-@\0]|\xef\xbc[\x8b\x8d\x9d\xa0]))" % _BORDER.encode())

_BEGINNING: Final = "'*[ \"]*[=+\\-@\\x00\uff0b\uff0d\uff1d\uff20%s]"
_ESCAPED: Final = "^'(" + _BEGINNING % "\\t\\r\\n" + ")"
_ESCAPED_PIECE: Final = f"([{_BORDER}])'(" + _BEGINNING % "" + ")"


def escaped(cell: bytes) -> bytes:
    """The cell as text for any spreadsheet, UTF-8; the inverse of `taken_back`."""
    front = b"'" if _FORMULA.match(cell) else b""
    return front + _PIECE.sub(rb"\1'", cell)


def taken_back(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """The texts without what `escaped` added."""
    pieces = pc.replace_substring_regex(values, _ESCAPED_PIECE, r"\1\2")
    return pc.replace_substring_regex(pieces, _ESCAPED, r"\1")
