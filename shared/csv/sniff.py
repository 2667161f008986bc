"""Which dialect a file is written in, told by its header and its first records.

A `HeaderMatcher` of the caller judges each header that a dialect makes of the first lines. A dialect whose header does
not match is dropped, so a wrong guess never reaches a record. The remaining dialects read the first records. A malformed
quote makes dialects look better that take it for text, so another dialect wins only if it unwraps more cells as well.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final, Protocol

from shared.csv.dialect import BACKSLASH, DELIMITERS, QUOTES, USUAL_DELIMITERS, Dialect
from shared.csv.encoding import exchange
from shared.csv.initial_space import is_spaced, spaced_delimiter, tightened
from shared.csv.scan import MOST_FIELDS, line_end, scan_record
from shared.csv.structure import find_structure
from shared.csv.unreadable import EmptyFile, HeaderMismatch, NoValidRecord, UnreadableFile, UnsupportedFile

LONGEST_HEADER_BYTES: Final = 1024 * 1024
MOST_LINES_BEFORE_HEADER: Final = 20
# Enough for some hundred records; nothing but damage takes a second to read.
_SAMPLE_BYTES: Final = 128 * 1024
_LONGEST_NAME_BYTES: Final = 1_000
# So many records without a sound one are no accident.
_HOPELESS_RECORDS: Final = 100
_BYTE_ORDER_MARK: Final = "\ufeff".encode()


@dataclass(frozen=True, slots=True)
class TextOptions:
    """What the client says about the text of its file; None: the file tells.

    `like`: the dialect of the file, if its header can be read in it.
    """

    delimiter: str | None = None
    quoting: bool | None = None
    encoding: str | None = None
    like: Dialect | None = None


class Layout(Protocol):
    """What a matched header tells about the records below it."""

    @property
    def name(self) -> str:
        """Of the kind of file."""

    @property
    def nulls(self) -> tuple[str, ...]:
        """Cell texts that mean null."""

    @property
    def quoting(self) -> bool:
        """Whether the publisher of such files wraps cells in quotes."""


class HeaderMatcher(Protocol):
    """Judges the column names that a dialect makes of a line."""

    @property
    def most_columns(self) -> int:
        """A header with more columns never matches."""

    def match(self, header: Sequence[str]) -> Layout:
        """The layout that the header belongs to; raises `HeaderMismatch`."""

    def distance(self, header: Sequence[str]) -> float:
        """How far the header is from the nearest layout: 0 (a match) to 1 (no column in common)."""

    def dialect_of(self, header: Sequence[str], dialect: Dialect) -> Dialect:
        """The dialect of a file whose header says what it is; else the given one."""


# Of each header that was matched: most dialects make the same names of a line.
_Matched = dict[tuple[str, ...], Layout | None]


@dataclass(frozen=True, slots=True)
class Sniffed:
    """`header_end`: bytes up to the first record, which begins at line `first_line`, from 1."""

    dialect: Dialect
    layout: Layout
    header: list[str]
    header_end: int
    first_line: int


def sniff(head: bytes, options: TextOptions, matcher: HeaderMatcher, *, is_all: bool) -> Sniffed | None:
    """`head`: how the file begins, as UTF-8; `is_all`: it is the whole file. None: more of it is needed.

    Raises `HeaderMismatch`, `UnreadableFile`, `UnsupportedFile` and `NoValidRecord`.
    """
    text, found = head, list[Sniffed]()
    for text, stored in _readings(head, options):
        found = _fitting(text, stored, options, matcher, is_all=is_all)
        if found:
            break
    if found and (is_all or len(head) >= found[0].header_end + _SAMPLE_BYTES):
        return _best(text, found)
    if not found and (is_all or len(head) > LONGEST_HEADER_BYTES or _is_past_header(head)):
        raise _misfit(head, options, matcher)
    return None


def _readings(head: bytes, options: TextOptions) -> Iterator[tuple[bytes, Dialect]]:
    """The text in each way in which it could be stored, and what of the dialect that decides."""
    for newline in ("\n", "\r") if b"\r" in head else ("\n",):
        text = exchange(head) if newline == "\r" else head
        spaced = spaced_delimiter(text, MOST_LINES_BEFORE_HEADER + 1)
        if options.like is not None and options.like.skip_initial_space:
            spaced = options.like.delimiter
        if spaced is not None and options.delimiter in {None, spaced} and options.quoting is not False:
            yield tightened(text, spaced), Dialect(spaced, quoting=False, newline=newline, skip_initial_space=True)
        yield text, Dialect("", quoting=False, newline=newline)


def _fitting(
    text: bytes, stored: Dialect, options: TextOptions, matcher: HeaderMatcher, *, is_all: bool
) -> list[Sniffed]:
    """All dialects in which the first line that could be a header is one, the likeliest first."""
    start = _behind_boms(text)
    matched: _Matched = {}
    for line_number in range(1, MOST_LINES_BEFORE_HEADER + 2):
        dialects = _dialects(text, options, replace(stored, header_line=line_number))
        if options.like is not None and options.like.skip_initial_space == stored.skip_initial_space:
            alike = replace(options.like, newline=stored.newline, header_line=line_number)
            sniffed = _try(text, start, alike, options, matcher, matched, is_all=is_all)
            if sniffed is not None:
                return [sniffed]
        tried = (_try(text, start, dialect, options, matcher, matched, is_all=is_all) for dialect in dialects)
        found = [sniffed for sniffed in tried if sniffed]
        if found:
            return sorted(found, key=_is_unusual)
        start = line_end(text, start)
    return []


def _dialects(text: bytes, options: TextOptions, stored: Dialect) -> Iterator[Dialect]:
    sample = text[:_SAMPLE_BYTES]
    known = stored.delimiter or options.delimiter
    for delimiter in (known,) if known else DELIMITERS:
        plain = replace(stored, delimiter=delimiter)
        if options.quoting is not False:
            for quote, escape in product(QUOTES, ("", BACKSLASH)):
                if (quote == QUOTES[0] and not escape) or (escape + quote).encode() in sample:
                    yield replace(plain, quoting=True, quote=quote, escape=escape or quote)
        if options.quoting is not True:
            yield plain


def _try(
    text: bytes,
    start: int,
    dialect: Dialect,
    options: TextOptions,
    matcher: HeaderMatcher,
    matched: _Matched,
    *,
    is_all: bool,
) -> Sniffed | None:
    """The file as this dialect reads it, if the line at `start` is a header in it."""
    names, end = _header(text, start, dialect)
    if names is None or not (is_all or text.endswith(b"\n", start, end)):
        return None
    if b"\r" in text[start:end].rstrip(b"\r\n"):  # lines end otherwise
        return None
    if dialect.skip_initial_space and options.like is None and not is_spaced(text[start:end], dialect.delimiter):
        return None
    layout = _matched_layout(names, matcher, matched)
    if layout is None:
        return None
    if (said := matcher.dialect_of(names, dialect)) != dialect:
        return _try(text, start, said, options, matcher, matched, is_all=is_all)
    if text.endswith(b"\r\n", start, end):
        dialect = replace(dialect, newline="\r\n")
    return Sniffed(replace(dialect, nulls=layout.nulls), layout, names, end, 1 + text.count(b"\n", 0, end))


def _matched_layout(names: list[str], matcher: HeaderMatcher, matched: _Matched) -> Layout | None:
    key = tuple(names)
    if key not in matched:
        try:
            matched[key] = matcher.match(names)
        except HeaderMismatch:
            matched[key] = None
    return matched[key]


def _header(text: bytes, start: int, dialect: Dialect) -> tuple[list[str] | None, int]:
    record = scan_record(text, start, dialect)
    fields = record.fields
    if fields is None or max(map(len, fields)) > _LONGEST_NAME_BYTES or b"\0" in text[start : record.end]:
        return None, record.end
    try:
        names = [(exchange(name) if dialect.is_exchanged else name).decode().strip() for name in fields]
    except UnicodeDecodeError:
        return None, record.end
    return names, record.end


def _behind_boms(text: bytes) -> int:
    start = 0
    while text.startswith(_BYTE_ORDER_MARK, start):  # files that were put together may have two
        start += len(_BYTE_ORDER_MARK)
    return start


def _is_unusual(sniffed: Sniffed) -> bool:
    """Files come as their publisher writes them, which for tabs may be without quotes, and else never is."""
    return sniffed.dialect.quoting != (sniffed.layout.quoting or sniffed.dialect.delimiter != "\t")


@dataclass(frozen=True, slots=True)
class _Trial:
    """What a dialect makes of the first records: how many are sound, what is wrong with others, cells it unwraps.

    `lines`: as any program would count them.
    """

    sniffed: Sniffed
    valid: int
    faults: Counter[str]
    cells: int
    malformed: int
    is_doubled: bool
    lines: int


def _best(text: bytes, found: list[Sniffed]) -> Sniffed:
    """The usual dialect, unless another one has better reasons than some damage that it takes for text."""
    best, *others = (_trial(text, sniffed) for sniffed in found)
    for other in others:
        is_quoting = other.sniffed.dialect.quoting
        if _unwraps_more(other, best) if is_quoting else (_is_noise(best) and other.valid > best.valid):
            best = other
    if not best.valid and max(best.faults.total(), best.lines) >= _HOPELESS_RECORDS:
        raise _hopeless(best)
    return best.sniffed


def _unwraps_more(other: _Trial, best: _Trial) -> bool:
    if other.cells <= best.cells:
        return False
    if other.valid > best.valid:
        return True
    # Quotes of one kind wrap hardly a cell, those of the other are even doubled; a few may be damaged.
    is_alone = other.cells > 10 * best.cells and 4 * (other.malformed - best.malformed) <= other.cells
    return is_alone and other.is_doubled and other.valid + other.malformed >= best.valid


def _trial(text: bytes, sniffed: Sniffed) -> _Trial:
    end = sniffed.header_end + _SAMPLE_BYTES
    newline = text.rfind(b"\n", sniffed.header_end, end)
    sample = text[sniffed.header_end : end if newline < 0 or len(text) <= end else newline + 1]
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


def _is_noise(quoted: _Trial) -> bool:
    """Whether quotes are mere characters: so it is in many files with tabs, and in others only if somebody says so."""
    return quoted.sniffed.dialect.delimiter == "\t" and quoted.malformed > 10 * quoted.cells


def _hopeless(trial: _Trial) -> NoValidRecord:
    records, fields = trial.faults.total(), len(trial.sniffed.header)
    return NoValidRecord(
        f"of the first {records:,} records not one can be read as {fields} fields",
        {
            "records": records,
            "reasons": [{"code": code, "records": count} for code, count in trial.faults.most_common()],
        },
    )


def _is_past_header(head: bytes) -> bool:
    return head.count(b"\n") + head.count(b"\r") > 2 * MOST_LINES_BEFORE_HEADER and len(head) > _SAMPLE_BYTES


def _misfit(head: bytes, options: TextOptions, matcher: HeaderMatcher) -> UnreadableFile:
    """Why no dialect fits: told of the first line with any text, in the dialect that comes nearest."""
    text = head[_behind_boms(head) :].lstrip(b"\r\n")
    line = text[: line_end(text, 0)]
    if b"\r" in line.rstrip(b"\r\n"):
        text = exchange(text)
        line = text[: line_end(text, 0)]
    if not line:
        return EmptyFile("the file has blank lines and nothing else")
    if b"\0" in line:
        return UnsupportedFile("the content is binary, not text")
    if len(line) > LONGEST_HEADER_BYTES:
        return UnreadableFile(f"the header is longer than {LONGEST_HEADER_BYTES:,} bytes")
    if max(line.count(delimiter.encode()) for delimiter in USUAL_DELIMITERS) >= MOST_FIELDS:
        return HeaderMismatch(f"the header has more than {MOST_FIELDS:,} columns; {matcher.most_columns:,} is the most")
    dialects = _dialects(text, options, Dialect("", quoting=False))
    headers = {dialect: names for dialect in dialects if (names := _header(text, 0, dialect)[0])}
    if not headers:
        return UnreadableFile("the header cannot be read: its quotes are damaged, or it is not valid text")

    def strangeness(dialect: Dialect) -> tuple[float, bool, bool, int]:
        names = headers[dialect]
        is_rare = dialect.delimiter not in USUAL_DELIMITERS
        return matcher.distance(names), len(names) == 1, is_rare, -len(names)

    try:
        matcher.match(headers[min(headers, key=strangeness)])
    except HeaderMismatch as error:
        return error
    raise AssertionError("no dialect fitted before")
