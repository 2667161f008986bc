"""Goes through quotes one by one where they are not all sound, so that damage stays in its own record.

    literal         in the middle of an unquoted cell: text, no damage (11'09"01)
    stray           in a quoted cell, neither doubled nor at its end
    unterminated    what it opens is never closed, or only by the quote that opens another record's cell

A damaged record ends with its line if that has as many fields as it should; else before the next line at which a record
begins.
"""

import re
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from shared.ingest.dialect import Dialect
from shared.ingest.marks import Marks
from shared.ingest.scan import line_end, scan_record

MOST_RECORD_LINES: Final = 1_000
_LINE_FEED: Final = ord("\n")


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes [start, end) that are no record; `field` counts from 0. `is_open`: no quote in these bytes closes it."""

    start: int
    end: int
    code: str
    field: int
    is_open: bool


@dataclass(frozen=True, slots=True)
class _Patterns:
    """Of a line without its end: a quote that opens a cell, one that closes one, and a cell, stray quotes included."""

    opening: re.Pattern[bytes]
    closing: re.Pattern[bytes]
    cell: re.Pattern[bytes]


@lru_cache
def _patterns(delimiter: bytes, quote: bytes, is_escaped: bool) -> _Patterns:
    border = re.escape(delimiter)
    unescaped = rb"(?<!\\)" if is_escaped else b""
    return _Patterns(
        opening=re.compile(rb"(?:^|(?<=%b))%b(?!%b|$)" % (border, quote, border)),
        closing=re.compile(rb"(?<!^)(?<!%b)%b%b(?=%b|$)" % (border, unescaped, quote, border)),
        cell=re.compile(
            rb"%(quote)b(?:[^%(quote)b]|%(quote)b(?!%(border)b|$))*%(quote)b(?=%(border)b|$)|[^%(border)b]*"
            % {b"quote": quote, b"border": border}
        ),
    )


class Walk:
    """`cells` are the quoted ones (opening, closing), `damages` the others."""

    def __init__(self, data: bytes, marks: Marks, dialect: Dialect, fields: int, broken: frozenset[int]) -> None:
        self.cells: list[tuple[int, int]] = []
        self.damages: list[Damage] = []
        self._data = data
        self._quotes: list[int] = marks.quotes.tolist()
        self._line_feeds = marks.line_feeds
        self._dialect = dialect
        self._delimiter = dialect.delimiter.encode()
        self._quote = dialect.quote.encode()
        self._patterns = _patterns(self._delimiter, self._quote, dialect.is_escaped)
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
        field = len(self._cells(self._data[start:opening])) - 1 if opening > start else 0
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
        if self._has_all_fields(first) and first.count(self._quote) % 2 == 0:
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
        return self._fields in (line.count(self._delimiter) + 1, len(self._cells(line)))

    def _balance(self, line: bytes) -> int:
        """How many more quotes open a cell than close one."""
        return len(self._patterns.opening.findall(line)) - len(self._patterns.closing.findall(line))

    def _line(self, start: int) -> bytes:
        return self._data[start : line_end(self._data, start)].rstrip(b"\r\n")

    def _cells(self, line: bytes) -> list[bytes]:
        """The cells of a line as far as they can be told; quotes need not be sound."""
        found: list[bytes] = []
        position = 0
        while True:
            match = self._patterns.cell.match(line, position)
            assert match is not None  # it matches the empty text
            found.append(match[0])
            position = match.end()
            if not line.startswith(self._delimiter, position):
                return found
            position += len(self._delimiter)
