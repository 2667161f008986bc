"""Goes through quotes one by one where they are not all sound, so that damage stays in its own record.

    literal         in the middle of an unquoted cell: text, no damage (11'09"01)
    stray           in a quoted cell, neither doubled nor at its end
    unterminated    what it opens is never closed, or only by the quote that opens another record's cell: that may look
                    sound, but then the number of fields is not

A damaged record ends with its line if that has as many fields as it should; else before the next line at which a record
begins.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.csv.dialect import Dialect
from shared.csv.quote_positions import Positions
from shared.csv.scan import line_end, scan_record

MOST_RECORD_LINES: Final = 1_000
_LINE_FEED: Final = ord("\n")


@dataclass(frozen=True, slots=True)
class MalformedSpan:
    """Bytes [start, end) that are no record; `field` counts from 0."""

    start: int
    end: int
    code: str
    field: int


@dataclass(frozen=True, slots=True)
class _LinePatterns:
    """Of a line without its end: a quote that opens a cell, one that closes one, and one where a cell may end."""

    opening: re.Pattern[bytes]
    closing: re.Pattern[bytes]
    ending: re.Pattern[bytes]


@lru_cache
def _patterns(delimiter: bytes, quote: bytes, is_escaped: bool) -> _LinePatterns:
    border = re.escape(delimiter)
    unescaped = rb"(?<!\\)" if is_escaped else b""
    return _LinePatterns(
        opening=re.compile(rb"(?:^|(?<=%b))%b(?!%b|$)" % (border, quote, border)),
        closing=re.compile(rb"(?<!^)(?<!%b)%b%b(?=%b|$)" % (border, unescaped, quote, border)),
        ending=re.compile(rb"%b(?=%b|$)" % (quote, border)),
    )


class RecoveryScan:
    """`cells` are the quoted ones (opening, closing), `damages` the others.

    `undecided`: where records begin of which bytes that follow the data might say something else.
    """

    def __init__(self, data: bytes, positions: Positions, dialect: Dialect, fields: int) -> None:
        self.cells: list[tuple[int, int]] = []
        self.malformed: list[MalformedSpan] = []
        self.undecided: list[int] = []
        self._data = data
        self._quotes: list[int] = positions.quotes.tolist()
        self._line_feeds: list[int] = positions.line_feeds.tolist()
        self._dialect = dialect
        self._delimiter = dialect.delimiter.encode()
        self._quote = dialect.quote.encode()
        self._patterns = _patterns(self._delimiter, self._quote, dialect.is_escaped)
        self._fields = fields
        # behind the last damage: nothing before it matters any more
        self._floor = 0
        # Of where a damaged record's cells open: the quote that opens the last of them. What begins behind the damage
        # often goes on with the same cells, which are not looked for again.
        self._last_openings: dict[int, int] = {}
        # between these no record begins, and none's quoted cell ends
        self._barren_from = self._barren_to = 0

    def run(self) -> None:
        """Fill `cells` and `damages`."""
        index = self._next_opening(0)
        while index < len(self._quotes):
            index = self._next_opening(self._take_record(index))

    def _next_opening(self, index: int) -> int:
        """Of the quotes from this one on, the first that opens a cell; the others are literal."""
        data, quotes, borders = self._data, self._quotes, (_LINE_FEED, self._delimiter[0])
        while index < len(quotes) and quotes[index] and data[quotes[index] - 1] not in borders:
            index += 1
        return index

    def _take_record(self, index: int) -> int:
        """Note the cells or the damage of the record whose first quoted cell opens here; gives the next quote."""
        quotes = self._quotes
        start = max(self._data.rfind(b"\n", self._floor, quotes[index]) + 1, self._floor)
        cells, last = self._new_cells(index)
        closing, code = self._find_closing(last)
        if code is not None or self._is_suspect(start, quotes[closing]):
            record_end = len(self._data) if code is not None else line_end(self._data, quotes[closing])
            end = self._malformed_end(start, record_end)
            if code is not None or end < record_end:
                if closing >= len(quotes):
                    self.undecided.append(start)
                self._last_openings.update((opening, last) for opening, _ in cells)
                self._note_malformed(start, end, code, self._cells(index, last))
                return bisect_left(quotes, end)
        is_complete = cells and cells[-1][0] == quotes[last]
        self.cells.extend(cells if is_complete else self._cells(index, last))
        return closing + 1

    def _new_cells(self, index: int) -> tuple[list[tuple[int, int]], int]:
        """Of a record's cells from this quote on those that were not looked for before, and the last opening of all."""
        data, quotes = self._data, self._quotes
        found: list[tuple[int, int]] = []
        while (last := self._last_openings.get(quotes[index])) is None:
            closing, code = self._find_closing(index)
            if closing >= len(quotes):
                return [*found, (quotes[index], len(data))], index
            found.append((quotes[index], quotes[closing]))
            following = self._next_opening(closing + 1) if code is None else len(quotes)
            if following >= len(quotes) or data.find(b"\n", quotes[closing], quotes[following]) >= 0:
                return found, index  # the record ends
            index = following
        return found, last

    def _cells(self, index: int, last: int) -> Iterator[tuple[int, int]]:
        """Where a record's quoted cells open and close, from one opening quote to another."""
        quotes = self._quotes
        while True:
            closing, _ = self._find_closing(index)
            yield quotes[index], quotes[closing] if closing < len(quotes) else len(self._data)
            if index == last:
                return
            index = self._next_opening(closing + 1)

    def _is_suspect(self, start: int, closing: int) -> bool:
        """Whether this may be a record that swallows the next one by a quote that only seems to close a cell."""
        if self._data.find(b"\n", start, closing) < 0:
            return False
        if bisect_left(self._line_feeds, closing) - bisect_left(self._line_feeds, start) >= MOST_RECORD_LINES:
            return False
        found = scan_record(self._data, start, self._dialect, self._fields).fields
        return found is None or len(found) != self._fields

    def _find_closing(self, index: int) -> tuple[int, str | None]:
        """Index of the quote that closes, or should; and what is wrong with it."""
        data, quotes = self._data, self._quotes
        closing = index + 1
        while closing < len(quotes):
            location = quotes[closing] + 1
            if closing + 1 < len(quotes) and quotes[closing + 1] == location:
                closing += 2  # doubled
                continue
            following = data[location : location + 2]
            is_end = not following or following[:1] in (self._delimiter, b"\n") or following in (b"\r\n", b"\r")
            return closing, None if is_end else "stray_quote"
        return closing, "unterminated_quote"

    def _note_malformed(self, start: int, end: int, code: str | None, cells: Iterator[tuple[int, int]]) -> None:
        """Blame the cell that goes on behind the damage, for what would close it is another record's; else the last."""
        opening = closing = start
        for opening, closing in cells:  # noqa: B007  used below
            if closing >= end:
                break
        field = self._count_cells(self._data, start, opening) - 1 if opening > start else 0
        self.malformed.append(MalformedSpan(start, end, "unterminated_quote" if end <= closing else code or "", field))
        self._floor = end

    def _malformed_end(self, start: int, most: int) -> int:
        """Where the damage ends that begins here; `most`, if nothing says so before."""
        first_end = line_end(self._data, start)
        first = self._line(start)
        if self._has_all_fields(first) and first.count(self._quote) % 2 == 0:
            return first_end
        position, limit = first_end, min(self._lines_on(first_end), most)
        while position < limit:
            if self._barren_from <= position < self._barren_to:
                position = self._barren_to
                continue
            line, line_behind = self._line(position), line_end(self._data, position)
            if self._quote in line and self._balance(line) < 0:  # the end of a cell that opened before
                return line_behind
            if line and self._is_start(position, line, start):
                return first_end if self._is_blank(first_end, position) else position
            position = line_behind
        if position >= most:
            if most == len(self._data):
                self.undecided.append(start)
            return first_end if self._is_blank(first_end, most) else most
        # Whatever is damaged next need not look at these lines again.
        self._barren_from, self._barren_to = first_end, position
        return first_end

    def _lines_on(self, position: int) -> int:
        """Where the last line ends that a record could still have that has its second line here."""
        feeds = self._line_feeds
        last = bisect_left(feeds, position) + MOST_RECORD_LINES - 2
        return feeds[last] + 1 if last < len(feeds) else len(self._data)

    def _is_start(self, position: int, line: bytes, malformed_start: int) -> bool:
        """Whether a record begins here, sound or not: its line does not end a cell that opened before."""
        if line.startswith(self._quote + self._delimiter):  # as the last line of a quoted cell does
            return False
        if self._has_all_fields(line):
            return True
        if self._quote not in line:
            # A damaged record is one, too; and text has seldom nearly as many delimiters as a record.
            return 4 * abs(line.count(self._delimiter) + 1 - self._fields) <= self._fields
        record = scan_record(self._data, position, self._dialect, self._fields)
        if record.is_open:
            self.undecided.append(malformed_start)
        return record.fields is not None and len(record.fields) == self._fields

    def _is_blank(self, start: int, end: int) -> bool:
        return not self._data[start:end].strip(b"\r\n")

    def _has_all_fields(self, line: bytes) -> bool:
        if line.count(self._delimiter) + 1 == self._fields:
            return True
        return self._quote in line and self._count_cells(line) == self._fields

    def _balance(self, line: bytes) -> int:
        """How many more quotes open a cell than close one."""
        return len(self._patterns.opening.findall(line)) - len(self._patterns.closing.findall(line))

    def _line(self, start: int) -> bytes:
        return self._data[start : line_end(self._data, start)].rstrip(b"\r\n")

    def _count_cells(self, text: bytes, start: int = 0, end: int | None = None) -> int:
        """As far as they can be told, for quotes need not be sound: a cell goes on up to a quote at a cell's end.

        Counts no further than tells whether there are more than the right number.
        """
        end = len(text) if end is None else end
        count, position, may_end = 0, start, True
        while count <= self._fields:
            count += 1
            if may_end and text.startswith(self._quote, position, end):
                ending = self._patterns.ending.search(text, position + 1, end)
                may_end = ending is not None  # where none follows, none follows later
                position = ending.end() if ending else position
            position = text.find(self._delimiter, position, end) + 1
            if not position:
                break
        return count
