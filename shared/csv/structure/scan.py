"""Reads one record at a time: this module defines what quoting means, and the fast paths must agree with it."""

import re
from dataclasses import dataclass
from functools import lru_cache

from shared.csv.dialect import Dialect

LONGEST_FIELD_BYTES = 1024 * 1024
MOST_FIELDS = 10_000


@dataclass(frozen=True, slots=True)
class RawRecord:
    """Bytes [start, end), line end included.

    `fields` is None if the record is malformed or has more fields than the caller asked for. `is_open`: no quote in the
    data closes the last cell that a quote opens.
    """

    start: int
    end: int
    fields: list[bytes] | None
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class _CellPatterns:
    plain: re.Pattern[bytes]
    quoted: re.Pattern[bytes]
    escaped: re.Pattern[bytes]
    escaped_plain: re.Pattern[bytes]
    after: re.Pattern[bytes]


@lru_cache
def _patterns(delimiter: bytes, quote: bytes, is_escaped: bool) -> _CellPatterns:
    border = re.escape(delimiter)
    doubled = quote + quote
    escaped = rb"\\.|" + doubled if is_escaped else doubled
    kept = b"[^" + quote + (rb"\\" if is_escaped else b"") + b"]*"
    return _CellPatterns(
        plain=re.compile(rb"[^\n" + border + rb"]*"),
        quoted=re.compile(b"%b(%b(?:(?:%b)%b)*+)%b" % (quote, kept, escaped, kept, quote), re.DOTALL),
        # A backslash before any other character is a backslash, and two quotes outside of a quoted cell are two quotes.
        escaped=re.compile(rb"\\[\\%b]|%b" % (quote, doubled)),
        escaped_plain=re.compile(rb"\\[\\%b]" % quote),
        after=re.compile(rb"\r*(?:\n|\Z)|" + border),
    )


def scan_record(data: bytes, start: int, dialect: Dialect, most_fields: int = MOST_FIELDS) -> RawRecord:
    """The record that begins at `start`; its end is after its newline or at the end of the data.

    A quote opens a cell only at the beginning of the cell, and closes it only before a delimiter or the end of the
    line. A record with more than `most_fields` is not read to its end: otherwise a malformed record would be read again
    from each of its lines.
    """
    delimiter, quote = dialect.delimiter.encode(), dialect.quote.encode()
    patterns = _patterns(delimiter, quote, dialect.is_escaped)
    fields: list[bytes] = []
    position = start
    while len(fields) <= most_fields:
        if dialect.quoting and data.startswith(quote, position):
            quoted = patterns.quoted.match(data, position)
            if quoted is None:
                return RawRecord(start, line_end(data, position), None, is_open=True)
            value, position = _unescaped(quoted[1], dialect, patterns), quoted.end()
        else:
            plain = patterns.plain.match(data, position)
            assert plain is not None  # it matches the empty text
            value, position = plain[0], plain.end()
            if not data.startswith(delimiter, position):
                value = value.rstrip(b"\r")
            if dialect.is_escaped:
                value = patterns.escaped_plain.sub(_last, value)
        fields.append(value)
        after = patterns.after.match(data, position)
        if after is None:
            break
        position = after.end()
        if after[0] != delimiter:
            return RawRecord(start, position, fields)
    return RawRecord(start, line_end(data, position), None)


def _unescaped(quoted: bytes, dialect: Dialect, patterns: _CellPatterns) -> bytes:
    if dialect.is_escaped:
        return patterns.escaped.sub(_last, quoted)
    quote = dialect.quote.encode()
    return quoted.replace(quote + quote, quote)


def _last(escaped: re.Match[bytes]) -> bytes:
    return escaped[0][-1:]


def line_end(data: bytes, position: int) -> int:
    """The position after the newline that ends the line of this position."""
    newline = data.find(b"\n", position)
    return len(data) if newline < 0 else newline + 1
