"""Valid records that may mean something else: what a file's dialect makes plain characters, another one would not."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from shared.csv.dialect import BACKSLASH, Dialect

_APOSTROPHE: Final = "'"
# Characters that apostrophes may wrap, delimiters and line ends among them.
_MOST_WRAPPED: Final = 1000
_WRAPPED: Final = rb"'(?:[^'\\]|''|\\.){0,%d}+'" % _MOST_WRAPPED


def plain_backslashes(octets: np.ndarray, dialect: Dialect) -> np.ndarray:
    """Where a backslash, which escapes nothing in this dialect, precedes a character that others escape (int64)."""
    slashes = np.flatnonzero(octets[:-1] == ord(BACKSLASH))
    if dialect.is_escaped or not len(slashes):
        return slashes[:0]
    is_escapable = np.zeros(256, dtype=bool)
    is_escapable[[*f"{BACKSLASH}\"{dialect.delimiter}'\r\n".encode()]] = True
    found: np.ndarray = slashes[is_escapable[octets[slashes + 1]]]
    return found


def apostrophes(data: bytes, octets: np.ndarray, dialect: Dialect) -> np.ndarray:
    """Where a cell begins that is between apostrophes, which wrap no cell in this dialect (int64)."""
    if dialect.quoting and dialect.quote == _APOSTROPHE:
        return np.zeros(0, dtype=np.int64)
    found = np.flatnonzero(octets == ord(_APOSTROPHE))
    before = octets[found - 1]
    begins = found[(found == 0) | (before == ord("\n")) | (before == ord(dialect.delimiter))]
    ends = rb"(?=%b|\r|\n|\Z)" % re.escape(dialect.delimiter.encode())
    wrapped = re.compile(_WRAPPED + ends, re.DOTALL)
    return np.array([begin for begin in begins.tolist() if wrapped.match(data, begin)], dtype=np.int64)


def joined(data: bytes, records: np.ndarray, dialect: Dialect, header: Sequence[str]) -> np.ndarray:
    """Which records of several lines would be a record a line, if their quotes were plain characters (n, bool).

    `records` (n x 3, int64): the begin, the end and the number of lines of each.
    """
    delimiter, others = dialect.delimiter.encode(), len(header) - 1
    # The last column may be one that only a delimiter at the end of each record makes.
    wanted = {others, others - 1} if header[-1] == f"column_{others + 1}" else {others}
    least = max(min(wanted), 1)
    # first what nearly no record passes, and costs least
    found = [
        data.count(delimiter, begin, end) >= lines * least
        and all(line.count(delimiter) in wanted for line in data[begin:end].split(b"\n"))
        for begin, end, lines in records.tolist()
    ]
    return np.array(found, dtype=bool)
