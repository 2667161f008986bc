"""Cuts a stream of bytes into spans of whole records while it comes in.

A span ends after a newline up to which the count of quotes, from the span's beginning, is even (without quoting: after
any newline). Two `count`s over each byte is all it costs. A stray quote can fool the parity, but only inside its own
span, since counting starts anew at each cut; the reader checks every span and reads a damaged one with care.
"""

from dataclasses import dataclass

import numpy as np

from shared.ingest.dialect import QUOTE

# A cut is looked for this far back from the end; beyond, the quotes are damaged and the last newline must do.
_LOOK_BACK_BYTES = 1024 * 1024
# What goes on for longer is no record: it is cut anywhere, and the reader reports the pieces. Memory stays flat.
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

    def __init__(self, byte_start: int, first_line: int, batch_bytes: int, quoting: bool) -> None:
        self.spans: list[Span] = []
        self._byte_start = byte_start
        self._first_line = first_line
        self._batch_bytes = batch_bytes
        self._quoting = quoting
        self._pending = bytearray()

    def feed(self, block: bytes | memoryview) -> None:
        """Take the next bytes of the content."""
        self._pending += block
        while len(self._pending) >= self._batch_bytes:
            # A record longer than a batch makes a batch of its own.
            end = self._find_cut(self._batch_bytes) or self._find_cut(len(self._pending))
            if end == 0 and len(self._pending) < self._batch_bytes + _LONGEST_RECORD_BYTES:
                return
            self._cut(end or self._batch_bytes)

    def finish(self, small_bytes: int = 0) -> list[Span]:
        """All spans; content of at most `small_bytes` comes as a single one."""
        if self._pending:
            self._cut(len(self._pending))
        if len(self.spans) > 1 and self.spans[-1].byte_end - self.spans[0].byte_start <= small_bytes:
            first, last = self.spans[0], self.spans[-1]
            line_feeds = sum(span.line_feeds for span in self.spans)
            self.spans = [Span(first.byte_start, last.byte_end, first.first_line, line_feeds)]
        return self.spans

    def _find_cut(self, limit: int) -> int:
        """Length of the longest prefix, up to `limit`, that ends with a record; 0 if there is none."""
        pending = self._pending
        newline = last = pending.rfind(b"\n", 0, limit)
        if not self._quoting or newline < 0:
            return newline + 1
        quotes = _count(pending, QUOTE, newline)
        while newline >= 0 and last - newline < _LOOK_BACK_BYTES:
            if quotes % 2 == 0:
                return newline + 1
            before = pending.rfind(b"\n", 0, newline)
            quotes -= pending.count(QUOTE, max(before, 0), newline)
            newline = before
        return last + 1 if limit > self._batch_bytes + 2 * _LOOK_BACK_BYTES else 0

    def _cut(self, end: int) -> None:
        line_feeds = _count(self._pending, b"\n", end)
        self.spans.append(Span(self._byte_start, self._byte_start + end, self._first_line, line_feeds))
        self._byte_start += end
        self._first_line += line_feeds
        del self._pending[:end]


def _count(pending: bytearray, octet: bytes, end: int) -> int:
    """Like `pending.count(octet, 0, end)`, and five times as fast where there are many."""
    return int(np.count_nonzero(np.frombuffer(pending, np.uint8, end) == octet[0]))
