"""Which dialect a file is written in, told by its header and its first records.

A dialect in which no dataset recognises the header is out, so that a wrong guess never reaches a record. Those that are
left read the first records, with the reader that will read the others. A damaged quote makes other dialects look
better, which take it for text: so they must unwrap more cells, too, than the usual one.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from shared.datasets import Dataset, distance, recognise
from shared.errors import HeaderMismatch, NoSoundRecord, UnreadableFile, UnsupportedFile
from shared.ingest.dialect import BACKSLASH, DELIMITERS, QUOTES, Dialect
from shared.ingest.encoding import exchange
from shared.ingest.read import read_batch
from shared.ingest.records import Records
from shared.ingest.scan import line_end, scan_record
from shared.ingest.structure import find_structure

LONGEST_HEADER_BYTES: Final = 1024 * 1024
MOST_LINES_BEFORE_HEADER: Final = 20
# Enough for some hundred records; nothing but damage takes a second to read.
_SAMPLE_BYTES: Final = 128 * 1024
# So many records without a sound one are no accident.
_HOPELESS_RECORDS: Final = 100
_BYTE_ORDER_MARK: Final = "\ufeff".encode()


# What names are the header of: most dialects make the same names of a line.
_Known = dict[tuple[str, ...], Dataset | None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the client says about its file; None: find out."""

    dataset: str | None = None
    delimiter: str | None = None
    quoting: bool | None = None
    encoding: str | None = None


@dataclass(frozen=True, slots=True)
class Sniffed:
    """`header_end`: bytes up to the first record, which begins at line `first_line`, from 1."""

    dialect: Dialect
    dataset: Dataset
    header: list[str]
    header_end: int
    first_line: int


def sniff(head: bytes, wanted: Wanted, *, is_all: bool) -> Sniffed | None:
    """`head`: how the file begins, as UTF-8; `is_all`: it is the whole file. None: more of it is needed.

    Raises `HeaderMismatch`, `UnreadableFile`, `UnsupportedFile` and `NoSoundRecord`.
    """
    found: list[Sniffed] = []
    for newline in ("\n", "\r") if b"\r" in head else ("\n",):
        text = exchange(head) if newline == "\r" else head
        found = _fitting(text, newline, wanted, is_all=is_all)
        if found:
            break
    if found and (is_all or len(head) >= found[0].header_end + _SAMPLE_BYTES):
        return _best(text, found)
    if not found and (is_all or len(head) > LONGEST_HEADER_BYTES or _is_past_header(head)):
        raise _misfit(head, wanted)
    return None


def _fitting(text: bytes, newline: str, wanted: Wanted, *, is_all: bool) -> list[Sniffed]:
    """All dialects in which the first line that could be a header is one, the likeliest first."""
    start = len(_BYTE_ORDER_MARK) if text.startswith(_BYTE_ORDER_MARK) else 0
    known: _Known = {}
    for line_number in range(1, MOST_LINES_BEFORE_HEADER + 2):
        dialects = _dialects(text, wanted, newline, line_number)
        tried = (_try(text, start, dialect, wanted.dataset, known, is_all=is_all) for dialect in dialects)
        found = [sniffed for sniffed in tried if sniffed]
        if found:
            return sorted(found, key=_is_unusual)
        start = line_end(text, start)
    return []


def _dialects(text: bytes, wanted: Wanted, newline: str, line_number: int) -> Iterator[Dialect]:
    sample = text[:_SAMPLE_BYTES]
    for delimiter in DELIMITERS if wanted.delimiter is None else (wanted.delimiter,):
        plain = Dialect(delimiter, quoting=False, newline=newline, header_line=line_number)
        if wanted.quoting is not False:
            for quote, escape in product(QUOTES, ("", BACKSLASH)):
                if (quote == QUOTES[0] and not escape) or (escape + quote).encode() in sample:
                    yield replace(plain, quoting=True, quote=quote, escape=escape or quote)
        if wanted.quoting is not True:
            yield plain


def _try(
    text: bytes, start: int, dialect: Dialect, wanted: str | None, known: _Known, *, is_all: bool
) -> Sniffed | None:
    names, end = _header(text, start, dialect)
    if names is None or not (is_all or text.endswith(b"\n", start, end)):
        return None
    dataset = _recognised(names, wanted, known)
    if dataset is None:
        return None
    if text.endswith(b"\r\n", start, end):
        dialect = replace(dialect, newline="\r\n")
    return Sniffed(replace(dialect, nulls=dataset.nulls), dataset, names, end, 1 + text.count(b"\n", 0, end))


