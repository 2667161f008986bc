"""Takes a file in: one pass over its bytes while they arrive. `registration` then makes an upload of it.

    bytes -> SHA-256 -> unpack -> UTF-8 -> sniff: which dialect and dataset? -> split into spans, each with a checksum
                                                `-> storage

A file that cannot be loaded as a whole is refused as soon as its first records show that. The stored content is plain
UTF-8, because batches are spans of it; `sha256` and `size_bytes` are those of the bytes that the client sent.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from shared.catalog.dataset import Dataset, FileColumns
from shared.catalog.recognition.candidate import Candidate
from shared.catalog.schemas.declaration import Declaration
from shared.catalog.schemas.table_schema import TableSchema
from shared.csv.compression.codec import ANEW
from shared.csv.compression.unpacker import Unpacker
from shared.csv.dialect import Dialect
from shared.csv.encodings.names import UTF_8
from shared.csv.encodings.to_utf8 import Decoder, exchange
from shared.csv.file_warnings import MESSAGES, FileWarning
from shared.csv.reading.initial_space import Tightener
from shared.csv.sniffing.line_ends import SingleReturns
from shared.csv.sniffing.paired_colons import PairedColons
from shared.csv.sniffing.sniff import HeaderMatcher, TextOptions, sniff
from shared.csv.sniffing.trials import Sniffed
from shared.csv.split import Span, Splitter
from shared.csv.unreadable import (
    AmbiguousDataset,
    AmbiguousFormat,
    EmptyFile,
    HeaderMismatch,
    NoValidRecord,
    UnreadableFile,
)
from shared.database.record_ids import SMALL_LINES
from shared.errors import TooLarge
from shared.settings import Settings
from shared.storage.protocol import Storage, remove_object


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file that is stored and split, but not yet registered; see `Upload` for the fields.

    `named_encoding`: the encoding that the client named, if it did. `member`: which member of an archive it is.
    `inferred`: the dataset is none yet, and the registration declares it; `seen_records` have shown how.
    """

    filename: str
    dataset: Dataset
    dialect: Dialect
    header: list[str]
    columns: FileColumns
    table_schema: TableSchema
    warnings: list[FileWarning]
    storage_key: str
    size_bytes: int
    sha256: str
    content_bytes: int
    header_bytes: int
    spans: list[Span]
    is_small: bool
    named_encoding: str | None = None
    member: str | None = None
    inferred: Declaration | None = None
    seen_records: int = 0


class FileIntake:
    """Synchronous, for one thread at a time.

    Call `feed` with each block, then `finish`. After an error, or instead of `finish`, call `abort`.
    """

    def __init__(
        self,
        storage: Storage,
        settings: Settings,
        filename: str,
        options: TextOptions,
        matcher: HeaderMatcher,
        member: str | None = None,
    ) -> None:
        """Raises what `Unpacker` raises for the file's name and `member`, and errors of the storage."""
        self._unpacker = Unpacker(filename, settings.max_compression_ratio, member)
        self._settings = settings
        self._filename = filename
        self._sha256 = hashlib.sha256()
        self._size_bytes = 0
        self._open_content = partial(_Content, storage, settings, options, matcher)
        self._content = self._open_content()
        self._refusal: UnreadableFile | None = None

    def feed(self, block: bytes) -> None:
        """Take the next bytes of the file; raises `TooLarge`, `UnreadableFile`, `StorageFull`, `Unavailable`."""
        if not block:
            return
        self._size_bytes += len(block)
        _refuse_more_than(self._settings.max_upload_bytes, self._size_bytes)
        self._sha256.update(block)
        for piece in self._unpacker.feed(block):
            self._take(piece)

    def finish(self) -> StagedFile:
        """Make the file durable; raises what `feed` raises, and `EmptyFile`."""
        self._unpacker.finish()
        if self._refusal is not None:
            raise self._refusal
        staged = self._content.finish(self._filename, self._size_bytes, self._sha256.hexdigest())
        return replace(staged, member=self._unpacker.member)

    def abort(self) -> None:
        """Remove what was stored."""
        self._content.discard()

    def _take(self, piece: bytes) -> None:
        if piece == ANEW:
            self._content.discard()
            self._content, self._refusal = self._open_content(), None
        elif self._refusal is None:
            try:
                self._content.feed(piece)
            except UnreadableFile as error:
                if not self._unpacker.is_undecided:
                    raise
                self._refusal = error


