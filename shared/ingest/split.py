"""Cuts a stream of bytes into spans of whole records while it comes in.

A span ends after a newline up to which the count of quotes, from the span's beginning, is even (without quoting: after
any newline), if all of these quotes are sound and records of several lines have the right number of fields. Where they
are not, `structure` says where its records end.
"""

from dataclasses import dataclass

import numpy as np

from shared.ingest.dialect import Dialect
from shared.ingest.structure import is_sound, last_safe_end

# A cut is looked for this far back from the end; beyond, the quotes are damaged.
_LOOK_BACK_BYTES = 1024 * 1024
# What goes on for longer is no record: it is cut anywhere, the reader reports its first piece, and the rest of the last
# line is a span of its own without a record. Memory stays flat.
_LONGEST_RECORD_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes [byte_start, byte_end) of the stored content; begins at line `first_line`, holds `line_feeds` newlines."""

    byte_start: int
    byte_end: int
    first_line: int
    line_feeds: int


class Splitter:
    """Feed it the content from the first record on; `spans` tile it without gap or overlap."""

    def __init__(self, byte_start: int, first_line: int, batch_bytes: int, dialect: Dialect, fields: int) -> None:
        self.spans: list[Span] = []
        self._byte_start = byte_start
        self._first_line = first_line
        self._batch_bytes = batch_bytes
        self._dialect = dialect
        self._fields = fields
        self._pending = bytearray()
        self._is_within_line = False

    def feed(self, block: bytes | memoryview) -> None:
        """Take the next bytes of the content."""
        self._pending += block
        while len(self._pending) >= self._batch_bytes:
            if self._is_within_line:
                end = self._pending.find(b"\n") + 1
            else:  # a record longer than a batch makes a batch of its own
                end = self._find_cut(self._batch_bytes) or self._find_cut(len(self._pending))
                if end == 0 and len(self._pending) < self._batch_bytes + _LONGEST_RECORD_BYTES:
                    return
            self._is_within_line = end == 0
            self._cut(end or self._batch_bytes)

    def finish(self, small_bytes: int = 0) -> list[Span]:
        """All spans; content of at most `small_bytes` comes as a single one."""
        if self._is_within_line and (end := self._pending.find(b"\n") + 1):
            self._cut(end)
        if self._pending:
            self._cut(len(self._pending))
        if len(self.spans) > 1 and self.spans[-1].byte_end - self.spans[0].byte_start <= small_bytes:
            first, last = self.spans[0], self.spans[-1]
            line_feeds = sum(span.line_feeds for span in self.spans)
            self.spans = [Span(first.byte_start, last.byte_end, first.first_line, line_feeds)]
        return self.spans

    def _find_cut(self, limit: int) -> int:
        """Length of the longest prefix, up to `limit`, that ends with a record; 0 if there is none."""
        newline = self._pending.rfind(b"\n", 0, limit)
        if not self._dialect.quoting or newline < 0:
            return newline + 1
        # Where backslashes are in use, the number of quotes tells nothing.
        end = 0 if self._dialect.is_escaped else self._find_even_end(newline)
        if end:
            with memoryview(self._pending) as pending, pending[:end] as data:  # 6 MiB are not copied to be looked at
                if is_sound(data, self._dialect, self._fields):
                    return end
        return last_safe_end(bytes(self._pending[: newline + 1]), self._dialect, self._fields)

    def _find_even_end(self, newline: int) -> int:
        """Behind the last newline, up to this one, before which the quotes are even; 0 if it is not near."""
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
        self.spans.append(Span(self._byte_start, self._byte_start + end, self._first_line, line_feeds))
        self._byte_start += end
        self._first_line += line_feeds
        del self._pending[:end]


def _count(pending: bytearray, octet: bytes, end: int) -> int:
    """Like `pending.count(octet, 0, end)`, and five times as fast where there are many."""
    return int(np.count_nonzero(np.frombuffer(pending, np.uint8, end) == octet[0]))
