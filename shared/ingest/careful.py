"""The slow reader: one record at a time, for the batches in which something is wrong.

It knows where a quote may open (at the beginning of a cell) and close (before a delimiter or the end of the line). A
record that breaks that is one fault, and reading goes on at the next line from which a whole record can be read, so
that a stray quote never takes its neighbours along.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa

from shared.ingest.dialect import Dialect
from shared.ingest.records import Fault, Records, shown

LONGEST_FIELD_BYTES = 1024 * 1024
MOST_RECORD_LINES = 1_000
MOST_FIELDS = 10_000
# How many lines after a damaged record are tried as the beginning of a sound one.
_RESYNC_LINES = 2_000

MESSAGES = {
    "blank_line": "the line is blank",
    "unterminated_quote": "a quote opens here and is never closed",
    "stray_quote": "a quote stands in a quoted cell without being doubled",
    "wrong_field_count": "the record has {found} fields instead of {expected}",
    "field_too_long": f"a field is longer than {LONGEST_FIELD_BYTES:,} bytes",
    "record_too_long": f"the record spans more than {MOST_RECORD_LINES:,} lines",
    "invalid_utf8": "the text is not valid UTF-8",
    "nul_byte": "the text has a NUL byte",
}


@dataclass(frozen=True, slots=True)
class RawRecord:
    """Bytes [start, end) with the line's end; `fields` are None when `code` says what is wrong."""

    start: int
    end: int
    fields: list[bytes] | None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class _Patterns:
    plain: re.Pattern[bytes]
    quoted: re.Pattern[bytes]
    after: re.Pattern[bytes]


@lru_cache
def _patterns(delimiter: bytes) -> _Patterns:
    escaped = re.escape(delimiter)
    return _Patterns(
        plain=re.compile(rb"[^\n" + escaped + rb"]*"),
        quoted=re.compile(rb'"([^"]*(?:""[^"]*)*)"'),
        after=re.compile(rb"\r*(?:\n|\Z)|" + escaped),
    )


def scan_record(data: bytes, start: int, dialect: Dialect, most_fields: int) -> RawRecord:
    """The record that begins at `start`; its end lies after its newline or at the end of the data.

    One with more than `most_fields` is not read to its end: else a damaged batch is read again from each of its lines.
    """
    delimiter = dialect.delimiter.encode()
    patterns = _patterns(delimiter)
    fields: list[bytes] = []
    position = start
    while True:
        if dialect.quoting and data.startswith(b'"', position):
            quoted = patterns.quoted.match(data, position, position + LONGEST_FIELD_BYTES + 2)
            if quoted is None:
                rest_is_long = len(data) - position > LONGEST_FIELD_BYTES
                code = "field_too_long" if rest_is_long else "unterminated_quote"
                return RawRecord(start, _line_end(data, position), None, code)
            value, position = quoted[1].replace(b'""', b'"'), quoted.end()
        else:
            plain = patterns.plain.match(data, position)
            assert plain is not None  # it matches the empty text
            value, position = plain[0], plain.end()
            if not data.startswith(delimiter, position):
                value = value.rstrip(b"\r")
        fields.append(value)
        if len(fields) > most_fields:
            return RawRecord(start, _line_end(data, position), None, "wrong_field_count")
        after = patterns.after.match(data, position)
        if after is None:
            return RawRecord(start, _line_end(data, position), None, "stray_quote")
        position = after.end()
        if after[0] != delimiter:
            return RawRecord(start, position, fields)


def read_carefully(data: bytes, first_line: int, dialect: Dialect, header: Sequence[str]) -> Records:
    """Every record of the bytes, well-formed or faulty, in order."""
    columns: list[list[str | None]] = [[] for _ in header]
    line_numbers: list[int] = []
    faults: list[Fault] = []
    line, position = first_line, 0
    for record in _records(data, dialect, len(header)):
        line += data.count(b"\n", position, record.start)
        position = record.start
        found = _faults(record, data, line, header)
        if found:
            faults.extend(found)
            continue
        line_numbers.append(line)
        for column, field in zip(columns, record.fields or (), strict=True):
            text = field.decode()
            column.append(None if text == dialect.null else text)
    table = pa.table([pa.array(column, pa.string()) for column in columns], names=list(header))
    return Records(table, np.array(line_numbers, dtype=np.int64), faults)


def _records(data: bytes, dialect: Dialect, expected: int) -> Iterator[RawRecord]:
    position = 0
    while position < len(data):
        record = _checked(scan_record(data, position, dialect, MOST_FIELDS), data, expected)
        if record.code is not None and record.code != "blank_line":
            record = RawRecord(position, _resync(data, record, dialect, expected), record.fields, record.code)
        yield record
        position = record.end


def _checked(record: RawRecord, data: bytes, expected: int) -> RawRecord:
    """The same record with the code of what is wrong with its shape."""
    code = record.code
    if record.fields is not None:
        if not data[record.start : record.end].strip(b"\r\n"):
            code = "blank_line"
        elif len(record.fields) != expected:
            code = "wrong_field_count"
        elif max(map(len, record.fields)) > LONGEST_FIELD_BYTES:
            code = "field_too_long"
        elif data.count(b"\n", record.start, record.end) > MOST_RECORD_LINES:
            code = "record_too_long"
    return RawRecord(record.start, record.end, record.fields, code)


def _resync(data: bytes, damaged: RawRecord, dialect: Dialect, expected: int) -> int:
    """Where reading goes on after a damaged record: the next line at which a sound one begins, or its own end."""
    line_start = _line_end(data, damaged.start)
    if damaged.code in ("field_too_long", "record_too_long") and damaged.fields is not None:
        return damaged.end
    if damaged.fields is not None and damaged.end <= line_start:
        return damaged.end
    for _ in range(_RESYNC_LINES):
        if line_start >= len(data):
            return len(data)
        candidate = scan_record(data, line_start, dialect, expected)
        if _checked(candidate, data, expected).code is None:
            return line_start
        line_start = _line_end(data, line_start)
    return line_start


def _line_end(data: bytes, position: int) -> int:
    newline = data.find(b"\n", position)
    return len(data) if newline < 0 else newline + 1


def _faults(record: RawRecord, data: bytes, line: int, header: Sequence[str]) -> list[Fault]:
    if record.code is not None:
        found_fields = f"more than {MOST_FIELDS:,}" if record.fields is None else len(record.fields)
        message = MESSAGES[record.code].format(found=found_fields, expected=len(header))
        text = data[record.start : record.end].rstrip(b"\r\n")
        return [Fault(line, None, record.code, message, shown(text[:4_000]))]
    found = []
    for name, field in zip(header, record.fields or (), strict=True):
        code = _text_fault(field)
        if code is not None:
            found.append(Fault(line, name, code, MESSAGES[code], shown(field[:4_000])))
    return found


def _text_fault(field: bytes) -> str | None:
    if b"\0" in field:
        return "nul_byte"
    try:
        field.decode()
    except UnicodeDecodeError:
        return "invalid_utf8"
    return None