class _Content:
    """The text of a file: its beginning shows dialect and dataset; all of it is stored as UTF-8 and split."""

    def __init__(self, storage: Storage, settings: Settings, options: TextOptions, matcher: HeaderMatcher) -> None:
        self._settings = settings
        self._options = options
        self._matcher = matcher
        self._storage = storage
        self._key = storage.new_key()
        self._file = storage.create(self._key)
        self._decoder = Decoder(options.encoding, likely=options.like.encoding if options.like else UTF_8)
        self._seen_bytes = 0
        self._stored_bytes = 0
        self._head = b""
        self._next_look = 0
        self._sniffed: Sniffed | None = None
        # what turns the text into the form that the reader expects
        self._forms: list[Tightener | SingleReturns | PairedColons] = []
        self._last_byte = b""
        self._splitter: Splitter | None = None

    def feed(self, piece: bytes) -> None:
        self._take(self._decoder.feed(piece), at_end=False)

    def finish(self, filename: str, size_bytes: int, sha256: str) -> StagedFile:
        self._take(self._decoder.finish(), at_end=True)
        spans = self._splitter.finish() if self._splitter else []
        if not spans or self._sniffed is None:
            raise EmptyFile("the file has a header but no record" if self._sniffed else "the file is empty")
        self._file.commit()
        return StagedFile(
            filename=filename,
            dataset=self._layout.dataset,
            columns=self._layout.columns,
            table_schema=self._layout.schema,
            warnings=list(self._warnings(spans[-1])),
            dialect=replace(
                self._sniffed.dialect,
                encoding=self._decoder.encoding,
                bom=self._decoder.bom,
                is_encoding_guessed=self._decoder.is_guessed,
            ),
            header=self._sniffed.header,
            storage_key=self._key,
            size_bytes=size_bytes,
            sha256=sha256,
            content_bytes=self._stored_bytes,
            header_bytes=self._sniffed.header_end,
            spans=spans,
            is_small=len(spans) == 1 and spans[-1].first_line + spans[-1].line_feeds < SMALL_LINES,
            named_encoding=self._options.encoding,
            inferred=self._layout.inferred,
            seen_records=self._layout.seen_records,
        )

    def discard(self) -> None:
        self._file.discard()
        remove_object(self._storage, self._key)

    def _take(self, text: bytes, *, at_end: bool) -> None:
        self._seen_bytes += len(text)
        _refuse_more_than(self._settings.max_upload_bytes, self._seen_bytes)  # a small compressed file may hold a lot
        if self._splitter is not None:
            self._splitter.feed(self._store(text, at_end=at_end))
            return
        self._head += text
        if self._head and (at_end or len(self._head) >= self._next_look):
            self._next_look = 2 * len(self._head)
            self._look(at_end=at_end)

    def _look(self, *, at_end: bool) -> None:
        """Recognise the file as soon as its beginning is enough, and begin to store and split it."""
        found = self._sniffed = self._sniff(at_end=at_end)
        if found is None:
            return
        if found.dialect.has_doubled_returns:
            self._forms.append(SingleReturns())
        if found.dialect.paired_colons:
            self._forms.append(PairedColons())
        if found.dialect.skip_initial_space:
            self._forms.append(Tightener(found.dialect.delimiter))
        self._splitter = Splitter(
            found.header_end,
            found.first_line,
            self._settings.batch_bytes,
            found.dialect,
            found.header,
            small_bytes=self._settings.small_upload_bytes,
        )
        self._splitter.feed(self._store(self._head, at_end=at_end)[found.header_end :])
        self._head = b""

    def _sniff(self, *, at_end: bool) -> Sniffed | None:
        """The file in the dialect and the layout that the matcher finds, or in those that it proposes otherwise."""
        try:
            return sniff(self._head, self._options, self._matcher, is_all=at_end)
        except (HeaderMismatch, AmbiguousDataset, AmbiguousFormat, NoValidRecord):
            otherwise = self._matcher.otherwise(self._head, self._options)
            if otherwise is None:
                raise
        options, matcher = otherwise
        return sniff(self._head, options, matcher, is_all=at_end)

    def _store(self, text: bytes, *, at_end: bool) -> bytes:
        """Write the text in the form that the reader expects, and return it."""
        assert self._sniffed is not None
        content = exchange(text) if self._sniffed.dialect.is_exchanged else text
        for form in self._forms:
            content = form.feed(content, at_end=at_end)
        self._file.write(content)
        self._stored_bytes += len(content)
        self._last_byte = content[-1:] or self._last_byte
        return content

    @property
    def _layout(self) -> Candidate:
        assert self._sniffed is not None
        assert isinstance(self._sniffed.layout, Candidate)
        return self._sniffed.layout

    def _warnings(self, last: Span) -> Iterator[FileWarning]:
        """What the whole file shows."""
        assert self._sniffed is not None
        dialect = self._sniffed.dialect
        if dialect.paired_colons:
            yield FileWarning("paired_colons", MESSAGES["paired_colons"])
        if dialect.has_doubled_returns:
            yield FileWarning("doubled_returns", MESSAGES["doubled_returns"])
        for format_ in sorted(self._layout.schema.formats):
            if "%y" in format_:
                yield FileWarning("two_digit_years", MESSAGES["two_digit_years"].format(format=format_))
        for name, column in self._layout.left_out.items():
            yield FileWarning("column_left_out", MESSAGES["column_left_out"].format(name=name[:100], column=column))
        for name in self._layout.small_ratings:
            mapping = json.dumps({name[:100]: ""}, ensure_ascii=False)
            yield FileWarning(
                "small_ratings",
                MESSAGES["small_ratings"].format(name=name[:100], dataset=self._layout.name, mapping=mapping),
            )
        if words := self._decoder.evidence:
            message = MESSAGES["guessed_encoding"].format(encoding=self._decoder.encoding, words=", ".join(words))
            yield FileWarning("guessed_encoding", message)
        if not dialect.header_line and self._options.header is None:
            yield FileWarning("no_header", MESSAGES["no_header"])
        is_closed = dialect.quoting and self._last_byte == dialect.quote.encode()
        if self._last_byte != b"\n" and not is_closed:
            yield FileWarning.at_lines("no_final_line_end", [last.first_line + last.line_feeds])


def _refuse_more_than(most_bytes: int, size_bytes: int) -> None:
    if size_bytes > most_bytes:
        raise TooLarge(f"the file is larger than {most_bytes:,} bytes", {"max_upload_bytes": most_bytes})
