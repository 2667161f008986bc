"""Cuts a stream of bytes into spans of whole records while it arrives, and computes a checksum of each span.

A span can end after a newline if the span has an even number of quotes up to there (without quoting: after any
newline), all of these quotes are valid, and records of several lines have the right number of fields. Where quotes are
not valid, `structure` says where the records end.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xxhash

from shared.csv.dialect import Dialect
from shared.csv.reading.later_headers import LaterHeaders
from shared.csv.structure.record_structure import is_valid, last_safe_end

_LINE_FEED = ord("\n")
# A cut is searched this far back from the end. If there is none, the quotes are malformed.
_LOOK_BACK_BYTES = 1024 * 1024
# Anything longer is not a record. The splitter cuts it at any byte, the reader reports the first piece, and the rest of
# the last line becomes a span without a record. Memory stays flat.
_LONGEST_RECORD_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes [byte_start, byte_end) of the stored content, which begin at line `first_line`, counted from 1.

    `line_feeds`: how many newlines the span holds. `begins_in_line`: the span before ended within a line that was too
    long for it. `checksum`: see `checksum_of`. `header`: the order of the columns at the beginning of the span, if a
    later header has changed it.
    """

    byte_start: int
    byte_end: int
    first_line: int
    line_feeds: int
    begins_in_line: bool
    checksum: bytes
    header: list[str] | None = None


def checksum_of(content: bytes | bytearray | memoryview) -> bytes:
    """XXH3-128, 16 bytes.

    It detects accidental changes of any kind and costs 30 times less than SHA-256. It is no protection against forgery.
    """
    return xxhash.xxh3_128_digest(content)


class Splitter:
    """Feed it the content from the first record on; `spans` then tile it without gap or overlap.

    Content of at most `small_bytes` becomes a single span.
    """

    def __init__(
        self,
        byte_start: int,
        first_line: int,
        batch_bytes: int,
        dialect: Dialect,
        header: Sequence[str],
        *,
        small_bytes: int = 0,
    ) -> None:
        self.spans: list[Span] = []
        self._byte_start = byte_start
        self._first_line = first_line
        self._batch_bytes = batch_bytes
        self._small_bytes = small_bytes
        self._dialect = dialect
        self._fields = len(header)
        self._header = tuple(header)
        self._later_headers = LaterHeaders(header, dialect)
        self._order: list[str] | None = None
        self._pending = bytearray()
        self._is_within_line = False

    @property
    def _is_small(self) -> bool:
        return not self.spans and len(self._pending) <= self._small_bytes

    def feed(self, block: bytes | memoryview) -> None:
        """Take the next bytes of the content."""
        self._pending += block
        if self._is_small:
            return
        while len(self._pending) >= self._batch_bytes:
            if self._is_within_line:
                end = self._pending.find(b"\n") + 1
            else:  # a record that is longer than a batch gets a batch of its own
                end = self._find_cut(self._batch_bytes) or self._find_cut(len(self._pending))
                if end == 0 and len(self._pending) < self._batch_bytes + _LONGEST_RECORD_BYTES:
                    return
            self._cut(end or self._batch_bytes)

    def finish(self) -> list[Span]:
        """Return all spans."""
        if self._is_within_line and (end := self._pending.find(b"\n") + 1):
            self._cut(end)
        if self._pending:
            self._cut(len(self._pending))
        return self.spans

    def _find_cut(self, limit: int) -> int:
        """Length of the longest prefix, at most `limit`, that ends with a record; 0 if there is none."""
        newline = self._pending.rfind(b"\n", 0, limit)
        if not self._dialect.quoting or newline < 0:
            return newline + 1
        # Where backslashes escape quotes, the number of quotes says nothing.
        end = 0 if self._dialect.is_escaped else self._find_even_end(newline)
        if end:
            with memoryview(self._pending) as pending, pending[:end] as data:  # no copy of 6 MiB
                if is_valid(data, self._dialect, self._fields):
                    return end
        return last_safe_end(bytes(self._pending[: newline + 1]), self._dialect, self._fields)

    def _find_even_end(self, newline: int) -> int:
        """The position after the last newline, up to `newline`, before which the number of quotes is even.

        0 if there is none nearby.
        """
        pending, quote, last = self._pending, self._dialect.quote.encode(), newline
        quotes = _count(pending, quote, newline)
        while newline >= 0 and last - newline < _LOOK_BACK_BYTES:
            if quotes % 2 == 0:
                return newline + 1
            before = pending.rfind(b"\n", 0, newline)
            quotes -= pending.count(quote, max(before, 0), newline)
            newline = before
        return 0

    def _cut(self, end: int) -> None:
        line_feeds = _count(self._pending, b"\n", end)
        with memoryview(self._pending) as pending, pending[:end] as content:
            checksum = checksum_of(content)
        order = self._order
        if self._later_headers.may_be_in(self._pending, end):
            for found in self._later_headers.orders_in(bytes(self._pending[:end])):
                self._order = None if found == self._header else list(found)
        byte_end = self._byte_start + end
        self.spans.append(
            Span(self._byte_start, byte_end, self._first_line, line_feeds, self._is_within_line, checksum, order)
        )
        self._byte_start = byte_end
        self._first_line += line_feeds
        self._is_within_line = self._pending[end - 1] != _LINE_FEED
        del self._pending[:end]


def _count(pending: bytearray, octet: bytes, end: int) -> int:
    """Like `pending.count(octet, 0, end)`, and five times as fast where there are many."""
    return int(np.count_nonzero(np.frombuffer(pending, np.uint8, end) == octet[0]))
