"""Where the records of a span begin and end, and which of them are malformed.

Valid quotes are counted, all at once: every newline outside of them ends a record. Where a quote is not valid, the
recovery scan goes through the quotes one by one. The splitter and the reader both ask this module, so they always mean
the same records.
"""

from dataclasses import dataclass

import numpy as np

from shared.csv.dialect import Dialect
from shared.csv.structure.quote_positions import are_valid, find_positions, positions_of, without_escaped
from shared.csv.structure.recovery import MalformedSpan, RecoveryScan
from shared.csv.structure.scan import LONGEST_FIELD_BYTES

_LINE_FEED = ord("\n")


@dataclass(frozen=True, slots=True)
class Structure:
    """The structure of n records.

    `ends` (n, int64): the position after each record and its line end. `quotes`: those that open and close cells,
    alternately. `line_feeds` and `returns`: all of them, inside of quotes or not. `undecided`: the beginnings of
    records that later bytes might still change.
    """

    ends: np.ndarray
    quotes: np.ndarray
    line_feeds: np.ndarray
    returns: np.ndarray
    malformed: list[MalformedSpan]
    undecided: list[int]

    def is_outside(self, positions: np.ndarray) -> np.ndarray:
        """Which of these positions are outside of quotes."""
        return _are_outside(positions, self.quotes)


def find_structure(data: bytes, dialect: Dialect, fields: int, *, needs_recovery: bool = False) -> Structure:
    """Find the records of a span that begins with one. `fields`: how many each should have.

    `needs_recovery`: run the recovery scan even if all quotes look valid. A quote that is never closed seems to be
    closed by a quote of another record, which may look valid; but then a record of several lines has a wrong number of
    fields.
    """
    octets = np.frombuffer(data, np.uint8)
    positions = find_positions(octets, dialect)
    quotes, malformed, undecided = positions.quotes, list[MalformedSpan](), list[int]()
    if needs_recovery or not are_valid(octets, quotes, dialect.delimiter):
        scan = RecoveryScan(data, positions, dialect, fields)
        scan.run()
        quotes = np.array(scan.cells, dtype=np.int64).reshape(-1)
        malformed, undecided = scan.malformed, scan.undecided
    ends = _ends(positions.line_feeds, quotes, malformed, len(data))
    return Structure(ends, quotes, positions.line_feeds, positions.returns, malformed, undecided)


def is_valid(data: bytes | memoryview, dialect: Dialect, fields: int) -> bool:
    """Whether counting quotes is enough to know where these records end.

    It is if all quotes are valid and each record of several lines has the right number of fields.
    """
    octets = np.frombuffer(data, np.uint8)
    quote, delimiter = ord(dialect.quote), ord(dialect.delimiter)
    positions = positions_of(octets, (quote, _LINE_FEED, delimiter))
    kinds = octets[positions]
    is_quote, is_feed = kinds == quote, kinds == _LINE_FEED
    if dialect.is_escaped:
        is_quote[is_quote] = np.isin(
            positions[is_quote], without_escaped(octets, positions[is_quote]), assume_unique=True
        )
    if not are_valid(octets, positions[is_quote], dialect.delimiter):
        return False
    # Counts beyond 255 wrap around, which does not change their parity.
    is_inside = np.cumsum(is_quote, dtype=np.uint8) % 2 == 1
    in_cells = is_feed & is_inside
    if not in_cells.any():
        return True
    records = np.cumsum(is_feed & ~is_inside, dtype=np.int64)
    delimiters = np.bincount(records[(kinds == delimiter) & ~is_inside], minlength=int(records[-1]) + 1)
    return bool((delimiters[records[in_cells]] + 1 == fields).all())


def last_safe_end(data: bytes, dialect: Dialect, fields: int) -> int:
    """The end of the last record that no later byte can change; 0 if there is none.

    The data begins with a record and ends with a line; more of the file is still to come.
    """
    structure = find_structure(data, dialect, fields, needs_recovery=not is_valid(data, dialect, fields))
    undecided = [start for start in structure.undecided if len(data) - start <= 2 * LONGEST_FIELD_BYTES]
    undecided += [span.start for span in structure.malformed[-1:] if span.end == len(data)]
    ends = structure.ends[structure.ends <= min(undecided, default=len(data))]
    return int(ends[-1]) if len(ends) else 0


def _are_outside(positions: np.ndarray, quotes: np.ndarray) -> np.ndarray:
    outside: np.ndarray = np.searchsorted(quotes, positions) % 2 == 0
    return outside


def _ends(line_feeds: np.ndarray, quotes: np.ndarray, malformed: list[MalformedSpan], size: int) -> np.ndarray:
    outside = _are_outside(line_feeds, quotes)
    for span in malformed:
        begin, end = np.searchsorted(line_feeds, [span.start, span.end])
        outside[begin:end] = line_feeds[begin:end] == span.end - 1
    ends: np.ndarray = line_feeds[outside] + 1
    if size and (not len(ends) or ends[-1] < size):
        ends = np.append(ends, size)  # the last line of a file may have no line end
    return ends
