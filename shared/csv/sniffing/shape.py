"""The shape of a table of which nothing is known: its delimiter, its number of columns, and whether it has a header.

In the right dialect most records have the same number of cells. A header differs from the records below it: a number
or a date in its column is no name.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from shared.csv.dialect import BACKSLASH, DELIMITERS, QUOTES, USUAL_DELIMITERS, Dialect
from shared.csv.encodings.to_utf8 import exchange
from shared.csv.sniffing.trials import SAMPLE_BYTES
from shared.csv.structure.record_structure import find_structure
from shared.csv.structure.scan import scan_record

_MOST_RECORDS: Final = 200
_LEAST_SHARE: Final = 0.5
_YEAR: Final = re.compile("(?:1[5-9]|20)[0-9]{2}")
# What hardly any name in a header looks like.
_VALUE: Final = re.compile(
    r"[+-]?[\d.,]*\d[\d.,]*%?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?|\d{1,2}:\d{2}(:\d{2})?|true|false",
    re.ASCII | re.IGNORECASE,
)
_JOINED: Final = re.compile(r"\d[;\t|][+-]?\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Shape:
    """`width`: how many cells most records have."""

    delimiter: str
    width: int
    has_header: bool


def shape_of(text: bytes, delimiter: str | None, quoting: bool | None) -> Shape:
    """The shape of the table that begins with this text, in UTF-8; the client may have said delimiter and quoting."""
    sample = _whole_lines(exchange(text) if text.count(b"\r") > 2 * text.count(b"\n") else text)
    found = [
        (records, dialect)
        for dialect in _dialects(sample, delimiter, quoting)
        if (records := _records(sample, dialect))
    ]
    if not found:
        return Shape(delimiter or USUAL_DELIMITERS[0], 1, has_header=True)
    best, dialect = max(
        found, key=lambda each: (_regularity(each[0], each[1].delimiter), -DELIMITERS.index(each[1].delimiter))
    )
    width = _width(best)
    if width == 1 and delimiter is None:  # one that does not occur divides no cell
        absent = [each for each in USUAL_DELIMITERS if each.encode() not in sample]
        dialect = replace(dialect, delimiter=(absent or USUAL_DELIMITERS)[0])
    table = [record for position, record in enumerate(best) if can_be_header(len(record), width) or position]
    return Shape(dialect.delimiter, _named_width(table, width), _has_header(table))


def can_be_header(names: int, width: int) -> bool:
    """Whether a line with so many names is no title above the table, whose records have so many cells."""
    return names >= max(min(width, 2), (width + 1) // 2)


def _named_width(table: Sequence[Sequence[str]], width: int) -> int:
    """The width without a last cell that is always empty and has no name: the records end with a delimiter."""
    is_cut = bool(table) and len(table[0]) == width - 1
    return width - 1 if is_cut and not any(record[width - 1] for record in table if len(record) >= width) else width


def _dialects(sample: bytes, delimiter: str | None, quoting: bool | None) -> Iterator[Dialect]:
    for each in (delimiter,) if delimiter else DELIMITERS:
        if each.encode() in sample or each == (delimiter or USUAL_DELIMITERS[0]):
            if quoting is not False:
                for quote, escape in product(QUOTES, ("", BACKSLASH)):
                    if quote == QUOTES[0] or (quote.encode() in sample):
                        yield Dialect(each, quoting=True, quote=quote, escape=escape or quote)
            if quoting is not True:
                yield Dialect(each, quoting=False)


def _records(sample: bytes, dialect: Dialect) -> list[list[str]]:
    """The first records that are valid and not blank."""
    structure = find_structure(sample, dialect, 0)
    malformed = {span.start for span in structure.malformed}
    records, start = list[list[str]](), 0
    for end in structure.ends.tolist()[:_MOST_RECORDS]:
        if start not in malformed and sample[start:end].strip():
            fields = scan_record(sample[start:end], 0, dialect).fields
            if fields is not None:
                records.append([field.decode("utf-8", "replace").strip() for field in fields])
        start = end
    return records


def _regularity(records: Sequence[Sequence[str]], delimiter: str) -> tuple[float, float, float, bool, int]:
    """How much the records look like a table: several columns, most records alike.

    Of equals, cells are not wrapped in quotes, no cell is two numbers with another delimiter between them (`5;2`, which
    a decimal comma leaves of `1,5;2,5`), and the delimiter is a usual one.
    """
    width = _width(records)
    share = sum(len(record) == width for record in records) / len(records)
    is_table = width > 1 and share >= _LEAST_SHARE
    wrapped = sum(cell[:1] in QUOTES and cell[-1:] == cell[:1] and len(cell) > 1 for row in records for cell in row)
    joined = sum(_JOINED.search(cell) is not None for row in records for cell in row)
    is_usual = is_table and delimiter in USUAL_DELIMITERS
    quality = -wrapped / len(records), -joined / len(records)
    return (share if is_table else 0.0, *quality, is_usual, width if is_table else 0)


def _width(records: Sequence[Sequence[str]]) -> int:
    """The number of cells that most records have; of equals, the greatest."""
    counts = Counter(len(record) for record in records)
    return max(counts, key=lambda width: (counts[width], width))


def _has_header(records: Sequence[Sequence[str]]) -> bool:
    """Whether the first record is a header: it has text where the others have values, or nothing says otherwise."""
    first, others = (records[0], records[1:]) if records else ([], [])
    if not others:
        return not any(map(_is_value, first))
    named = unnamed = 0
    for position, cell in enumerate(first):
        cells = [record[position] for record in others if len(record) > position and record[position]]
        if cells and sum(map(_is_value, cells)) > len(cells) / 2:
            is_name = not _is_value(cell) or (_is_year(cell) and not any(map(_is_year, cells)))
            named += bool(cell) and is_name
            unnamed += not is_name
    return not unnamed or named > unnamed


def _is_year(cell: str) -> bool:
    """Whether it is a year, which names a column whose values are something else."""
    return _YEAR.fullmatch(cell) is not None


def _is_value(cell: str) -> bool:
    return _VALUE.fullmatch(cell) is not None


def _whole_lines(text: bytes) -> bytes:
    sample = text[:SAMPLE_BYTES]
    end = sample.rfind(b"\n") + 1
    return sample if len(text) <= SAMPLE_BYTES or not end else sample[:end]
