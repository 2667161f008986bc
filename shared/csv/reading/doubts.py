"""Valid records that may mean something else: what a file's dialect makes plain characters, another one would not."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from shared.csv.dialect import BACKSLASH, Dialect

_APOSTROPHE: Final = b"'"
# Characters that apostrophes may wrap, delimiters and line ends among them.
_MOST_WRAPPED: Final = 1000


def plain_backslashes(octets: np.ndarray, dialect: Dialect) -> np.ndarray:
    """Where a backslash, which escapes nothing in this dialect, precedes a character that others escape (int64)."""
    slashes = np.flatnonzero(octets[:-1] == ord(BACKSLASH))
    if dialect.is_escaped or not len(slashes):
        return slashes[:0]
    is_escapable = np.zeros(256, dtype=bool)
    is_escapable[[*f"{BACKSLASH}\"{dialect.delimiter}'\r\n".encode()]] = True
    found: np.ndarray = slashes[is_escapable[octets[slashes + 1]]]
    return found


def apostrophes(data: bytes, dialect: Dialect) -> np.ndarray:
    """Where a cell begins that is between apostrophes, which wrap no cell in this dialect (int64)."""
    border = re.escape(dialect.delimiter.encode())
    if (dialect.quoting and dialect.quote == _APOSTROPHE.decode()) or _APOSTROPHE not in data:
        return np.zeros(0, dtype=np.int64)
    pattern = rb"(?:(?<=[\n%b])|\A)'(?:[^'\\]|''|\\.){0,%d}+'(?=%b|\r|\n|\Z)" % (border, _MOST_WRAPPED, border)
    return np.array([match.start() for match in re.finditer(pattern, data, re.DOTALL)], dtype=np.int64)


def are_joined(records: Sequence[bytes], dialect: Dialect, header: Sequence[str]) -> np.ndarray:
    """Which records of several lines would be a record a line, if their quotes were plain characters (n, bool)."""
    delimiter, others = dialect.delimiter.encode(), len(header) - 1
    # The last column may be one that only a delimiter at the end of each record makes.
    wanted = {others, others - 1} if header[-1] == f"column_{others + 1}" else {others}
    found = [others > 0 and all(line.count(delimiter) in wanted for line in record.split(b"\n")) for record in records]
    return np.array(found, dtype=bool)
