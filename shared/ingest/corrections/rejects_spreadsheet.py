"""Rejected records for a spreadsheet: it computes none of their cells, and what comes back means what they meant.

    _sheet_line _column _code _message _hint _record | the file's own columns

The file is always RFC 4180, because a spreadsheet reads nothing else. All cells are in quotes. Cells that a spreadsheet
would compute, whole or split at another delimiter, have apostrophes (see `formulas`). `_sheet_line` (instead of
`_line`) says so, in the one column that a correction must have. A malformed record has no cells: its text is in
`_record`, which is not read back, and its cells are empty.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

import pyarrow as pa

from shared.advice.hints import Advisor
from shared.csv.dialect import USUAL_DELIMITERS, Dialect
from shared.csv.encodings.names import BOMS
from shared.csv.encodings.to_utf8 import bom_of, encode, exchange
from shared.csv.encodings.undecoded import displayed
from shared.csv.structure.scan import scan_record
from shared.ingest.corrections.formulas import escaped, taken_back
from shared.ingest.corrections.rejects_file import RejectsFile
from shared.ingest.rejects_columns import REJECT_COLUMNS, SHEET_COLUMNS, SHEET_LINE_COLUMN
from shared.storage.protocol import Reader

# A spreadsheet's cell holds 32,767 characters; apostrophes make a text at most half as long again.
_LONGEST_TEXT_CHARACTERS: Final = 21_000


def dialect_of_sheet(header: Sequence[str], dialect: Dialect) -> Dialect:
    """The dialect of a file with this header: that of files for spreadsheets, if it is one, otherwise the given one."""
    if SHEET_LINE_COLUMN not in header:
        return dialect
    return replace(dialect, quoting=True, quote='"', escape='"')


def own_names(header: Sequence[str]) -> list[str]:
    """The names of the file's own columns, in a header that also has ours."""
    if SHEET_LINE_COLUMN not in header:
        return [name for name in header if name not in REJECT_COLUMNS]
    names: list[str] = taken_back(pa.array(header, pa.string())).to_pylist()
    return [name.strip() for name in names if name not in SHEET_COLUMNS]


def own_columns(table: pa.Table) -> pa.Table:
    """The file's own columns of records that also have ours, with the values that they were meant to have."""
    own = [name for name in table.column_names if name not in (SHEET_COLUMNS if _is_sheet(table) else REJECT_COLUMNS)]
    kept = table.select(own)
    if not _is_sheet(table):
        return kept
    names = own_names(table.column_names)
    return pa.table([taken_back(column) for column in kept.columns], names=names)


def _is_sheet(table: pa.Table) -> bool:
    return SHEET_LINE_COLUMN in table.column_names


class SheetFile(RejectsFile):
    """Like `RejectsFile`, for a spreadsheet: in the same encoding, with a byte order mark if the encoding has one."""

    def __init__(self, stored: Reader, header_bytes: int, dialect: Dialect, advisor: Advisor) -> None:
        """Raises like `RejectsFile`."""
        super().__init__(stored, header_bytes, dialect, advisor)
        self._read_as = dialect
        # Without the byte order mark some spreadsheets take UTF-8 for the encoding of their country.
        has_bom = dialect.encoding in BOMS
        delimiter = dialect.delimiter if dialect.delimiter in USUAL_DELIMITERS else ","
        self.dialect = replace(dialect_of_sheet(SHEET_COLUMNS, dialect), delimiter=delimiter, bom=has_bom)
        self._names = scan_record(self._header, 0, dialect).fields or []

    def header(self) -> bytes:
        """The first line, after the byte order mark."""
        line = self._ours(SHEET_COLUMNS) + self._row(self._names)
        return bom_of(self.dialect) + encode(line, self.dialect)

    def _written(self, cells: Iterable[str], original: bytes) -> bytes:
        found = scan_record(original, 0, self._read_as)
        if found.fields is not None and found.end == len(original) and len(found.fields) == len(self._names):
            return self._encoded([*cells, ""], found.fields)
        content = exchange(original) if self.dialect.is_exchanged else original
        text = displayed(content).replace("\0", "\\x00").rstrip("\r\n")
        return self._encoded([*cells, text[:_LONGEST_TEXT_CHARACTERS]], [b""] * len(self._names))

    def _encoded(self, ours: list[str], own: Sequence[bytes]) -> bytes:
        # Separately, because bytes of a record that are not text must not change how ours are encoded.
        return encode(self._ours(ours), self.dialect) + encode(self._row(own), self.dialect)

    def _ours(self, cells: Iterable[str]) -> bytes:
        content = self._quoted([text.encode("utf-8", "replace") for text in cells]) + self.dialect.delimiter.encode()
        return exchange(content) if self.dialect.is_exchanged else content

    def _row(self, cells: Sequence[bytes]) -> bytes:
        return self._quoted(cells) + self._line_end

    def _quoted(self, cells: Sequence[bytes]) -> bytes:
        """Each cell in quotes, so that nothing in it can be taken for a border."""
        quoted = (b'"%b"' % escaped(cell).replace(b'"', b'""') for cell in cells)
        return self.dialect.delimiter.encode().join(quoted)
