"""Rejected records as a file for people, in the dialect of their own file: five cells of ours, then the record's bytes.

Our cells come first, so that a record that is malformed or has too few cells cannot shift them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from shared.advice.hints import Advisor
from shared.csv.dialect import Dialect
from shared.csv.encodings.to_utf8 import bom_of, encode, exchange
from shared.ingest.corrections.formulas import escaped
from shared.ingest.rejects_columns import REJECT_COLUMNS
from shared.storage.protocol import Reader

_BYTE_ORDER_MARK: Final = "\ufeff".encode()
# How much is returned at a time.
_BLOCK_BYTES: Final = 256 * 1024
_BETWEEN_REASONS: Final = "; "


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why a record was rejected."""

    column: str | None
    code: str
    message: str
    value: str | None


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A record that begins at `line_number`, with its bytes in the stored file; None if they were not recorded."""

    line_number: int
    byte_start: int | None
    byte_end: int | None
    reasons: Sequence[Reason]


class RejectsFile:
    """The lines of the file, encoded like the file that the records came in; `dialect` is what they are written in."""

    def __init__(self, stored: Reader, header_bytes: int, dialect: Dialect, advisor: Advisor) -> None:
        """Raises `StoredFileCorrupt` and `Unavailable`."""
        self._stored = stored
        self._advisor = advisor
        self.dialect = dialect
        beginning = stored.read(0, header_bytes)
        # In UTF-8 the byte order mark is stored with the content; earlier versions did not record it.
        self._has_stored_bom = beginning.startswith(_BYTE_ORDER_MARK)
        self._header = _without_lines(beginning.removeprefix(_BYTE_ORDER_MARK), dialect.header_line - 1)
        self._line_end = b"\r\n" if self._header.endswith(b"\r\n") else b"\n"

    def header(self) -> bytes:
        """The first line, after the byte order mark if the file had one."""
        mark = _BYTE_ORDER_MARK if self._has_stored_bom else bom_of(self.dialect)
        return mark + encode(self._ours(REJECT_COLUMNS) + self._ended(self._header), self.dialect)

    def blocks(self, records: Iterable[RejectedRecord]) -> Iterator[bytes]:
        """The records in blocks of lines; a record may have several lines. Raises what the constructor raises."""
        lines: list[bytes] = []
        size = 0
        for record in records:
            lines.append(self._line(record))
            size += len(lines[-1])
            if size >= _BLOCK_BYTES:
                yield b"".join(lines)
                lines, size = [], 0
        if lines:
            yield b"".join(lines)

    def _line(self, record: RejectedRecord) -> bytes:
        reasons = record.reasons
        is_known = record.byte_start is not None and record.byte_end is not None
        hints = [self._advisor.hint(reason.code, reason.column, reason.value) for reason in reasons]
        if not is_known:
            hints.append(f"the record's bytes were not recorded; it begins at line {record.line_number} of the file")
        cells = (
            str(record.line_number),
            _BETWEEN_REASONS.join(reason.column or "" for reason in reasons),
            _BETWEEN_REASONS.join(reason.code for reason in reasons),
            _BETWEEN_REASONS.join(reason.message for reason in reasons),
            _BETWEEN_REASONS.join(dict.fromkeys(text for text in hints if text)),  # the same advice once
        )
        original = self._stored.read(record.byte_start or 0, record.byte_end or 0) if is_known else b""
        return self._written(cells, original)

    def _written(self, cells: Iterable[str], original: bytes) -> bytes:
        """Our cells, then the record as it was."""
        # Separately, because bytes of a record that are not text must not change how other text is encoded.
        return encode(self._ours(cells), self.dialect) + encode(self._ended(original), self.dialect)

    def _ours(self, cells: Iterable[str]) -> bytes:
        """Our cells, each followed by a delimiter."""
        delimiter = self.dialect.delimiter
        content = "".join(_cell(text, self.dialect) + delimiter for text in cells).encode()
        return exchange(content) if self.dialect.is_exchanged else content

    def _ended(self, record: bytes) -> bytes:
        """The record with a line end, which the last record of a file may lack."""
        return record if record.endswith(b"\n") else record + self._line_end


def _without_lines(content: bytes, count: int) -> bytes:
    """The content without its first lines, `count` of them."""
    for _ in range(count):
        content = content[content.index(b"\n") + 1 :]
    return content


def _cell(text: str, dialect: Dialect) -> str:
    """The text as one cell that every reader of the dialect takes for text."""
    text = escaped(text.encode("utf-8", "replace")).decode()
    if dialect.is_escaped:
        text = text.replace("\\", " ")  # a backslash before a quote would escape it
    special = (dialect.delimiter, "\r", "\n")
    if not dialect.quoting:
        blank = "_" if dialect.delimiter == " " else " "
        for character in special:
            text = text.replace(character, blank)
        return text
    if not any(character in text for character in (*special, dialect.quote)):
        return text
    return f"{dialect.quote}{text.replace(dialect.quote, dialect.escape + dialect.quote)}{dialect.quote}"
