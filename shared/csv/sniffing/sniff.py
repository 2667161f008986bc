"""Recognises the dialect of a file by its header and its first records.

A `HeaderMatcher` of the caller judges each header that a dialect makes of the first lines. A dialect whose header does
not match, or matches less well than that of another dialect, is dropped, so a wrong guess never reaches a record.
`trials` tries the remaining dialects on the first records. A dialect that takes malformed quotes for text reads more
records than the right one, so another dialect wins only if it unwraps more cells as well. At last the matcher sees the
first records and decides.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final, Protocol

from shared.csv.dialect import BACKSLASH, DELIMITERS, DOUBLED_RETURNS, QUOTES, USUAL_DELIMITERS, Dialect
from shared.csv.encodings.to_utf8 import exchange
from shared.csv.reading.initial_space import is_spaced, spaced_delimiter, tightened
from shared.csv.sniffing.line_ends import has_doubled_returns, single_returns
from shared.csv.sniffing.paired_colons import TAB, has_paired_colons, with_tabs
from shared.csv.sniffing.trials import SAMPLE_BYTES, Layout, Sniffed, Trial, choose
from shared.csv.structure.scan import LONGEST_FIELD_BYTES, MOST_FIELDS, line_end, scan_record
from shared.csv.unreadable import EmptyFile, HeaderMismatch, UnreadableFile, UnsupportedFile

LONGEST_HEADER_BYTES: Final = 1024 * 1024
MOST_LINES_BEFORE_HEADER: Final = 20
_LONGEST_NAME_BYTES: Final = 1_000
_BYTE_ORDER_MARK: Final = "\ufeff".encode()
# Dialects whose headers match nearly as well as the best one are tried as well.
_CLOSE: Final = 0.05
_PROBED_RECORDS: Final = 20


@dataclass(frozen=True, slots=True)
class TextOptions:
    """What the client says about the text of its file; None leaves it to the file.

    `header`: the names of its columns, because it has no header; () if it has none and the names are not known.
    `like`: the dialect of the file, if its header can be read in it.
    """

    delimiter: str | None = None
    quoting: bool | None = None
    encoding: str | None = None
    header: tuple[str, ...] | None = None
    like: Dialect | None = None


class HeaderMatcher(Protocol):
    """Judges the column names that a dialect makes of a line.

    What has a body here is that of a file which has a header, is refused if it does not match, and declares no dialect.
    """

    @property
    def most_columns(self) -> int:
        """The most columns that a header may have to match."""

    def names(self, header: Sequence[str]) -> list[str]:
        """A name of its own for each column."""

    def match(self, header: Sequence[str]) -> Layout:
        """The layout that the header may belong to; raises `HeaderMismatch`."""

    def decide(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Layout:
        """The layout that header and first records belong to; raises errors of `unreadable`."""

    def without_header(self, _rows: Sequence[Sequence[str]]) -> Sequence[str] | None:
        """The names of the columns if these are records of a kind of file that has no header, otherwise None."""
        return None

    def distance(self, header: Sequence[str]) -> float:
        """How far the header is from the nearest layout: 0 (a match) to 1 (no column in common)."""

    def otherwise(self, _text: bytes, _options: TextOptions) -> "tuple[TextOptions, HeaderMatcher] | None":
        """How to read a file that begins with this text, in UTF-8, and matches nothing; None if it is refused."""
        return None

    def dialect_of(self, _header: Sequence[str], dialect: Dialect) -> Dialect:
        """The dialect that the header declares for its file, or the given one if it declares none."""
        return dialect


def sniff(head: bytes, options: TextOptions, matcher: HeaderMatcher, *, is_all: bool) -> Sniffed | None:
    """Recognise the file that begins with `head`, in UTF-8; None if more of it is needed.

    `is_all`: `head` is the whole file. Raises `HeaderMismatch`, `UnreadableFile`, `UnsupportedFile` and
    `NoValidRecord`.
    """
    text, candidates = head, list[Sniffed]()
    for text, stored in _readings(head, options):
        candidates = _HeaderSearch(text, stored, options, matcher, is_all=is_all).candidates()
        if candidates:
            break
    if candidates and (is_all or len(head) >= candidates[0].header_end + SAMPLE_BYTES):
        best = choose(text, candidates)
        return _decided(best, matcher)
    if not candidates and (is_all or len(head) > LONGEST_HEADER_BYTES or _is_past_header(head)):
        names = None if options.header is not None else _names_of_records(head, options, matcher)
        if names is None:
            raise _misfit(head, options, matcher)
        return sniff(head, replace(options, header=tuple(names)), matcher, is_all=is_all)
    return None


def _readings(head: bytes, options: TextOptions) -> Iterator[tuple[bytes, Dialect]]:
    """Each form in which the text could be stored, and what that form says about the dialect."""
    for newline in ("\n", "\r") if b"\r" in head else ("\n",):
        text = exchange(head) if newline == "\r" else head
        spaced = spaced_delimiter(text, MOST_LINES_BEFORE_HEADER + 1)
        if options.like is not None and options.like.skip_initial_space:
            spaced = options.like.delimiter
        if spaced is not None and options.delimiter in {None, spaced} and options.quoting is not False:
            yield tightened(text, spaced), Dialect(spaced, quoting=False, newline=newline, skip_initial_space=True)
        if newline == "\n" and has_doubled_returns(text):
            yield single_returns(text), Dialect("", quoting=False, newline=DOUBLED_RETURNS)
        if newline == "\n" and options.delimiter is None and not options.quoting and has_paired_colons(text):
            yield with_tabs(text), Dialect(TAB, quoting=False, paired_colons=True)
        yield text, Dialect("", quoting=False, newline=newline)


def _decided(trial: Trial, matcher: HeaderMatcher) -> Sniffed:
    """The trial's dialect with the layout that its records confirm."""
    found = trial.sniffed
    layout = matcher.decide(found.header, trial.rows)
    return replace(found, layout=layout, dialect=replace(found.dialect, nulls=layout.nulls))


