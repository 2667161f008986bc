"""Tries dialects that fit a file's header on its first records, and chooses the best of them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np

from shared.csv.dialect import BACKSLASH, QUOTES, Dialect
from shared.csv.structure.record_structure import Structure, find_structure
from shared.csv.structure.scan import scan_record
from shared.csv.unreadable import NoValidRecord

# Enough for some hundred records. Only malformed text takes as long as a second to read.
SAMPLE_BYTES: Final = 128 * 1024
# So many records without a valid one are no accident.
_HOPELESS_RECORDS: Final = 100
_KEPT_ROWS: Final = 5_000


class Layout(Protocol):
    """What a matched header says about the records below it."""

    @property
    def name(self) -> str:
        """The name of the kind of file."""

    @property
    def nulls(self) -> tuple[str, ...]:
        """Cell texts that mean null."""

    @property
    def quoting(self) -> bool:
        """Whether the publisher of such files wraps cells in quotes."""

    @property
    def score(self) -> float:
        """How well the header matches, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Sniffed:
    """A dialect in which the file's header matches `layout`.

    `header`: a name of its own for each column. `header_end`: how many bytes precede the first record, which begins at
    line `first_line`, counted from 1.
    """

    dialect: Dialect
    layout: Layout
    header: list[str]
    header_end: int
    first_line: int


@dataclass(frozen=True, slots=True)
class Quoted:
    """Numbers of cells: wrapped in quotes, those of them that had to be, and those that are empty; and of quotes that
    are plain characters outside of wrapped cells.
    """

    cells: int
    needed: int
    empty: int
    literal: int

    @property
    def is_evident(self) -> bool:
        """Whether cells are wrapped because the text demands it, and hardly any quote contradicts that."""
        return self.needed > 0 and 10 * self.literal <= self.needed


@dataclass(frozen=True, slots=True)
class Trial:
    """The first records as one dialect reads them.

    `rows`: cells of the first valid records; `valid`: number of valid records; `faults`: number of other records by
    reason; `malformed`: number of malformed spans; `lines`: number of lines as any program would count them.
    """

    sniffed: Sniffed
    rows: list[list[str]]
    valid: int
    faults: Counter[str]
    quoted: Quoted
    malformed: int
    lines: int


def choose(text: bytes, candidates: Sequence[Sniffed]) -> Trial:
    """The first candidate, which is the usual one, unless another one reads the first records of `text` better.

    Raises `NoValidRecord` if even the best candidate reads none of them.
    """
    best, *others = (_try_out(text, sniffed) for sniffed in candidates)
    for other in others:
        if _is_better(other, best):
            best = other
    if not best.valid and max(best.faults.total(), best.lines) >= _HOPELESS_RECORDS:
        raise _hopeless(best)
    return best


def _try_out(text: bytes, sniffed: Sniffed) -> Trial:
    sample = _sample(text, sniffed.header_end)
    trial, widths = _read(sample, sniffed)
    wider = len(sniffed.header) + 1
    # Each record ends with a delimiter, and the header does not: the last column has no name.
    if 2 * widths[wider] > sum(widths.values()):
        named = replace(sniffed, header=[*sniffed.header, f"column_{wider}"])
        with_last, _ = _read(sample, named)
        if with_last.valid > trial.valid and not any(row[-1].strip() for row in with_last.rows):
            return with_last
    return trial


def _read(sample: bytes, sniffed: Sniffed) -> tuple[Trial, Counter[int]]:
    """The trial, and how many records have which number of fields."""
    dialect, fields = sniffed.dialect, len(sniffed.header)
    structure = find_structure(sample, dialect, fields)
    faults = {span.start: span.code for span in structure.malformed}
    rows, valid, start, widths = list[list[str]](), 0, 0, Counter[int]()
    for record_end in structure.ends.tolist():
        if start not in faults and sample[start:record_end].strip(b"\r\n"):
            found = scan_record(sample[start:record_end], 0, dialect, fields + 1).fields
            widths[len(found or ())] += 1
            if found is not None and len(found) == fields:
                valid += 1
                if len(rows) < _KEPT_ROWS:
                    cells = [cell.decode("utf-8", "replace") for cell in found]
                    rows.append([cell.lstrip(" ") for cell in cells] if dialect.skip_initial_space else cells)
            else:
                faults[start] = "wrong_field_count"
        start = record_end
    lines = sample.count(b"\n") + sample.count(b"\r") - sample.count(b"\r\n")
    quoted = _quoted(sample, structure, dialect)
    return Trial(sniffed, rows, valid, Counter(faults.values()), quoted, len(structure.malformed), lines), widths


