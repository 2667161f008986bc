"""Takes a file in: one pass over its bytes while they arrive. `registration` then makes an upload of it.

    bytes -> SHA-256 -> (gunzip) -> UTF-8 -> sniff: which dialect and dataset? -> split into spans, each with a checksum
                                                  `-> storage

A file that cannot be loaded as a whole is refused as soon as its first records show that. The stored content is plain
UTF-8, because batches are spans of it; `sha256` and `size_bytes` are those of the bytes that the client sent.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Final

from shared.csv.dialect import Dialect
from shared.csv.encoding import Decoder, exchange
from shared.csv.encodings.names import UTF_8
from shared.csv.gunzip import GZIP_MAGIC, Gunzip
from shared.csv.initial_space import Tightener
from shared.csv.sniff import HeaderMatcher, TextOptions, sniff
from shared.csv.split import Span, Splitter
from shared.csv.trials import Sniffed
from shared.csv.unreadable import EmptyFile, UnsupportedFile
from shared.errors import TooLarge
from shared.settings import Settings
from shared.storage.protocol import Storage

FILENAME_ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
_FOREIGN_MAGIC: Final = {
    b"PK\x03\x04": "a zip archive (a spreadsheet is one, too)",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet or document",
    b"%PDF-": "a PDF",
    b"PAR1": "a Parquet file",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"SQLite format 3": "a SQLite database",
}


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file that is stored and split, but not yet registered; see `Upload` for the fields.

    `named_encoding`: the encoding that the client named, if it did.
    """

    filename: str
    dataset: str
    dialect: Dialect
    header: list[str]
    storage_key: str
    size_bytes: int
    sha256: str
    content_bytes: int
    header_bytes: int
    spans: list[Span]
    is_small: bool
    named_encoding: str | None = None


class FileIntake:
    """Synchronous, for one thread at a time.

    Call `feed` with each block, then `finish`. After an error, or instead of `finish`, call `abort`.
    """

    def __init__(
        self, storage: Storage, settings: Settings, filename: str, options: TextOptions, matcher: HeaderMatcher
    ) -> None:
        """Raises `UnsupportedFile` unless the name ends with one of `FILENAME_ENDINGS`, and errors of the storage."""
        check_filename(filename)
        self._settings = settings
        self._filename = filename
        self._sha256 = hashlib.sha256()
        self._size_bytes = 0
        self._gunzip = Gunzip(settings.max_gzip_ratio) if filename.lower().endswith(".gz") else None
        self._content = _Content(storage, settings, options, matcher)

    def feed(self, block: bytes) -> None:
        """Take the next bytes of the file; raises `TooLarge`, `UnreadableFile`, `StorageFull`, `Unavailable`."""
        if not block:
            return
        if not self._size_bytes:
            self._check_magic(block)
        self._size_bytes += len(block)
        _refuse_more_than(self._settings.max_upload_bytes, self._size_bytes)
        self._sha256.update(block)
        for piece in self._gunzip.feed(block) if self._gunzip else (block,):
            self._content.feed(piece)

    def finish(self) -> StagedFile:
        """Make the file durable; raises what `feed` raises, and `EmptyFile`."""
        if self._gunzip:
            self._gunzip.finish()
        return self._content.finish(self._filename, self._size_bytes, self._sha256.hexdigest())

    def abort(self) -> None:
        """Remove what was stored."""
        self._content.discard()

    def _check_magic(self, block: bytes) -> None:
        is_gzip = block.startswith(GZIP_MAGIC[: len(block)])
        if self._gunzip and not is_gzip:
            raise UnsupportedFile("the file is named .gz, but its content is not gzip")
        if is_gzip and not self._gunzip:
            raise UnsupportedFile("the content is gzip, but the file's name does not end with .gz")
        kind = next((kind for magic, kind in _FOREIGN_MAGIC.items() if block.startswith(magic)), None)
        if kind:
            raise UnsupportedFile(f"the content is {kind}; send the table in it as CSV, plain or compressed with gzip")


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
        self._tightener: Tightener | None = None
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
            dataset=self._sniffed.layout.name,
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
            is_small=len(spans) == 1,
            named_encoding=self._options.encoding,
        )

    def discard(self) -> None:
        self._file.discard()
        self._storage.delete(self._key)

    def _take(self, text: bytes, *, at_end: bool) -> None:
        self._seen_bytes += len(text)
        _refuse_more_than(self._settings.max_upload_bytes, self._seen_bytes)  # a small gzip file may hold a lot
        if self._splitter is not None:
            self._splitter.feed(self._store(text, at_end=at_end))
            return
        self._head += text
        if self._head and (at_end or len(self._head) >= self._next_look):
            self._next_look = 2 * len(self._head)
            self._look(at_end=at_end)

    def _look(self, *, at_end: bool) -> None:
        """Recognise the file as soon as its beginning is enough, and begin to store and split it."""
        found = self._sniffed = sniff(self._head, self._options, self._matcher, is_all=at_end)
        if found is None:
            return
        if found.dialect.skip_initial_space:
            self._tightener = Tightener(found.dialect.delimiter)
        self._splitter = Splitter(
            found.header_end,
            found.first_line,
            self._settings.batch_bytes,
            found.dialect,
            len(found.header),
            small_bytes=self._settings.small_upload_bytes,
        )
        self._splitter.feed(self._store(self._head, at_end=at_end)[found.header_end :])
        self._head = b""

    def _store(self, text: bytes, *, at_end: bool) -> bytes:
        """Write the text in the form that the reader expects, and return it."""
        assert self._sniffed is not None
        content = exchange(text) if self._sniffed.dialect.is_exchanged else text
        if self._tightener is not None:
            content = self._tightener.feed(content, at_end=at_end)
        self._file.write(content)
        self._stored_bytes += len(content)
        return content


def check_filename(filename: str) -> None:
    """Raises `UnsupportedFile` unless the name ends with one of `FILENAME_ENDINGS`."""
    if not filename.lower().endswith(FILENAME_ENDINGS):
        raise UnsupportedFile(
            f"the file's name must end with one of {', '.join(FILENAME_ENDINGS)}", {"filename": filename}
        )


def _refuse_more_than(most_bytes: int, size_bytes: int) -> None:
    if size_bytes > most_bytes:
        raise TooLarge(f"the file is larger than {most_bytes:,} bytes", {"max_upload_bytes": most_bytes})
