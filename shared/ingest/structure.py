"""Where the records of a span begin and end, and which of them are damaged.

Sound quotes are counted, all at once: outside of them each newline ends a record. Where a quote is not sound, the
quotes are walked through one by one, so that a stray one costs its own record and never its neighbours:

    literal         in the middle of an unquoted cell: text, no damage (11'09"01)
    stray           in a quoted cell, neither doubled nor at its end
    unterminated    what it opens is never closed, or only by the quote that opens another record's cell

A damaged record ends with its line if that has as many fields as it should; else before the next line at which a record
begins. Splitter and reader both ask here, so that they always mean the same records.
"""

import re
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from shared.ingest.dialect import Dialect
from shared.ingest.scan import LONGEST_FIELD_BYTES, line_end, scan_record

MOST_RECORD_LINES: Final = 1_000
_QUOTE, _LINE_FEED, _RETURN = b'"\n\r'
# Looked through at a time: a piece and its masks stay in a core's cache.
_CACHED_BYTES: Final = 128 * 1024


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes [start, end) that are no record; `field` counts from 0. `is_open`: no quote in these bytes closes it."""

    start: int
    end: int
    code: str
    field: int
    is_open: bool


@dataclass(frozen=True, slots=True)
class Structure:
    """Of n records: `ends` (n, int64) behind each with its line's end.

    `quotes` are those that open or close, in turns; `line_feeds` and `returns` are all, inside of quotes or not.
    """

    ends: np.ndarray
    quotes: np.ndarray
    line_feeds: np.ndarray
    returns: np.ndarray
    damages: list[Damage]

    def is_outside(self, positions: np.ndarray) -> np.ndarray:
        """Which of these positions are not inside of quotes."""
        return _are_outside(positions, self.quotes)


def find_structure(data: bytes, dialect: Dialect, fields: int, broken: frozenset[int] = frozenset()) -> Structure:
    """The records of a span that begins with one. `fields`: how many each should have.

    `broken`: where records begin that are known to be damaged though their quotes close.
    """
    octets = np.frombuffer(data, np.uint8)
    marks = _find_marks(octets)
    kinds = octets[marks]
    line_feeds, returns = marks[kinds == _LINE_FEED], marks[kinds == _RETURN]
    quotes = marks[kinds == _QUOTE] if dialect.quoting else marks[:0]
    damages: list[Damage] = []
    if broken or not _are_sound(octets, quotes, dialect.delimiter):
        walk = _Walk(data, quotes.tolist(), line_feeds, dialect, fields, broken)
        walk.run()
        quotes, damages = np.array(walk.cells, dtype=np.int64).reshape(-1), walk.damages
    return Structure(_ends(line_feeds, quotes, damages, len(data)), quotes, line_feeds, returns, damages)


def has_sound_quotes(data: bytes, dialect: Dialect) -> bool:
    """Whether each quote stands where one may: then their number tells what is inside of them."""
    octets = np.frombuffer(data, np.uint8)
    marks = _find_marks(octets)
    return _are_sound(octets, marks[octets[marks] == _QUOTE], dialect.delimiter)


def last_safe_end(data: bytes, dialect: Dialect, fields: int) -> int:
    """Where the last record ends that nothing that follows these bytes can change; 0 if there is none.

    The data begins with a record and ends with a line, while more of the file is still to come.
    """
    structure = find_structure(data, dialect, fields)
    undecided = [
        damage.start
        for damage in structure.damages
        if damage.end == len(data) or (damage.is_open and len(data) - damage.start <= 2 * LONGEST_FIELD_BYTES)
    ]
    ends = structure.ends[structure.ends <= min(undecided, default=len(data))]
    return int(ends[-1]) if len(ends) else 0


def _find_marks(octets: np.ndarray) -> np.ndarray:
    """Where quotes, line feeds and returns stand."""
    found = [np.zeros(0, dtype=np.int64)]
    for begin in range(0, len(octets), _CACHED_BYTES):
        part = octets[begin : begin + _CACHED_BYTES]
        found.append(np.flatnonzero((part == _QUOTE) | (part == _LINE_FEED) | (part == _RETURN)) + begin)
    return np.concatenate(found)


def _are_sound(octets: np.ndarray, quotes: np.ndarray, delimiter: str) -> bool:
    """Whether quotes open only at the beginning of a cell and close only at its end, as RFC 4180 has it."""
    if not len(quotes):
        return True
    if len(quotes) % 2:
        return False
    opening, closing = quotes[0::2], quotes[1::2]
    border = np.zeros(256, dtype=bool)
    border[[_LINE_FEED, ord(delimiter)]] = True
    # A doubled quote closes and opens again at once: its halves are neighbours and need no border.
    doubled = opening[1:] == closing[:-1] + 1
    opens = border[octets[opening - 1]]
    opens[0] |= opening[0] == 0
    opens[1:] |= doubled
    last = closing == len(octets) - 1
    following = np.where(last, 0, closing + 1)
    closes = border[octets[following]] | last
    closes[:-1] |= doubled
    # A return ends a cell only before a line feed, or at the end.
    returned = np.flatnonzero(octets[following] == _RETURN)
    behind = following[returned] + 1
    closes[returned] |= (behind == len(octets)) | (octets[np.minimum(behind, len(octets) - 1)] == _LINE_FEED)
    return bool(opens.all() and closes.all())


def _are_outside(positions: np.ndarray, quotes: np.ndarray) -> np.ndarray:
    outside: np.ndarray = np.searchsorted(quotes, positions) % 2 == 0
    return outside


def _ends(line_feeds: np.ndarray, quotes: np.ndarray, damages: list[Damage], size: int) -> np.ndarray:
    outside = _are_outside(line_feeds, quotes)
    for damage in damages:
        begin, end = np.searchsorted(line_feeds, [damage.start, damage.end])
        outside[begin:end] = line_feeds[begin:end] == damage.end - 1
    ends: np.ndarray = line_feeds[outside] + 1
    if size and (not len(ends) or ends[-1] < size):
        ends = np.append(ends, size)  # the last line of a file may have no end
    return ends


@lru_cache
def _line_patterns(delimiter: bytes) -> tuple[re.Pattern[bytes], re.Pattern[bytes], re.Pattern[bytes]]:
    """Of a line without its end: a quote that opens a cell, one that closes one, and a cell with stray quotes in it."""
    border = re.escape(delimiter)
    opening = re.compile(rb"(?:^|(?<=" + border + rb'))"(?!' + border + rb"|$)")
    closing = re.compile(rb"(?<!^)(?<!" + border + rb')"(?=' + border + rb"|$)")
    cell = re.compile(rb'"(?:[^"]|"(?!' + border + rb'|$))*"(?=' + border + rb"|$)|[^" + border + rb"]*")
    return opening, closing, cell


class _Walk:
    """Goes through the quotes one by one; `cells` are the quoted ones (opening, closing), `damages` the others."""

    def __init__(
        self,
        data: bytes,
        quotes: list[int],
        line_feeds: np.ndarray,
        dialect: Dialect,
        fields: int,
        broken: frozenset[int],
    ) -> None:
        self.cells: list[tuple[int, int]] = []
        self.damages: list[Damage] = []
        self._data = data
        self._quotes = quotes
        self._line_feeds = line_feeds
        self._dialect = dialect
        self._delimiter = dialect.delimiter.encode()
        self._fields = fields
        self._broken = broken
        # behind the last damage: nothing before it matters any more
        self._floor = 0
        # between these no record begins, and none's quoted cell ends
        self._barren_from = self._barren_to = 0

    def run(self) -> None:
        """Fill `cells` and `damages`."""
        borders = (_LINE_FEED, self._delimiter[0])
        data, quotes = self._data, self._quotes
        index = 0
        while index < len(quotes):
            opening = quotes[index]
            if opening and data[opening - 1] not in borders and opening != self._floor:
                index += 1  # literal
                continue
            closing_index, code = self._find_closing(index)
            closing = quotes[closing_index] if closing_index < len(quotes) else len(data)
            if code is None and not self._is_broken(opening, closing):
                self.cells.append((opening, closing))
                index = closing_index + 1
            else:
                self._note_damage(opening, closing, code or "unterminated_quote")
                index = bisect_left(quotes, self._floor)

    def _is_broken(self, opening: int, closing: int) -> bool:
        """Whether this cell is the one by which a record with a wrong number of fields swallows the next."""
        if not self._broken or b"\n" not in self._data[opening:closing]:
            return False
        start = self._record_start(opening)
        return start in self._broken and self._damage_end(start) <= closing

    def _find_closing(self, index: int) -> tuple[int, str | None]:
        """Index of the quote that closes, or should; and what is wrong with it."""
        data, quotes = self._data, self._quotes
        closing = index + 1
        while closing < len(quotes):
            place = quotes[closing] + 1
            if closing + 1 < len(quotes) and quotes[closing + 1] == place:
                closing += 2  # doubled
                continue
            following = data[place : place + 2]
            is_end = not following or following[:1] in (self._delimiter, b"\n") or following in (b"\r\n", b"\r")
            return closing, None if is_end else "stray_quote"
        return closing, "unterminated_quote"

    def _note_damage(self, opening: int, closing: int, code: str) -> None:
        start = self._record_start(opening)
        end = self._damage_end(start)
        if end <= closing:  # what would close it belongs to another record
            code = "unterminated_quote"
        while self.cells and self.cells[-1][0] >= start:
            self.cells.pop()
        field = len(_cells(self._data[start:opening], self._delimiter)) - 1 if opening > start else 0
        self.damages.append(Damage(start, end, code, field, is_open=closing == len(self._data)))
        self._floor = end

    def _record_start(self, position: int) -> int:
        """Behind the last newline before it that is outside of quotes."""
        cell = len(self.cells)
        while True:
            newline = self._data.rfind(b"\n", self._floor, position)
            while cell and self.cells[cell - 1][0] > newline:
                cell -= 1
            if newline < 0 or not cell or self.cells[cell - 1][1] < newline:
                return max(newline + 1, self._floor)
            position = self.cells[cell - 1][0]

    def _damage_end(self, start: int) -> int:
        first_end = line_end(self._data, start)
        first = self._line(start)
        if self._has_all_fields(first) and first.count(b'"') % 2 == 0:
            return first_end
        position, limit = first_end, self._lines_on(first_end)
        while position < limit:
            if self._barren_from <= position < self._barren_to:
                position = self._barren_to
                continue
            if self._is_start(position):
                is_gap_blank = not self._data[first_end:position].strip(b"\r\n")
                return first_end if is_gap_blank else position
            if self._balance(self._line(position)) < 0:
                return line_end(self._data, position)
            position = line_end(self._data, position)
        if position >= len(self._data):
            return len(self._data)
        # Whatever is damaged next need not look at these lines again.
        self._barren_from, self._barren_to = first_end, position
        return first_end

    def _lines_on(self, position: int) -> int:
        """Where the last line ends that a record could still have that has its second line here."""
        feeds = self._line_feeds
        last = int(np.searchsorted(feeds, position)) + MOST_RECORD_LINES - 2
        return int(feeds[last]) + 1 if last < len(feeds) else len(self._data)

    def _is_start(self, position: int) -> bool:
        """Whether a record begins here, sound or not: the end of another one's quoted cell looks like none."""
        line = self._line(position)
        if not line or self._balance(line) < 0:
            return False
        found = scan_record(self._data, position, self._dialect, self._fields).fields
        return (found is not None and len(found) == self._fields) or self._has_all_fields(line)

    def _has_all_fields(self, line: bytes) -> bool:
        return self._fields in (line.count(self._delimiter) + 1, len(_cells(line, self._delimiter)))

    def _balance(self, line: bytes) -> int:
        """How many more quotes open a cell than close one."""
        opening, closing, _ = _line_patterns(self._delimiter)
        return len(opening.findall(line)) - len(closing.findall(line))

    def _line(self, start: int) -> bytes:
        return self._data[start : line_end(self._data, start)].rstrip(b"\r\n")


def _cells(line: bytes, delimiter: bytes) -> list[bytes]:
    """The cells of a line as far as they can be told; quotes need not be sound."""
    _, _, cell = _line_patterns(delimiter)
    found: list[bytes] = []
    position = 0
    while True:
        match = cell.match(line, position)
        assert match is not None  # it matches the empty text
        found.append(match[0])
        position = match.end()
        if not line.startswith(delimiter, position):
            return found
        position += len(delimiter)
