"""Where the quotes, line feeds and carriage returns of a span are, and whether its quotes are valid."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from shared.csv.dialect import BACKSLASH, Dialect

_LINE_FEED, _RETURN = b"\n\r"
# How many bytes are searched at a time: a piece and its masks stay in the cache of a core.
_CACHED_BYTES: Final = 128 * 1024


@dataclass(frozen=True, slots=True)
class Positions:
    """Positions in order, int64. `quotes`: those that could open or close a cell; none without quoting."""

    quotes: np.ndarray
    line_feeds: np.ndarray
    returns: np.ndarray


def find_positions(octets: np.ndarray, dialect: Dialect) -> Positions:
    """Find the positions in a span that begins with a record."""
    quote = ord(dialect.quote)
    positions = positions_of(octets, (quote, _LINE_FEED, _RETURN))
    kinds = octets[positions]
    quotes = positions[kinds == quote] if dialect.quoting else positions[:0]
    if dialect.is_escaped:
        quotes = without_escaped(octets, quotes)
    return Positions(quotes, positions[kinds == _LINE_FEED], positions[kinds == _RETURN])


def positions_of(octets: np.ndarray, values: tuple[int, ...]) -> np.ndarray:
    """Where any of these octets is, int64 and in order."""
    found = [np.zeros(0, dtype=np.int64)]
    for begin in range(0, len(octets), _CACHED_BYTES):
        part = octets[begin : begin + _CACHED_BYTES]
        mask = part == values[0]
        for value in values[1:]:
            mask |= part == value
        found.append(np.flatnonzero(mask) + begin)
    return np.concatenate(found)


def are_valid(octets: np.ndarray, quotes: np.ndarray, delimiter: str) -> bool:
    """Whether quotes open only at the beginning of a cell and close only at its end, as RFC 4180 demands."""
    if not len(quotes):
        return True
    if len(quotes) % 2:
        return False
    opening, closing = quotes[0::2], quotes[1::2]
    border = np.zeros(256, dtype=bool)
    border[[_LINE_FEED, ord(delimiter)]] = True
    # A doubled quote closes the cell and opens it again at once: its halves are neighbours and need no border.
    doubled = opening[1:] == closing[:-1] + 1
    opens = border[octets[opening - 1]]
    opens[0] |= opening[0] == 0
    opens[1:] |= doubled
    last = closing == len(octets) - 1
    following = np.where(last, 0, closing + 1)
    closes = border[octets[following]] | last
    closes[:-1] |= doubled
    # A carriage return ends a cell only before a line feed, or at the end of the data.
    returned = np.flatnonzero(octets[following] == _RETURN)
    after = following[returned] + 1
    closes[returned] |= (after == len(octets)) | (octets[np.minimum(after, len(octets) - 1)] == _LINE_FEED)
    return bool(opens.all() and closes.all())


def without_escaped(octets: np.ndarray, quotes: np.ndarray) -> np.ndarray:
    """The quotes that an even number of backslashes precedes."""
    slashes = np.flatnonzero(octets == ord(BACKSLASH))
    if not len(slashes) or not len(quotes):
        return quotes
    begins = np.concatenate([[True], np.diff(slashes) != 1])
    run_starts = slashes[begins][np.cumsum(begins) - 1]
    nearest = np.maximum(np.searchsorted(slashes, quotes) - 1, 0)
    run_lengths = np.where(slashes[nearest] == quotes - 1, quotes - run_starts[nearest], 0)
    kept: np.ndarray = quotes[run_lengths % 2 == 0]
    return kept