class _HeaderSearch:
    """Finds the dialects in which one of the first lines of `text` is a header that matches.

    `stored`: what the form of the text says about its dialect.
    """

    def __init__(
        self, text: bytes, stored: Dialect, options: TextOptions, matcher: HeaderMatcher, *, is_all: bool
    ) -> None:
        self._text = text
        self._stored = stored
        self._options = options
        self._matcher = matcher
        self._is_all = is_all
        # The layout of each header, None if it matches none: most dialects make the same names of a line.
        self._layouts: dict[tuple[str, ...], Layout | None] = {}

    def candidates(self) -> list[Sniffed]:
        """All dialects in which the first line that can be a header is one, the likeliest first."""
        start = _after_boms(self._text)
        if self._options.header is not None:
            return self._candidates_at(start, replace(self._stored, header_line=0))
        for line_number in range(1, MOST_LINES_BEFORE_HEADER + 2):
            found = self._candidates_at(start, replace(self._stored, header_line=line_number))
            if found:
                return found
            start = line_end(self._text, start)
        return []

    def _candidates_at(self, start: int, stored: Dialect) -> list[Sniffed]:
        like = self._options.like
        if like is not None and like.skip_initial_space == stored.skip_initial_space:
            alike = replace(like, newline=stored.newline, header_line=stored.header_line)
            candidate = self._candidate(start, alike)
            if candidate is not None:
                return [candidate]
        tried = [self._candidate(start, dialect) for dialect in _dialects(self._text, self._options, stored)]
        found = [candidate for candidate in tried if candidate]
        best = max((candidate.layout.score for candidate in found), default=0.0)
        return sorted((candidate for candidate in found if candidate.layout.score >= best - _CLOSE), key=_is_unusual)

    def _candidate(self, start: int, dialect: Dialect) -> Sniffed | None:
        """The file as this dialect reads it; None unless the line at `start` is a header in this dialect."""
        given = self._options.header
        longest = _LONGEST_NAME_BYTES if given is None else LONGEST_FIELD_BYTES
        names, end = _header(self._text, start, dialect, longest)
        if names is None or not self._can_be_header(start, end, dialect):
            return None
        if given is not None:
            if given and len(given) != len(names):
                return None
            names, end = list(given) or self._matcher.names([""] * len(names)), start
        layout = self._layout_of(names)
        if layout is None:
            return None
        declared = self._matcher.dialect_of(names, dialect)
        if declared != dialect:
            return self._candidate(start, declared)
        line = self._text[start : line_end(self._text, max(start, end - 1))]
        if line.endswith(b"\r\n") and dialect.newline == "\n":
            dialect = replace(dialect, newline="\r\n")
        first_line = 1 + self._text.count(b"\n", 0, end)
        dialect = replace(dialect, nulls=layout.nulls, is_quoting_guessed=self._options.quoting is None)
        return Sniffed(dialect, layout, self._matcher.names(names), end, first_line)

    def _can_be_header(self, start: int, end: int, dialect: Dialect) -> bool:
        line = self._text[start:end]
        is_complete = self._is_all or line.endswith(b"\n")
        if not is_complete or b"\r" in line.rstrip(b"\r\n"):  # with a return inside, lines do not end with line feeds
            return False
        return not dialect.skip_initial_space or self._options.like is not None or is_spaced(line, dialect.delimiter)

    def _layout_of(self, names: list[str]) -> Layout | None:
        key = tuple(names)
        if key not in self._layouts:
            try:
                self._layouts[key] = self._matcher.match(names)
            except HeaderMismatch:
                self._layouts[key] = None
        return self._layouts[key]