def _sample(text: bytes, start: int) -> bytes:
    """The whole lines among the bytes that are tried."""
    end = start + SAMPLE_BYTES
    newline = text.rfind(b"\n", start, end)
    return text[start : end if newline < 0 or len(text) <= end else newline + 1]


def _quoted(sample: bytes, structure: Structure, dialect: Dialect) -> Quoted:
    quote, delimiter = dialect.quote.encode(), dialect.delimiter.encode()
    escaped = dialect.escape.encode() + quote
    cells = needed = empty = used = 0
    for start, end in _wrapped(structure.quotes):
        inner = sample[start + 1 : end]
        cells += 1
        empty += not inner
        needed += delimiter in inner or b"\n" in inner or b"\r" in inner or escaped in inner
        used += 2 + _bare(inner, quote, dialect)
    return Quoted(cells, needed, empty, literal=max(_bare(sample, quote, dialect) - used, 0))


def _bare(text: bytes, quote: bytes, dialect: Dialect) -> int:
    """How many quotes no backslash precedes, where backslashes escape them."""
    return text.count(quote) - (text.count(BACKSLASH.encode() + quote) if dialect.is_escaped else 0)


def _wrapped(quotes: np.ndarray) -> Iterator[tuple[int, int]]:
    """The opening and the closing quote of each wrapped cell: a doubled quote closes a cell and opens it again."""
    start = end = -2
    for opening, closing in quotes.reshape(-1, 2).tolist() if len(quotes) % 2 == 0 else []:
        if opening != end + 1:
            if start >= 0:
                yield start, end
            start = opening
        end = closing
    if start >= 0:
        yield start, end


def _is_better(other: Trial, best: Trial) -> bool:
    """Whether `other` has better reasons than a few malformed quotes that it takes for text."""
    if other.sniffed.dialect.quoting:
        return _unwraps_more(other, best)
    return _has_literal_quotes(best) and other.valid > best.valid


def _unwraps_more(other: Trial, best: Trial) -> bool:
    """Whether there is evidence that cells are wrapped as `other` unwraps them.

    A cell between quotes is none: a title may be like that. Cells that had to be wrapped are, and a column in which
    all cells are.
    """
    if other.quoted.cells <= best.quoted.cells:
        return False
    is_apostrophe = other.sniffed.dialect.quote != QUOTES[0]
    if is_apostrophe and other.quoted.literal and other.quoted.needed < other.quoted.cells:
        return False  # apostrophes are plain characters here, and a cell may begin and end with one
    if other.valid > best.valid and (other.quoted.needed or best.quoted.cells == 0):
        return other.quoted.is_evident or other.quoted.needed == other.quoted.cells or other.valid > 2 * best.valid
    if _wraps_a_column(other) and not best.sniffed.dialect.quoting:
        return True
    # Quotes of one kind wrap hardly any cell, and those of the other are even doubled; a few may be malformed.
    is_alone = (
        other.quoted.cells > 10 * best.quoted.cells and 4 * (other.malformed - best.malformed) <= other.quoted.cells
    )
    return is_alone and other.quoted.is_evident and other.valid + other.malformed >= best.valid


def _wraps_a_column(trial: Trial) -> bool:
    """Whether each record has cells between quotes, and no quote is anything else."""
    return trial.quoted.cells - trial.quoted.empty >= trial.valid > 1 and not (trial.quoted.literal or trial.malformed)


def _has_literal_quotes(trial: Trial) -> bool:
    """Whether quotes are plain characters of the text.

    Many files with tabs are like that. Other files are not, unless the client says so.
    """
    return trial.sniffed.dialect.delimiter == "\t" and trial.malformed > 10 * trial.quoted.cells


def _hopeless(trial: Trial) -> NoValidRecord:
    records, fields = trial.faults.total(), len(trial.sniffed.header)
    return NoValidRecord(
        f"none of the first {records:,} records can be read as {fields} fields",
        {
            "records": records,
            "reasons": [{"code": code, "records": count} for code, count in trial.faults.most_common()],
        },
    )
