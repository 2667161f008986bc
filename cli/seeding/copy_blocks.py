r"""Reads the data of a plain dump of pg_dump: its COPY blocks, row by row, in constant memory.

    COPY public.film (film_id, title, rating) FROM stdin;      a header: the table and its columns
    1\tACADEMY DINOSAUR\tPG                                    a row: fields with tabs between them, \N for null
    \.                                                         the end

Everything else in the file is skipped: settings, comments, definitions.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

Row = list[str | None]

_IDENTIFIER: Final = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_COPY: Final = re.compile(
    rf"COPY (?:{_IDENTIFIER}\.)?(?P<table>{_IDENTIFIER}) \((?P<columns>{_IDENTIFIER}(?:, {_IDENTIFIER})*)\) FROM stdin;"
)
_ENCODING: Final = re.compile(rb"SET client_encoding = '([^']*)';")
_READABLE_ENCODINGS: Final = (b"UTF8", b"SQL_ASCII")
_BEGIN: Final = b"-- PostgreSQL database dump"
_COMPLETE: Final = b"-- PostgreSQL database dump complete"
_OTHER_FORMATS: Final = {
    b"PGDMP": "it is in the custom format of pg_dump; make a plain one with --format=plain",
    b"\x1f\x8b": "it is compressed; unpack it with gunzip",
}
# PostgreSQL's own limit for a field is 1 GB. No table that this is meant for comes near.
_LONGEST_LINE: Final = 64 * 1024 * 1024

_END: Final = rb"\."
_NULL: Final = rb"\N"
# What stands between two tabs, where a backslash takes the meaning of the byte behind it away.
_FIELD: Final = re.compile(rb"(?:[^\\\t]|\\.)*", re.DOTALL)
_ESCAPE: Final = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|(.))", re.DOTALL)
_LETTERS: Final = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


class DumpError(Exception):
    """The dump cannot be read, or is not complete. The message says where and why."""


@dataclass(frozen=True)
class CopyBlock:
    """The rows of a table. They can be read once, and before the next block is asked for."""

    table: str
    columns: tuple[str, ...]
    rows: Iterator[Row]


def copy_blocks(dump: BinaryIO) -> Iterator[CopyBlock]:
    """Each block, in the order of the dump; rows that are left unread are skipped. Raises `DumpError`."""
    lines = _Lines(dump)
    has_begun, is_complete = False, False
    for line in lines:
        text = line.rstrip(b"\r\n")
        has_begun |= text == _BEGIN
        is_complete |= text == _COMPLETE
        encoding = _ENCODING.match(text)
        if encoding and encoding[1].upper() not in _READABLE_ENCODINGS:
            raise lines.error(f"its encoding is {encoding[1].decode('ascii', 'replace')}; make one in UTF8")
        if text.startswith(b"COPY ") and b" FROM stdin" in text:
            if not line.endswith(b"\n"):
                raise lines.error("it is cut off in a COPY")
            block = _block(lines, text.decode(errors="replace"), has_returns=line.endswith(b"\r\n"))
            yield block
            for _unread in block.rows:
                pass
    if has_begun and not is_complete:
        raise lines.error("it is cut off: the line that says that it is complete is missing")


class _Lines:
    """The lines of the dump, each with its line feed, and the number of the last one, from 1."""

    def __init__(self, dump: BinaryIO) -> None:
        self._dump = dump
        self.number = 0

    def __iter__(self) -> Iterator[bytes]:
        while line := self.next():
            yield line

    def next(self) -> bytes:
        """The next line; b"" at the end."""
        line = self._dump.readline(_LONGEST_LINE)
        if self.number == 0:
            for beginning, what in _OTHER_FORMATS.items():
                if line.startswith(beginning):
                    raise DumpError(f"the dump cannot be read: {what}")
        self.number += bool(line)
        if len(line) == _LONGEST_LINE:
            raise self.error(f"the line is longer than {_LONGEST_LINE:,} bytes")
        return line

    def error(self, what: str) -> DumpError:
        """An error at the last line."""
        return DumpError(f"the dump cannot be read, line {self.number:,}: {what}")


def _block(lines: _Lines, header: str, *, has_returns: bool) -> CopyBlock:
    match = _COPY.fullmatch(header)
    if match is None:
        raise lines.error("only COPY with a list of columns and in the text format is known")
    table = _name(match["table"])
    columns = tuple(_name(column) for column in re.findall(_IDENTIFIER, match["columns"]))
    return CopyBlock(table, columns, _rows(lines, table, len(columns), has_returns=has_returns))


def _name(identifier: str) -> str:
    return identifier[1:-1].replace('""', '"') if identifier.startswith('"') else identifier


def _rows(lines: _Lines, table: str, width: int, *, has_returns: bool) -> Iterator[Row]:
    # A dump has no other carriage return in its rows: COPY writes \r.
    line_end = b"\r\n" if has_returns else b"\n"
    while (line := _record(lines, table, line_end)) != _END:
        fields = _fields(line)
        if len(fields) != width:
            raise lines.error(f"a row of {table} has {len(fields):,} fields, and its columns are {width:,}")
        try:
            yield [None if field == _NULL else _unescaped(field).decode() for field in fields]
        except ValueError as error:
            raise lines.error(f"a row of {table} is no text in UTF-8") from error


def _fields(line: bytes) -> list[bytes]:
    if b"\\" not in line:
        return line.split(b"\t")
    fields, position = [], 0
    while position <= len(line):
        match = _FIELD.match(line, position)
        assert match is not None  # it may be empty
        fields.append(match[0])
        position = match.end() + 1
    return fields


def _record(lines: _Lines, table: str, line_end: bytes) -> bytes:
    """The next row without its line end, or the end mark; raises `DumpError` if the dump ends before."""
    record = b""
    while True:
        line = lines.next()
        if line.endswith(b"\n") and not line.endswith(line_end):
            raise lines.error(f"the lines of {table} end in different ways")
        if not line.endswith(line_end):
            if not line or record + line != _END:  # the mark may be the last line, without a line end
                raise lines.error(f"it is cut off in the rows of {table}")
            return line
        record += line.removesuffix(line_end)
        backslashes = len(record) - len(record.rstrip(b"\\"))
        if backslashes % 2 == 0:
            return record
        record += b"\n"  # a line feed behind a backslash belongs to the value


def _unescaped(field: bytes) -> bytes:
    return _ESCAPE.sub(_meaning, field) if b"\\" in field else field


def _meaning(escape: re.Match[bytes]) -> bytes:
    octal, hexadecimal, other = escape.groups()
    if octal is not None:
        return bytes((int(octal, 8) & 0xFF,))
    if hexadecimal is not None:
        return bytes((int(hexadecimal, 16),))
    return _LETTERS.get(other, other)