def _dialects(text: bytes, options: TextOptions, stored: Dialect) -> Iterator[Dialect]:
    sample = text[:SAMPLE_BYTES]
    known = stored.delimiter or options.delimiter
    for delimiter in (known,) if known else DELIMITERS:
        plain = replace(stored, delimiter=delimiter)
        if options.quoting is not False and not stored.paired_colons:
            for quote, escape in product(QUOTES, ("", BACKSLASH)):
                if (quote == QUOTES[0] and not escape) or (escape + quote).encode() in sample:
                    yield replace(plain, quoting=True, quote=quote, escape=escape or quote)
        if options.quoting is not True:
            yield plain


def _header(
    text: bytes, start: int, dialect: Dialect, longest: int = _LONGEST_NAME_BYTES
) -> tuple[list[str] | None, int]:
    record = scan_record(text, start, dialect)
    fields = record.fields
    if fields is None or max(map(len, fields)) > longest or b"\0" in text[start : record.end]:
        return None, record.end
    try:
        names = [(exchange(name) if dialect.is_exchanged else name).decode().strip() for name in fields]
    except UnicodeDecodeError:
        return None, record.end
    return names, record.end


def _names_of_records(head: bytes, options: TextOptions, matcher: HeaderMatcher) -> Sequence[str] | None:
    """The names of the columns, if the file is of a kind that has no header."""
    for text, stored in _readings(head, options):
        start = _after_boms(text)
        for dialect in _dialects(text, options, stored):
            rows, position = list[list[str]](), start
            while len(rows) < _PROBED_RECORDS and position < len(text):
                cells, position = _header(text, position, dialect, LONGEST_FIELD_BYTES)
                if cells is None or (rows and len(cells) != len(rows[0])):
                    break
                rows.append(cells)
            names = matcher.without_header(rows) if rows else None
            if names is not None:
                return names
    return None


def _after_boms(text: bytes) -> int:
    """Where the text begins after its byte order marks."""
    start = 0
    while text.startswith(_BYTE_ORDER_MARK, start):  # files that were joined from others may have two
        start += len(_BYTE_ORDER_MARK)
    return start


def _is_unusual(sniffed: Sniffed) -> bool:
    """Whether the file does not quote as its publisher does.

    Only publishers of files with tabs may do without quotes.
    """
    return sniffed.dialect.quoting != (sniffed.layout.quoting or sniffed.dialect.delimiter != "\t")


def _is_past_header(head: bytes) -> bool:
    return head.count(b"\n") + head.count(b"\r") > 2 * MOST_LINES_BEFORE_HEADER and len(head) > SAMPLE_BYTES


def _misfit(head: bytes, options: TextOptions, matcher: HeaderMatcher) -> UnreadableFile:
    """Why no dialect fits, judged by the first line with any text, in the dialect that comes nearest."""
    text = head[_after_boms(head) :].lstrip(b"\r\n")
    line = text[: line_end(text, 0)]
    if b"\r" in line.rstrip(b"\r\n"):
        text = exchange(text)
        line = text[: line_end(text, 0)]
    if not line:
        return EmptyFile("the file has only blank lines")
    if b"\0" in line:
        return UnsupportedFile(
            "the content is binary, not text; if it is UTF-16, name its encoding, for example utf-16-le"
        )
    if len(line) > LONGEST_HEADER_BYTES:
        return UnreadableFile(f"the header is longer than {LONGEST_HEADER_BYTES:,} bytes")
    if max(line.count(delimiter.encode()) for delimiter in USUAL_DELIMITERS) >= MOST_FIELDS:
        return HeaderMismatch(
            f"the header has more than {MOST_FIELDS:,} columns; at most {matcher.most_columns:,} are allowed"
        )
    return _misfit_of_header(text, options, matcher)


def _misfit_of_header(text: bytes, options: TextOptions, matcher: HeaderMatcher) -> UnreadableFile:
    dialects = _dialects(text, options, Dialect("", quoting=False))
    headers = {dialect: names for dialect in dialects if (names := _header(text, 0, dialect)[0])}
    if options.header:
        counts = sorted({len(names) for names in headers.values()})
        if len(options.header) in counts:
            try:
                matcher.match(list(options.header))
            except UnreadableFile as error:
                return error
        return HeaderMismatch(
            f"header names {len(options.header)} columns, and the first line has another number of fields",
            {"columns": len(options.header), "fields": counts},
        )
    if not headers:
        return UnreadableFile("the header cannot be read: its quotes are malformed, or it is not valid text")

    def strangeness(dialect: Dialect) -> tuple[float, bool, bool, int]:
        names = headers[dialect]
        is_rare = dialect.delimiter not in USUAL_DELIMITERS
        return matcher.distance(names), len(names) == 1, is_rare, -len(names)

    try:
        matcher.match(headers[min(headers, key=strangeness)])
    except HeaderMismatch as error:
        return error
    raise AssertionError("no dialect fitted before")
