"""Which dialect a file is written in, told by its header and its first records.

A dialect in which no dataset recognises the header is out, so that a wrong guess never reaches a record. Those that are
left read the first records. A damaged quote makes other dialects look better, which take it for text: so they must
unwrap more cells, too, than the usual one.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from shared.datasets import MOST_COLUMNS, Dataset, distance, recognise
from shared.errors import EmptyFile, HeaderMismatch, NoSoundRecord, UnreadableFile, UnsupportedFile
from shared.ingest.dialect import BACKSLASH, DELIMITERS, QUOTES, USUAL_DELIMITERS, Dialect
from shared.ingest.encoding import exchange
from shared.ingest.scan import MOST_FIELDS, line_end, scan_record
from shared.ingest.spacing import is_spaced, spaced_delimiter, tightened
from shared.ingest.structure import find_structure

LONGEST_HEADER_BYTES: Final = 1024 * 1024
MOST_LINES_BEFORE_HEADER: Final = 20
# Enough for some hundred records; nothing but damage takes a second to read.
_SAMPLE_BYTES: Final = 128 * 1024
_LONGEST_NAME_BYTES: Final = 1_000
# So many records without a sound one are no accident.
_HOPELESS_RECORDS: Final = 100
_BYTE_ORDER_MARK: Final = "\ufeff".encode()


# What names are the header of: most dialects make the same names of a line.
_Known = dict[tuple[str, ...], Dataset | None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the client says about its file; None: find out.

    `like`: the dialect that it has if its header can be read so. `recognise` judges the header; `written` tells the
    dialect of a file whose header says so, from the one that it was taken for.
    """

    dataset: str | None = None
    delimiter: str | None = None
    quoting: bool | None = None
    encoding: str | None = None
    like: Dialect | None = None
    recognise: Callable[[Sequence[str], str | None], Dataset] = recognise
    written: Callable[[Sequence[str], Dialect], Dialect] = lambda _header, dialect: dialect


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
    text, found = head, list[Sniffed]()
    for text, stored in _readings(head, wanted):
        found = _fitting(text, stored, wanted, is_all=is_all)
        if found:
            break
    if found and (is_all or len(head) >= found[0].header_end + _SAMPLE_BYTES):
        return _best(text, found)
    if not found and (is_all or len(head) > LONGEST_HEADER_BYTES or _is_past_header(head)):
        raise _misfit(head, wanted)
    return None


def _readings(head: bytes, wanted: Wanted) -> Iterator[tuple[bytes, Dialect]]:
    """The text in each way in which it could be stored, and what of the dialect that decides."""
    for newline in ("\n", "\r") if b"\r" in head else ("\n",):
        text = exchange(head) if newline == "\r" else head
        spaced = spaced_delimiter(text, MOST_LINES_BEFORE_HEADER + 1)
        if wanted.like is not None and wanted.like.skip_initial_space:
            spaced = wanted.like.delimiter
        if spaced is not None and wanted.delimiter in {None, spaced} and wanted.quoting is not False:
            yield tightened(text, spaced), Dialect(spaced, quoting=False, newline=newline, skip_initial_space=True)
        yield text, Dialect("", quoting=False, newline=newline)


def _fitting(text: bytes, stored: Dialect, wanted: Wanted, *, is_all: bool) -> list[Sniffed]:
    """All dialects in which the first line that could be a header is one, the likeliest first."""
    start = _behind_marks(text)
    known: _Known = {}
    for line_number in range(1, MOST_LINES_BEFORE_HEADER + 2):
        dialects = _dialects(text, wanted, replace(stored, header_line=line_number))
        if wanted.like is not None and wanted.like.skip_initial_space == stored.skip_initial_space:
            alike = replace(wanted.like, newline=stored.newline, header_line=line_number)
            sniffed = _try(text, start, alike, wanted, known, is_all=is_all)
            if sniffed is not None:
                return [sniffed]
        tried = (_try(text, start, dialect, wanted, known, is_all=is_all) for dialect in dialects)
        found = [sniffed for sniffed in tried if sniffed]
        if found:
            return sorted(found, key=_is_unusual)
        start = line_end(text, start)
    return []


def _dialects(text: bytes, wanted: Wanted, stored: Dialect) -> Iterator[Dialect]:
    sample = text[:_SAMPLE_BYTES]
    known = stored.delimiter or wanted.delimiter
    for delimiter in (known,) if known else DELIMITERS:
        plain = replace(stored, delimiter=delimiter)
        if wanted.quoting is not False:
            for quote, escape in product(QUOTES, ("", BACKSLASH)):
                if (quote == QUOTES[0] and not escape) or (escape + quote).encode() in sample:
                    yield replace(plain, quoting=True, quote=quote, escape=escape or quote)
        if wanted.quoting is not True:
            yield plain


def _try(text: bytes, start: int, dialect: Dialect, wanted: Wanted, known: _Known, *, is_all: bool) -> Sniffed | None:
    names, end = _header(text, start, dialect)
    if names is None or not (is_all or text.endswith(b"\n", start, end)):
        return None
    if b"\r" in text[start:end].rstrip(b"\r\n"):  # lines end otherwise
        return None
    if dialect.skip_initial_space and wanted.like is None and not is_spaced(text[start:end], dialect.delimiter):
        return None
    dataset = _recognised(names, wanted, known)
    if dataset is None:
        return None
    if (said := wanted.written(names, dialect)) != dialect:
        return _try(text, start, said, wanted, known, is_all=is_all)
    if text.endswith(b"\r\n", start, end):
        dialect = replace(dialect, newline="\r\n")
    return Sniffed(replace(dialect, nulls=dataset.nulls), dataset, names, end, 1 + text.count(b"\n", 0, end))


