"""Where the records of a span begin and end, and which of them are damaged.

Sound quotes are counted, all at once: outside of them each newline ends a record. Where a quote is not sound, `walk`
goes through the quotes one by one. Splitter and reader both ask here, so that they always mean the same records.
"""

from dataclasses import dataclass

import numpy as np

from shared.csv.dialect import Dialect
from shared.csv.quote_positions import are_valid, find_positions, positions_of, without_escaped
from shared.csv.recovery import MalformedSpan, RecoveryScan
from shared.csv.scan import LONGEST_FIELD_BYTES

_LINE_FEED = ord("\n")


@dataclass(frozen=True, slots=True)
class Structure:
    """Of n records: `ends` (n, int64) behind each with its line's end.

    `quotes` are those that open or close, in turns; `line_feeds` and `returns` are all, inside of quotes or not.
    `undecided`: where records begin of which bytes that follow might say something else.
    """

    ends: np.ndarray
    quotes: np.ndarray
    line_feeds: np.ndarray
    returns: np.ndarray
    malformed: list[MalformedSpan]
    undecided: list[int]

    def is_outside(self, positions: np.ndarray) -> np.ndarray:
        """Which of these positions are not inside of quotes."""
        return _are_outside(positions, self.quotes)


def find_structure(data: bytes, dialect: Dialect, fields: int, *, is_suspect: bool = False) -> Structure:
    """The records of a span that begins with one. `fields`: how many each should have.

    `is_suspect`: quotes that look sound are none, because a record of several lines has a wrong number of fields. A
    quote may be closed by that of another record, in a way that looks sound.
    """
    octets = np.frombuffer(data, np.uint8)
    positions = find_positions(octets, dialect)
    quotes, malformed, undecided = positions.quotes, list[MalformedSpan](), list[int]()
    if is_suspect or not are_valid(octets, quotes, dialect.delimiter):
        scan = RecoveryScan(data, positions, dialect, fields)
        scan.run()
        quotes = np.array(scan.cells, dtype=np.int64).reshape(-1)
        malformed, undecided = scan.malformed, scan.undecided
    ends = _ends(positions.line_feeds, quotes, malformed, len(data))
    return Structure(ends, quotes, positions.line_feeds, positions.returns, malformed, undecided)


def is_valid(data: bytes | memoryview, dialect: Dialect, fields: int) -> bool:
    """Whether the number of quotes tells where these records end.

    All of them are sound, and each record of several lines has as many fields as it should.
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
    is_inside = np.cumsum(is_quote, dtype=np.uint8) % 2 == 1  # counts beyond 255 begin anew, and stay odd or even
    in_cells = is_feed & is_inside
    if not in_cells.any():
        return True
    records = np.cumsum(is_feed & ~is_inside, dtype=np.int64)
    delimiters = np.bincount(records[(kinds == delimiter) & ~is_inside], minlength=int(records[-1]) + 1)
    return bool((delimiters[records[in_cells]] + 1 == fields).all())


def last_safe_end(data: bytes, dialect: Dialect, fields: int) -> int:
    """Where the last record ends that nothing that follows these bytes can change; 0 if there is none.

    The data begins with a record and ends with a line, while more of the file is still to come.
    """
    structure = find_structure(data, dialect, fields, is_suspect=not is_valid(data, dialect, fields))
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
        ends = np.append(ends, size)  # the last line of a file may have no end
    return ends
