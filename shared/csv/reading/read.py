"""Reads a batch: all valid records at once, unusual ones one by one, and a reason for each malformed one.

pyarrow's reader is three times as fast as pandas' and releases the GIL, but it tolerates errors that we must report,
and it refuses a whole batch because of one cell. So `structure` first finds the records. Those that pyarrow could
misread are taken out of the bytes and read one by one (the slow path), and the records that pyarrow reads are counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from shared.csv.dialect import BACKSLASH, Dialect
from shared.csv.encodings.mojibake import mojibake_pattern
from shared.csv.encodings.to_utf8 import exchange
from shared.csv.file_warnings import FileWarning
from shared.csv.reading.blank_rows import blank_rows, is_blank_record
from shared.csv.reading.doubts import apostrophes, joined, plain_backslashes
from shared.csv.reading.initial_space import trimmed
from shared.csv.reading.later_headers import LaterHeaders, in_order, rows_with
from shared.csv.reading.records import REASONS, Locations, Records, exchanged_back, shown
from shared.csv.reading.text_checks import is_utf8, text_fault
from shared.csv.reading.wrapped_cells import unwrapped, unwrapped_table
from shared.csv.structure.record_structure import Structure, find_structure
from shared.csv.structure.recovery import MOST_RECORD_LINES
from shared.csv.structure.scan import LONGEST_FIELD_BYTES, MOST_FIELDS, scan_record

_BYTE_ORDER_MARK: Final = "\ufeff".encode()
_LINE_FEED, _RETURN = b"\n\r"
_SHOWN_BYTES: Final = 4_000

MESSAGES: Final = {
    "repeated_header": "the line repeats the header",
    "unterminated_quote": "a quote opens here and is never closed",
    "stray_quote": "a quote within a quoted cell is not escaped",
    "wrong_field_count": "the record has {found} fields instead of {expected}",
    "field_too_long": f"a field is longer than {LONGEST_FIELD_BYTES:,} bytes",
    "record_too_long": f"the record spans more than {MOST_RECORD_LINES:,} lines",
    "invalid_utf8": "the text is not valid in the file's encoding",
    "nul_byte": "the text contains a NUL byte",
    "mixed_encoding": "the text is UTF-8, and the rest of the file seems to be {encoding}",
}

_FAST, _SLOW, _MALFORMED, _BLANK = range(4)


def read_batch(
    data: bytes,
    first_line: int,
    dialect: Dialect,
    header: Sequence[str],
    first_byte: int = 0,
    order: Sequence[str] | None = None,
) -> Records:
    """Read every record of a span as text, with its location; a malformed record becomes a reason.

    `order`: the order of the columns at the beginning of the span, if it is not that of the header.

    Quotes can look valid although they are not: a quote that is never closed may seem to be closed by one of a later
    record. The two then look like one record of several lines, which has a wrong number of fields:

        1,"Toy Story,1995
        2,Heat",1995         the quote after Heat seems to close the cell that opens before Toy Story

    If there is such a record, the whole batch is read again with the recovery scan.
    """
    batch = _read(data, dialect, header, needs_recovery=False)
    if batch.has_suspect_record:
        batch = _read(data, dialect, header, needs_recovery=True)
    return batch.records(first_line, first_byte, order or header)


def _read(data: bytes, dialect: Dialect, header: Sequence[str], *, needs_recovery: bool) -> "_Batch":
    batch = _Batch(data, find_structure(data, dialect, len(header), needs_recovery=needs_recovery), dialect, header)
    batch.read()
    return batch


@dataclass(slots=True)
class _Batch:
    """Judges the records, reads the valid ones and keeps the reasons for the others.

    `has_suspect_record`: a record of several lines has a wrong number of fields.
    """

    data: bytes
    structure: Structure
    dialect: Dialect
    header: Sequence[str]
    has_suspect_record: bool = False
    _octets: np.ndarray = field(init=False)
    _starts: np.ndarray = field(init=False)
    _ends: np.ndarray = field(init=False)
    _content_ends: np.ndarray = field(init=False)
    _first_feeds: np.ndarray = field(init=False)
    _line_counts: np.ndarray = field(init=False)
    _verdicts: np.ndarray = field(init=False)
    _tables: list[pa.Table] = field(default_factory=list)
    _numbers: list[np.ndarray] = field(default_factory=list)
    # records that hold a cell whose quotes were removed, although the file seemed to have none
    _unwrapped: list[int] = field(default_factory=list)
    # in the order of REASONS
    _faults: list[tuple[int, str | None, str, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._octets = np.frombuffer(self.data, np.uint8)
        self._ends = self.structure.ends
        self._starts = np.concatenate([np.zeros(1, dtype=np.int64), self._ends])[:-1]
        self._first_feeds = np.searchsorted(self.structure.line_feeds, self._starts)
        self._line_counts = np.searchsorted(self.structure.line_feeds, self._ends) - self._first_feeds
        self._verdicts = np.zeros(len(self._ends), dtype=np.int8)
        self._content_ends = self._without_line_ends()

    def read(self) -> None:
        """Judge every record, then read the valid ones."""
        self._judge_malformed()
        self._judge_shape()
        self._judge_text()
        self._read_fast()
        self._read_slow()

    def records(self, first_line: int, first_byte: int, order: Sequence[str]) -> Records:
        """The records that were read, in the order of the file; `order` is that of the columns at its beginning."""
        empty = pa.table({name: pa.array([], pa.string()) for name in map(str, range(len(self.header)))})
        table = pa.concat_tables(self._tables or [empty]).rename_columns(list(self.header)).combine_chunks()
        numbers = np.concatenate([np.zeros(0, dtype=np.int64), *self._numbers])
        if len(self._tables) > 1:
            by_number = np.argsort(numbers)
            table, numbers = table.take(pa.array(by_number)), numbers[by_number]
        table, numbers = self._without_blank(table, numbers)
        table, numbers = self._without_mojibake(table, numbers)
        table, numbers = self._in_order(table, numbers, order)
        if self.dialect.is_exchanged:
            columns = [exchanged_back(column.combine_chunks()) for column in table.columns]
            table = pa.table(columns, names=table.column_names)
        locations = Locations(first_line + self._first_feeds, first_byte + self._starts, first_byte + self._ends)
        blank = np.flatnonzero(self._verdicts == _BLANK)
        warnings = [
            FileWarning.at_lines(code, locations.line_numbers[found].tolist())
            for code, found in self._doubts(blank).items()
            if len(found)
        ]
        return Records(table, numbers, locations, self._reasons(), blank, warnings)

    def _doubts(self, blank: np.ndarray) -> dict[str, np.ndarray]:
        """For each warning, the records that it is about."""
        several = np.flatnonzero((self._line_counts > 1) & (self._verdicts <= _SLOW))
        records = np.column_stack([column[several] for column in (self._starts, self._content_ends, self._line_counts)])
        has_returns = (self._ends - self._content_ends > 1) & (self._verdicts != _BLANK)
        return {
            "blank_lines": blank,
            "quotes_contradict": np.unique(np.array(self._unwrapped, dtype=np.int64)),
            "plain_backslashes": self._records_at(plain_backslashes(self._octets, self.dialect)),
            "apostrophes": self._records_at(apostrophes(self.data, self._octets, self.dialect)),
            "mixed_line_ends": np.flatnonzero(has_returns) if self.dialect.newline in ("\n", "\r") else blank[:0],
            "joined_lines": several[joined(self.data, records, self.dialect, self.header)],
        }

    def _without_blank(self, table: pa.Table, numbers: np.ndarray) -> tuple[pa.Table, np.ndarray]:
        """The rows that hold anything; the others are noted as blank."""
        is_blank = blank_rows(table)
        if is_blank is None:
            return table, numbers
        self._verdicts[numbers[is_blank]] = _BLANK
        return table.filter(pa.array(~is_blank)), numbers[~is_blank]

    def _without_mojibake(self, table: pa.Table, numbers: np.ndarray) -> tuple[pa.Table, np.ndarray]:
        """The rows without those that a guessed encoding makes another text of: their bytes are UTF-8."""
        pattern = mojibake_pattern(self.dialect.encoding) if self.dialect.is_encoding_guessed else None
        if pattern is None or self.data.isascii():
            return table, numbers
        rejected = np.zeros(table.num_rows, dtype=bool)
        for name, column in zip(self.header, table.columns, strict=True):
            found = np.flatnonzero(pc.fill_null(pc.match_substring_regex(column, pattern), False).to_numpy())
            rejected[found] = True
            for row in found.tolist():
                self._reject(int(numbers[row]), "mixed_encoding", name, column[row].as_py().encode())
        return table.filter(pa.array(~rejected)), numbers[~rejected]

    def _in_order(self, table: pa.Table, numbers: np.ndarray, order: Sequence[str]) -> tuple[pa.Table, np.ndarray]:
        """The rows with each value in its column, although later headers may name the columns in another order."""
        later = LaterHeaders(self.header, self.dialect)
        found = dict[int, Sequence[str]]()
        if later.may_be_in(self.data, len(self.data)):
            rows = rows_with(table, later.rare)
            for row in rows.tolist():
                names = later.order_of([column[row].as_py() for column in table.columns])
                if names is not None:
                    found[row] = names
                    self._reject(int(numbers[row]), "repeated_header")
        if not found and list(order) == list(self.header):
            return table, numbers
        return in_order(table, order, found), np.delete(numbers, list(found))

    def _reasons(self) -> pa.Table:
        columns = zip(*self._faults, strict=True) if self._faults else ([] for _ in REASONS)
        return pa.Table.from_arrays(
            [pa.array(list(column), kind.type) for column, kind in zip(columns, REASONS, strict=True)], schema=REASONS
        )

    def _without_line_ends(self) -> np.ndarray:
        octets, starts = self._octets, self._starts
        ends = self._ends - (octets[self._ends - 1] == _LINE_FEED)
        has_return = (ends > starts) & (octets[np.maximum(ends, 1) - 1] == _RETURN)
        without: np.ndarray = ends - has_return
        return without

    def _reject(
        self, record: int, code: str, column: str | None = None, value: bytes | None = None, found: int = 0
    ) -> None:
        if value is None:
            value = self.data[self._starts[record] : self._content_ends[record]]
        if self.dialect.is_exchanged:
            value = exchange(value)
        message = MESSAGES[code].format(
            found=found or f"more than {MOST_FIELDS:,}", expected=len(self.header), encoding=self.dialect.encoding
        )
        self._verdicts[record] = _MALFORMED
        self._faults.append((record, column, code, message, shown(value[:_SHOWN_BYTES])))

    def _records_at(self, positions: np.ndarray) -> np.ndarray:
        """The records that contain these bytes, each once, without those that are malformed."""
        found = np.unique(np.searchsorted(self._ends, positions, side="right"))
        valid: np.ndarray = found[self._verdicts[found] <= _SLOW]
        return valid

    def _judge_malformed(self) -> None:
        for span in self.structure.malformed:
            record = int(np.searchsorted(self._ends, span.start, side="right"))
            column = self.header[span.field] if span.field < len(self.header) else None
            self._reject(record, span.code, column)

    def _judge_shape(self) -> None:
        self._verdicts[(self._content_ends <= self._starts) & (self._verdicts != _MALFORMED)] = _BLANK
        for record in np.flatnonzero((self._line_counts > MOST_RECORD_LINES) & (self._verdicts == _FAST)).tolist():
            self._reject(record, "record_too_long")
        returns = self.structure.returns
        followers = self._octets[np.minimum(returns + 1, len(self._octets) - 1)]
        is_lone = (followers != _LINE_FEED) & (returns < len(self._octets) - 1)
        # pyarrow ends a record at a carriage return without a line feed, and the file does not
        lone = returns[is_lone]
        self._verdicts[self._records_at(lone[self.structure.is_outside(lone)])] = _SLOW

    def _judge_text(self) -> None:
        if self.dialect.is_escaped:
            self._verdicts[self._records_at(np.flatnonzero(self._octets == ord(BACKSLASH)))] = _SLOW
        if b"\0" in self.data:
            self._verdicts[self._records_at(np.flatnonzero(self._octets == 0))] = _SLOW
        if not is_utf8(self.data):
            for record in np.flatnonzero(self._verdicts == _FAST).tolist():
                if not is_utf8(self.data[self._starts[record] : self._ends[record]]):
                    self._verdicts[record] = _SLOW

    def _read_slow(self) -> None:
        rows: list[list[str | None]] = []
        numbers: list[int] = []
        for record in np.flatnonzero(self._verdicts == _SLOW).tolist():
            row = self._read_one(record)
            if row is not None:
                rows.append(row)
                numbers.append(record)
        if rows:
            arrays = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
            self._tables.append(pa.Table.from_arrays(arrays, names=list(map(str, range(len(self.header))))))
            self._numbers.append(np.array(numbers, dtype=np.int64))

    def _read_one(self, record: int) -> list[str | None] | None:
        raw = scan_record(self.data[self._starts[record] : self._ends[record]], 0, self.dialect)
        fields = raw.fields
        if self._may_be_wrapped:
            fields = self._unwrap(record, fields)
        if fields is None or len(fields) != len(self.header):
            self._reject_count(record, len(fields or ()))
            return None
        is_valid = True
        for name, cell in zip(self.header, fields, strict=True):
            code = text_fault(cell)
            if code is not None:
                is_valid = False
                self._reject(record, code, name, cell)
        return [_text(cell.decode(), self.dialect) for cell in fields] if is_valid else None

    @property
    def _may_be_wrapped(self) -> bool:
        """Whether the file's beginning has no quotes, so that those of later cells may wrap them."""
        return not self.dialect.quoting and self.dialect.is_quoting_guessed

    def _unwrap(self, record: int, fields: list[bytes] | None) -> list[bytes] | None:
        """The fields without the quotes of cells that must be wrapped: they hold quotes or delimiters."""
        if fields is None or len(fields) == len(self.header):
            cells = [unwrapped(cell) for cell in fields or ()]
            if cells != fields:
                self._unwrapped.append(record)
            return cells or fields
        content = self.data[self._starts[record] : self._ends[record]]
        quoted = scan_record(content, 0, replace(self.dialect, quoting=True)).fields
        if quoted is None or len(quoted) != len(self.header):
            return fields
        self._unwrapped.append(record)
        return quoted

    def _reject_count(self, record: int, found: int) -> None:
        content = self.data[self._starts[record] : self._content_ends[record]]
        if b"\n" in content:
            self.has_suspect_record = True
        elif is_blank_record(content, self.dialect):
            self._verdicts[record] = _BLANK
            return
        self._reject(record, "wrong_field_count", found=found)

    def _read_fast(self) -> None:
        numbers = np.flatnonzero(self._verdicts == _FAST)
        if not len(numbers):
            return
        skipped: list[pacsv.InvalidRow] = []
        data = self._bytes_of(numbers)
        if data.startswith(_BYTE_ORDER_MARK):
            data = _BYTE_ORDER_MARK + data  # pyarrow removes one at the beginning, but here it is text
        try:
            table = _parse(data, self.dialect, len(self.header), skipped)
        except pa.ArrowInvalid:
            table = None
        # pyarrow may see other records than the bytes hold
        if table is None or table.num_rows + len(skipped) != len(numbers):
            self._verdicts[numbers] = _SLOW
            return
        for row in skipped:
            record = int(numbers[row.number - 1])
            if self._may_be_wrapped and b'"' in self.data[self._starts[record] : self._ends[record]]:
                self._verdicts[record] = _SLOW
            else:
                self._reject_count(record, row.actual_columns)
        numbers = np.delete(numbers, [row.number - 1 for row in skipped])
        if self._may_be_wrapped and b'""' in data:
            table, rows = unwrapped_table(table)
            self._unwrapped += numbers[rows].tolist()
        kept = ~self._reject_long_fields(table, numbers)
        self._tables.append(table if kept.all() else table.filter(pa.array(kept)))
        self._numbers.append(numbers[kept])

    def _bytes_of(self, numbers: np.ndarray) -> bytes:
        if len(numbers) == len(self._ends):
            return self.data
        breaks = np.flatnonzero(np.diff(numbers) != 1)
        firsts, lasts = numbers[np.concatenate([[0], breaks + 1])], numbers[np.concatenate([breaks, [-1]])]
        view = memoryview(self.data)
        spans = zip(self._starts[firsts].tolist(), self._ends[lasts].tolist(), strict=True)
        return b"".join(view[start:end] for start, end in spans)

    def _reject_long_fields(self, table: pa.Table, numbers: np.ndarray) -> np.ndarray:
        rejected = np.zeros(table.num_rows, dtype=bool)
        for name, column in zip(self.header, table.columns, strict=True):
            lengths = pc.binary_length(column)
            if (pc.max(lengths).as_py() or 0) > LONGEST_FIELD_BYTES:
                long = np.flatnonzero(pc.greater(lengths, LONGEST_FIELD_BYTES).fill_null(False).to_numpy())
                rejected[long] = True
                for row in long.tolist():
                    self._reject(int(numbers[row]), "field_too_long", name, column[row].as_py().encode())
        return rejected


def _text(cell: str, dialect: Dialect) -> str | None:
    if dialect.skip_initial_space:
        cell = cell.lstrip(" ")
    return None if cell in dialect.nulls else cell


def _parse(data: bytes, dialect: Dialect, columns: int, skipped: list[pacsv.InvalidRow]) -> pa.Table:
    def skip(row: pacsv.InvalidRow) -> str:
        skipped.append(row)
        return "skip"

    names = [str(position) for position in range(columns)]
    table = pacsv.read_csv(
        pa.BufferReader(data),
        read_options=pacsv.ReadOptions(column_names=names, use_threads=False, block_size=max(len(data), 1) + 1),
        parse_options=pacsv.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char=dialect.quote if dialect.quoting else False,
            newlines_in_values=dialect.quoting,
            invalid_row_handler=skip,
        ),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            check_utf8=False,
            strings_can_be_null=True,
            null_values=list(dialect.nulls),
        ),
    )
    table = table.combine_chunks()
    return trimmed(table, dialect.nulls) if dialect.skip_initial_space else table