def _recognised(names: list[str], wanted: Wanted, known: _Known) -> Dataset | None:
    key = tuple(names)
    if key not in known:
        try:
            known[key] = wanted.recognise(names, wanted.dataset)
        except HeaderMismatch:
            known[key] = None
    return known[key]


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


def _behind_marks(text: bytes) -> int:
    start = 0
    while text.startswith(_BYTE_ORDER_MARK, start):  # files that were put together may have two
        start += len(_BYTE_ORDER_MARK)
    return start


def _is_unusual(sniffed: Sniffed) -> bool:
    """Files come as their publisher writes them, which for tabs may be without quotes, and else never is."""
    return sniffed.dialect.quoting != (sniffed.dataset.quoting or sniffed.dialect.delimiter != "\t")


@dataclass(frozen=True, slots=True)
class _Trial:
    """What a dialect makes of the first records: how many are sound, what is wrong with others, cells it unwraps.

    `lines`: as any program would count them.
    """

    sniffed: Sniffed
    sound: int
    faults: Counter[str]
    cells: int
    damages: int
    is_doubled: bool
    lines: int


def _best(text: bytes, found: list[Sniffed]) -> Sniffed:
    """The usual dialect, unless another one has better reasons than some damage that it takes for text."""
    best, *others = (_trial(text, sniffed) for sniffed in found)
    for other in others:
        is_quoting = other.sniffed.dialect.quoting
        if _unwraps_more(other, best) if is_quoting else (_is_noise(best) and other.sound > best.sound):
            best = other
    if not best.sound and max(best.faults.total(), best.lines) >= _HOPELESS_RECORDS:
        raise _hopeless(best)
    return best.sniffed


def _unwraps_more(other: _Trial, best: _Trial) -> bool:
    if other.cells <= best.cells:
        return False
    if other.sound > best.sound:
        return True
    # Quotes of one kind wrap hardly a cell, those of the other are even doubled; a few may be damaged.
    is_alone = other.cells > 10 * best.cells and 4 * (other.damages - best.damages) <= other.cells
    return is_alone and other.is_doubled and other.sound + other.damages >= best.sound


def _trial(text: bytes, sniffed: Sniffed) -> _Trial:
    end = sniffed.header_end + _SAMPLE_BYTES
    newline = text.rfind(b"\n", sniffed.header_end, end)
    sample = text[sniffed.header_end : end if newline < 0 or len(text) <= end else newline + 1]
    fields = len(sniffed.header)
    structure = find_structure(sample, sniffed.dialect, fields)
    faults = {damage.start: damage.code for damage in structure.damages}
    sound, start = 0, 0
    for record_end in structure.ends.tolist():
        if start not in faults:
            found = scan_record(sample[start:record_end], 0, sniffed.dialect, fields).fields
            if found is not None and len(found) == fields:
                sound += 1
            else:
                faults[start] = "wrong_field_count"
        start = record_end
    is_doubled = (sniffed.dialect.escape + sniffed.dialect.quote).encode() in sample
    cells, damages = len(structure.quotes) // 2, len(structure.damages)
    lines = sample.count(b"\n") + sample.count(b"\r") - sample.count(b"\r\n")
    return _Trial(sniffed, sound, Counter(faults.values()), cells, damages, is_doubled, lines)


def _is_noise(quoted: _Trial) -> bool:
    """Whether quotes are mere characters: so it is in many files with tabs, and in others only if somebody says so."""
    return quoted.sniffed.dialect.delimiter == "\t" and quoted.damages > 10 * quoted.cells


def _hopeless(trial: _Trial) -> NoSoundRecord:
    records, fields = trial.faults.total(), len(trial.sniffed.header)
    return NoSoundRecord(
        f"of the first {records:,} records not one can be read as {fields} fields",
        {
            "records": records,
            "reasons": [{"code": code, "records": count} for code, count in trial.faults.most_common()],
        },
    )


def _is_past_header(head: bytes) -> bool:
    return head.count(b"\n") + head.count(b"\r") > 2 * MOST_LINES_BEFORE_HEADER and len(head) > _SAMPLE_BYTES


def _misfit(head: bytes, wanted: Wanted) -> UnreadableFile:
    """Why no dialect fits: told of the first line with any text, in the dialect that comes nearest."""
    text = head[_behind_marks(head) :].lstrip(b"\r\n")
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
        return HeaderMismatch(f"the header has more than {MOST_FIELDS:,} columns; {MOST_COLUMNS:,} is the most")
    dialects = _dialects(text, wanted, Dialect("", quoting=False))
    headers = {dialect: names for dialect in dialects if (names := _header(text, 0, dialect)[0])}
    if not headers:
        return UnreadableFile("the header cannot be read: its quotes are damaged, or it is not valid text")

    def strangeness(dialect: Dialect) -> tuple[float, bool, bool, int]:
        names = headers[dialect]
        is_rare = dialect.delimiter not in USUAL_DELIMITERS
        return distance(names, wanted.dataset), len(names) == 1, is_rare, -len(names)

    try:
        wanted.recognise(headers[min(headers, key=strangeness)], wanted.dataset)
    except HeaderMismatch as error:
        return error
    raise AssertionError("no dialect fitted before")
