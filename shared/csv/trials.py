"""Tries dialects that fit a file's header on its first records, and chooses the best of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from shared.csv.dialect import Dialect
from shared.csv.scan import scan_record
from shared.csv.structure import find_structure
from shared.csv.unreadable import NoValidRecord

# Enough for some hundred records. Only malformed text takes as long as a second to read.
SAMPLE_BYTES: Final = 128 * 1024
# So many records without a valid one are no accident.
_HOPELESS_RECORDS: Final = 100


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


@dataclass(frozen=True, slots=True)
class Sniffed:
    """A dialect in which the file's header matches `layout`.

    `header_end`: how many bytes precede the first record, which begins at line `first_line`, counted from 1.
    """

    dialect: Dialect
    layout: Layout
    header: list[str]
    header_end: int
    first_line: int


@dataclass(frozen=True, slots=True)
class _Trial:
    """The first records as one dialect reads them.

    `valid`: number of valid records; `faults`: number of other records by reason; `cells`: number of cells that it
    unwraps; `malformed`: number of malformed spans; `is_doubled`: whether quotes within cells are escaped anywhere;
    `lines`: number of lines as any program would count them.
    """

    sniffed: Sniffed
    valid: int
    faults: Counter[str]
    cells: int
    malformed: int
    is_doubled: bool
    lines: int


def choose(text: bytes, candidates: Sequence[Sniffed]) -> Sniffed:
    """The first candidate, which is the usual one, unless another one reads the first records of `text` better.

    Raises `NoValidRecord` if even the best candidate reads none of them.
    """
    best, *others = (_try_out(text, sniffed) for sniffed in candidates)
    for other in others:
        if _is_better(other, best):
            best = other
    if not best.valid and max(best.faults.total(), best.lines) >= _HOPELESS_RECORDS:
        raise _hopeless(best)
    return best.sniffed


def _try_out(text: bytes, sniffed: Sniffed) -> _Trial:
    sample = _sample(text, sniffed.header_end)
    fields = len(sniffed.header)
    structure = find_structure(sample, sniffed.dialect, fields)
    faults = {span.start: span.code for span in structure.malformed}
    valid, start = 0, 0
    for record_end in structure.ends.tolist():
        if start not in faults:
            found = scan_record(sample[start:record_end], 0, sniffed.dialect, fields).fields
            if found is not None and len(found) == fields:
                valid += 1
            else:
                faults[start] = "wrong_field_count"
        start = record_end
    is_doubled = (sniffed.dialect.escape + sniffed.dialect.quote).encode() in sample
    cells, malformed = len(structure.quotes) // 2, len(structure.malformed)
    lines = sample.count(b"\n") + sample.count(b"\r") - sample.count(b"\r\n")
    return _Trial(sniffed, valid, Counter(faults.values()), cells, malformed, is_doubled, lines)


def _sample(text: bytes, start: int) -> bytes:
    """The whole lines among the bytes that are tried."""
    end = start + SAMPLE_BYTES
    newline = text.rfind(b"\n", start, end)
    return text[start : end if newline < 0 or len(text) <= end else newline + 1]


def _is_better(other: _Trial, best: _Trial) -> bool:
    """Whether `other` has better reasons than a few malformed quotes that it takes for text."""
    if other.sniffed.dialect.quoting:
        return _unwraps_more(other, best)
    return _has_literal_quotes(best) and other.valid > best.valid


def _unwraps_more(other: _Trial, best: _Trial) -> bool:
    if other.cells <= best.cells:
        return False
    if other.valid > best.valid:
        return True
    # Quotes of one kind wrap hardly any cell, and those of the other are even doubled; a few may be malformed.
    is_alone = other.cells > 10 * best.cells and 4 * (other.malformed - best.malformed) <= other.cells
    return is_alone and other.is_doubled and other.valid + other.malformed >= best.valid


def _has_literal_quotes(quoted: _Trial) -> bool:
    """Whether quotes are plain characters of the text.

    Many files with tabs are like that. Other files are not, unless the client says so.
    """
    return quoted.sniffed.dialect.delimiter == "\t" and quoted.malformed > 10 * quoted.cells


def _hopeless(trial: _Trial) -> NoValidRecord:
    records, fields = trial.faults.total(), len(trial.sniffed.header)
    return NoValidRecord(
        f"none of the first {records:,} records can be read as {fields} fields",
        {
            "records": records,
            "reasons": [{"code": code, "records": count} for code, count in trial.faults.most_common()],
        },
    )