def _recognised(names: list[str], wanted: str | None, known: _Known) -> Dataset | None:
    key = tuple(names)
    if key not in known:
        try:
            known[key] = recognise(names, wanted)
        except HeaderMismatch:
            known[key] = None
    return known[key]


def _header(text: bytes, start: int, dialect: Dialect) -> tuple[list[str] | None, int]:
    record = scan_record(text, start, dialect)
    if record.fields is None or b"\0" in text[start : record.end]:
        return None, record.end
    fields = map(exchange, record.fields) if dialect.is_exchanged else record.fields
    try:
        return [name.decode().strip() for name in fields], record.end
    except UnicodeDecodeError:
        return None, record.end


def _is_unusual(sniffed: Sniffed) -> bool:
    """Files come as their publisher writes them, which for tabs may be without quotes, and else never is."""
    return sniffed.dialect.quoting != (sniffed.dataset.quoting or sniffed.dialect.delimiter != "\t")


@dataclass(frozen=True, slots=True)
class _Trial:
    """What a dialect makes of the first records: how many are `sound`, how many cells it unwraps, what is damaged."""

    sniffed: Sniffed
    records: Records
    cells: int
    damages: int

    @property
    def sound(self) -> int:
        return int(self.records.table.num_rows)


def _best(text: bytes, found: list[Sniffed]) -> Sniffed:
    """The usual dialect, unless another one has better reasons than some damage that it takes for text."""
    best, *others = (_trial(text, sniffed) for sniffed in found)
    for other in others:
        is_better = other.cells > best.cells if other.sniffed.dialect.quoting else _is_noise(best)
        if is_better and other.sound > best.sound:
            best = other
    if best.records.read >= _HOPELESS_RECORDS and not best.sound:
        raise _hopeless(best.records, len(best.sniffed.header))
    return best.sniffed


def _trial(text: bytes, sniffed: Sniffed) -> _Trial:
    end = sniffed.header_end + _SAMPLE_BYTES
    newline = text.rfind(b"\n", sniffed.header_end, end)
    sample = text[sniffed.header_end : end if newline < 0 or len(text) <= end else newline + 1]
    records = read_batch(sample, sniffed.first_line, sniffed.dialect, sniffed.header)
    structure = find_structure(sample, sniffed.dialect, len(sniffed.header))
    return _Trial(sniffed, records, len(structure.quotes) // 2, len(structure.damages))


def _is_noise(quoted: _Trial) -> bool:
    """Whether quotes are mere characters: more are misplaced than wrap a cell. With commas it takes a lot to say so."""
    is_tabbed = quoted.sniffed.dialect.delimiter == "\t"
    return quoted.damages > quoted.cells and (is_tabbed or 2 * quoted.sound < quoted.records.read)


def _hopeless(sample: Records, fields: int) -> NoSoundRecord:
    codes = Counter(sample.reasons["code"].to_pylist()).most_common()
    return NoSoundRecord(
        f"of the first {sample.read:,} records not one can be read as {fields} fields",
        {"records": sample.read, "reasons": [{"code": code, "records": count} for code, count in codes]},
    )


def _is_past_header(head: bytes) -> bool:
    return head.count(b"\n") + head.count(b"\r") > 2 * MOST_LINES_BEFORE_HEADER and len(head) > _SAMPLE_BYTES


def _misfit(head: bytes, wanted: Wanted) -> UnreadableFile:
    """Why no dialect fits: told of the one that comes nearest."""
    start = len(_BYTE_ORDER_MARK) if head.startswith(_BYTE_ORDER_MARK) else 0
    line = head[start : line_end(head, start)]
    if b"\0" in line:
        return UnsupportedFile("the content is binary, not text")
    if len(line) > LONGEST_HEADER_BYTES:
        return UnreadableFile(f"the header is longer than {LONGEST_HEADER_BYTES:,} bytes")
    headers = [names for dialect in _dialects(head, wanted, "\n", 1) if (names := _header(head, start, dialect)[0])]
    if not headers:
        return UnreadableFile("the header cannot be read: its quotes are damaged, or it is not valid text")
    try:
        recognise(min(headers, key=lambda names: (distance(names, wanted.dataset), -len(names))), wanted.dataset)
    except HeaderMismatch as error:
        return error
    raise AssertionError("no dialect fitted before")
