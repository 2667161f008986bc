"""Goes through quotes one by one where they are not all valid, so that a malformed record changes no other record.

    literal         within an unquoted cell: plain text, and the record is valid (11'09"01)
    stray           within a quoted cell, neither doubled nor at its end
    unterminated    the cell that it opens is never closed, or only by the quote that opens a cell of another record.
                    That may look valid, but then the number of fields is wrong.

A malformed record ends with its first line if that has the right number of fields; otherwise it ends before the next
line at which a record begins.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.csv.dialect import Dialect
from shared.csv.structure.quote_positions import Positions
from shared.csv.structure.scan import line_end, scan_record

MOST_RECORD_LINES: Final = 1_000
_LINE_FEED: Final = ord("\n")


@dataclass(frozen=True, slots=True)
class MalformedSpan:
    """Bytes [start, end) that form a malformed record; `field` counts from 0."""

    start: int
    end: int
    code: str
    field: int


@dataclass(frozen=True, slots=True)
class _LinePatterns:
    """For a line without its end: a quote that opens a cell, one that closes a cell, and one where a cell may end."""

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
    """Finds the quoted cells and the malformed records of a span.

    `cells`: the opening and the closing quote of each quoted cell of the other records. `undecided`: the beginnings of
    records that bytes after the data might still change.
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
        # The end of the last malformed span: nothing before it matters any more.
        self._floor = 0
        # For each quoted cell of a malformed record: the position of the quote that opens it -> the index of the quote
        # that opens the last cell of that record. What follows the malformed span often goes on with the same cells,
        # and they need not be searched again.
        self._last_openings: dict[int, int] = {}
        # Between these positions no record begins, and no quoted cell of a malformed record ends.
        self._barren_from = self._barren_to = 0

    def run(self) -> None:
        """Fill `cells`, `malformed` and `undecided`."""
        index = self._next_opening(0)
        while index < len(self._quotes):
            index = self._next_opening(self._take_record(index))

    def _next_opening(self, index: int) -> int:
        """The index of the first quote from this one on that opens a cell; the quotes before it are literal."""
        data, quotes, borders = self._data, self._quotes, (_LINE_FEED, self._delimiter[0])
        while index < len(quotes) and quotes[index] and data[quotes[index] - 1] not in borders:
            index += 1
        return index

    def _take_record(self, first: int) -> int:
        """Note a record's quoted cells, or that it is malformed; return the index of the next quote to look at.

        `first` is the index of the quote that opens the first quoted cell of the record:

            862,Toy Story,"animation, comedy",1995,"a cowboy doll"
            ^ start       ^ first                  ^ last        ^ closing
        """
        quotes = self._quotes
        start = max(self._data.rfind(b"\n", self._floor, quotes[first]) + 1, self._floor)
        new_cells, last = self._new_cells(first)
        closing, code = self._find_closing(last)
        end = self._end_if_malformed(start, closing, code)
        if end is None:
            is_complete = new_cells and new_cells[-1][0] == quotes[last]
            self.cells.extend(new_cells if is_complete else self._cells(first, last))
            return closing + 1
        if closing >= len(quotes):
            self.undecided.append(start)
        self._last_openings.update((opening, last) for opening, _ in new_cells)
        self._note_malformed(start, end, code, self._cells(first, last))
        return bisect_left(quotes, end)

    def _end_if_malformed(self, start: int, closing: int, code: str | None) -> int | None:
        """Where the record ends if it is malformed; None if it is valid.

        `closing`: index of the quote that closes its last quoted cell, or should; `code`: what is wrong with it.
        """
        if code is not None:
            return self._malformed_end(start, len(self._data))
        if not self._may_swallow_next(start, self._quotes[closing]):
            return None
        # It is malformed if a record begins before its own end.
        record_end = line_end(self._data, self._quotes[closing])
        end = self._malformed_end(start, record_end)
        return end if end < record_end else None

    def _new_cells(self, index: int) -> tuple[list[tuple[int, int]], int]:
        """Find the record's quoted cells from this quote on, up to the first one that an earlier search has seen.

        Returns the cells (opening, closing), and the index of the quote that opens the last cell of the record.
        """
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
        """The record's quoted cells (opening, closing) from one opening quote to another, both given by index."""
        quotes = self._quotes
        while True:
            closing, _ = self._find_closing(index)
            yield quotes[index], quotes[closing] if closing < len(quotes) else len(self._data)
            if index == last:
                return
            index = self._next_opening(closing + 1)

    def _may_swallow_next(self, start: int, closing: int) -> bool:
        """Whether this may be a record that swallows the next one, because a quote only seems to close a cell."""
        if self._data.find(b"\n", start, closing) < 0:
            return False
        if bisect_left(self._line_feeds, closing) - bisect_left(self._line_feeds, start) >= MOST_RECORD_LINES:
            return False
        found = scan_record(self._data, start, self._dialect, self._fields).fields
        return found is None or len(found) != self._fields

    def _find_closing(self, index: int) -> tuple[int, str | None]:
        """The index of the quote that closes the cell, or should close it, and the code of what is wrong with it."""
        data, quotes = self._data, self._quotes
        closing = index + 1
        while closing < len(quotes):
            after = quotes[closing] + 1
            if closing + 1 < len(quotes) and quotes[closing + 1] == after:
                closing += 2  # doubled
                continue
            while data.startswith(b"\r", after):  # a line end may have several carriage returns
                after += 1
            is_end = after == len(data) or data.startswith((self._delimiter, b"\n"), after)
            return closing, None if is_end else "stray_quote"
        return closing, "unterminated_quote"

    def _note_malformed(self, start: int, end: int, code: str | None, cells: Iterator[tuple[int, int]]) -> None:
        """Note a malformed span and the field that is to blame for it.

        That is the cell that goes on after the span, because a quote of another record would close it; otherwise the
        last cell.
        """
        opening = closing = start
        for opening, closing in cells:  # noqa: B007  used below
            if closing >= end:
                break
        field = self._count_cells(self._data, start, opening) - 1 if opening > start else 0
        self.malformed.append(MalformedSpan(start, end, "unterminated_quote" if end <= closing else code or "", field))
        self._floor = end

    def _malformed_end(self, start: int, most: int) -> int:
        """Where the malformed record that begins at `start` ends; `most` if no line before it shows an end.

        The first line is the whole record if it has all fields and an even number of quotes. Otherwise the lines after
        it decide:

            7,"a "stray" quote        the malformed record begins
            more of the cell          shows nothing: the search goes on
            its last line",1995       closes a cell that an earlier line opened: the record ends after this line
            8,"another one",1996      begins a record: the record ends before this line, if it has not ended already

        If as many lines as a record can have show nothing, the malformed record is only its first line.
        """
        first_line, first_end = self._line(start), line_end(self._data, start)
        if self._has_all_fields(first_line) and first_line.count(self._quote) % 2 == 0:
            return first_end
        limit = min(self._last_line_end(first_end), most)
        position, is_end = self._search_end(start, first_end, limit)
        if not is_end:
            if position < most:
                self._barren_from, self._barren_to = first_end, position
                return first_end
            if most == len(self._data):
                self.undecided.append(start)
            position = most
        return first_end if self._is_blank(first_end, position) else position

    def _search_end(self, start: int, position: int, limit: int) -> tuple[int, bool]:
        """Go through the lines from `position` up to `limit` until one shows where the malformed record ends.

        Returns that end and True, or the position up to which no line shows it and False.
        """
        while position < limit:
            if self._barren_from <= position < self._barren_to:
                position = self._barren_to
                continue
            line, next_line = self._line(position), line_end(self._data, position)
            if self._quote in line and self._balance(line) < 0:
                return next_line, True
            if line and self._begins_record(position, line, start):
                return position, True
            position = next_line
        return position, False

    def _last_line_end(self, position: int) -> int:
        """The end of the last line that a record can have whose second line begins at `position`."""
        feeds = self._line_feeds
        last = bisect_left(feeds, position) + MOST_RECORD_LINES - 2
        return feeds[last] + 1 if last < len(feeds) else len(self._data)

    def _begins_record(self, position: int, line: bytes, malformed_start: int) -> bool:
        """Whether a valid or malformed record begins at this line, as opposed to a line within a quoted cell."""
        if line.startswith(self._quote + self._delimiter):  # like the last line of a quoted cell
            return False
        if self._has_all_fields(line):
            return True
        if self._quote not in line:
            # A malformed record counts, too, and text seldom has nearly as many delimiters as a record.
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
        """How many more quotes open a cell than close one in this line."""
        return len(self._patterns.opening.findall(line)) - len(self._patterns.closing.findall(line))

    def _line(self, start: int) -> bytes:
        return self._data[start : line_end(self._data, start)].rstrip(b"\r\n")

    def _count_cells(self, text: bytes, start: int = 0, end: int | None = None) -> int:
        """Count the cells as far as possible; quotes may be invalid, so a quoted cell ends at any quote before a
        border.

        Counting stops as soon as there are more than the right number.
        """
        end = len(text) if end is None else end
        count, position, may_end = 0, start, True
        while count <= self._fields:
            count += 1
            if may_end and text.startswith(self._quote, position, end):
                ending = self._patterns.ending.search(text, position + 1, end)
                may_end = ending is not None  # if no quote can end this cell, no later one can end another
                position = ending.end() if ending else position
            position = text.find(self._delimiter, position, end) + 1
            if not position:
                break
        return count
