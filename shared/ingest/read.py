"""Reads a batch: fast where the bytes are sound, with care where they are not.

pyarrow's reader is three times as fast as pandas' and leaves the GIL, but it forgives what we must report. So the
bytes are checked before (quotes stand where quotes may stand, no NUL) and the result after (there are as many records
as newlines outside of quotes; no cell or record is over the caps). What fails goes to the careful reader.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from shared.ingest.careful import LONGEST_FIELD_BYTES, MESSAGES, MOST_RECORD_LINES, read_carefully
from shared.ingest.dialect import Dialect
from shared.ingest.records import Fault, Records, shown

_BYTE_ORDER_MARK = "\ufeff".encode()  # pyarrow drops one at the beginning of a batch, where it is text
_QUOTE, _LINE_FEED, _RETURN = b'"\n\r'
# Looked through at a time: a piece and its masks stay in a core's cache.
_CACHED_BYTES = 128 * 1024


def read_batch(data: bytes, first_line: int, dialect: Dialect, header: Sequence[str]) -> Records:
    """Every record of a span as text, with its line number; what is no record comes as a fault."""
    records = _read_fast(data, first_line, dialect, header)
    return records if records is not None else read_carefully(data, first_line, dialect, header)


def _read_fast(data: bytes, first_line: int, dialect: Dialect, header: Sequence[str]) -> Records | None:
    """None when anything looks as if the fast reader could be wrong."""
    if b"\0" in data or data.startswith(_BYTE_ORDER_MARK) or not _is_utf8(data):
        return None
    octets = np.frombuffer(data, dtype=np.uint8)
    marks = _marks(octets)
    quotes = marks[octets[marks] == _QUOTE] if dialect.quoting else np.zeros(0, dtype=np.int64)
    if not _quotes_are_sound(octets, quotes, dialect.delimiter) or _has_lone_return(octets, marks, quotes):
        return None
    skipped: list[pacsv.InvalidRow] = []
    try:
        table = _parse(data, dialect, header, skipped)
    except pa.ArrowInvalid:  # damage beyond field counts
        return None
    if _longest_cell(table) > LONGEST_FIELD_BYTES:
        return None
    return _with_lines(first_line, _lines_of_records(octets, marks, quotes), table, skipped)


def _is_utf8(data: bytes) -> bool:
    """Before parsing and not by the parser: its handler of invalid rows cannot take text that is not valid."""
    offsets = pa.py_buffer(np.array([0, len(data)], dtype=np.int32))
    try:
        pa.Array.from_buffers(pa.binary(), 1, [None, offsets, pa.py_buffer(data)]).cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True


def _marks(octets: np.ndarray) -> np.ndarray:
    """Where quotes, line feeds and returns stand."""
    found = []
    for begin in range(0, len(octets), _CACHED_BYTES):
        part = octets[begin : begin + _CACHED_BYTES]
        found.append(np.flatnonzero((part == _QUOTE) | (part == _LINE_FEED) | (part == _RETURN)) + begin)
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def _has_lone_return(octets: np.ndarray, marks: np.ndarray, quotes: np.ndarray) -> bool:
    """Whether a CR without its LF stands outside quotes: pyarrow ends the record there, and the file does not."""
    returns = marks[octets[marks] == _RETURN]
    followers = octets[np.minimum(returns + 1, len(octets) - 1)]
    return bool(_is_outside(returns[followers != _LINE_FEED], quotes).any())


def _is_outside(positions: np.ndarray, quotes: np.ndarray) -> np.ndarray:
    """Which of these positions are not inside of quotes, where quotes are sound."""
    outside: np.ndarray = np.searchsorted(quotes, positions) % 2 == 0
    return outside


def _lines_of_records(octets: np.ndarray, marks: np.ndarray, quotes: np.ndarray) -> np.ndarray:
    """How many lines each record has: newlines inside of quotes end none."""
    line_feeds = marks[octets[marks] == _LINE_FEED]
    if not len(line_feeds) or line_feeds[-1] != len(octets) - 1:
        line_feeds = np.append(line_feeds, len(octets))  # the last line of a file may have none
    ends = np.flatnonzero(_is_outside(line_feeds, quotes))
    return np.diff(ends, prepend=-1)


def _quotes_are_sound(octets: np.ndarray, quotes: np.ndarray, delimiter: str) -> bool:
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
    border[_RETURN] = True
    last = closing == len(octets) - 1
    closes = border[octets[np.where(last, 0, closing + 1)]] | last
    closes[:-1] |= doubled
    return bool(opens.all() and closes.all())


def _parse(data: bytes, dialect: Dialect, header: Sequence[str], skipped: list[pacsv.InvalidRow]) -> pa.Table:
    def skip(row: pacsv.InvalidRow) -> str:
        skipped.append(row)
        return "skip"

    names = [str(position) for position in range(len(header))]
    table = pacsv.read_csv(
        pa.BufferReader(data),
        read_options=pacsv.ReadOptions(column_names=names, use_threads=False, block_size=max(len(data), 1) + 1),
        parse_options=pacsv.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char='"' if dialect.quoting else False,
            newlines_in_values=dialect.quoting,
            invalid_row_handler=skip,
        ),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            check_utf8=False,
            strings_can_be_null=True,
            null_values=[dialect.null],
        ),
    )
    return table.rename_columns(list(header)).combine_chunks()


def _longest_cell(table: pa.Table) -> int:
    return max((pc.max(pc.binary_length(column)).as_py() or 0 for column in table.columns), default=0)


def _with_lines(first_line: int, lines: np.ndarray, table: pa.Table, skipped: list[pacsv.InvalidRow]) -> Records | None:
    """Adds the line at which each record begins; None if pyarrow saw other records than the bytes have."""
    if table.num_rows + len(skipped) != len(lines) or lines.max(initial=0) > MOST_RECORD_LINES:
        return None
    begins = first_line + np.cumsum(lines) - lines
    rejected = [row.number - 1 for row in skipped]
    if (lines[rejected] > 1).any():
        return None  # a wrong field count over several lines smells of a stray quote
    faults = [_wrong_field_count(row, int(begins[row.number - 1])) for row in skipped]
    return Records(table, np.delete(begins, rejected), faults)


def _wrong_field_count(row: pacsv.InvalidRow, line_number: int) -> Fault:
    message = MESSAGES["wrong_field_count"].format(found=row.actual_columns, expected=row.expected_columns)
    return Fault(line_number, None, "wrong_field_count", message, shown(row.text))
