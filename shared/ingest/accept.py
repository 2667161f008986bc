"""Takes a file in: one pass over its bytes while they arrive, then one transaction.

    bytes -> hash -> (gunzip) -> UTF-8 -> sniff: which dialect and dataset? -> split into batches
                                                `-> storage

A file that cannot be loaded as a whole is refused as soon as its first records say so. What is stored is the plain
content in UTF-8, because batches are spans of it; `sha256` and `size_bytes` are those of the bytes that came in.
"""

import hashlib
import uuid
from dataclasses import asdict, dataclass, field, replace
from typing import Final

from sqlalchemy import Connection, Select, func, insert, select
from sqlalchemy.dialects import postgresql

from shared.database.models import ACTIVE_STATES, Batch, Upload, large_upload_numbers, small_upload_numbers
from shared.errors import EmptyFile, TooLarge, UnsupportedFile
from shared.ingest.budget import Budget
from shared.ingest.decompress import GZIP_MAGIC, Gunzip
from shared.ingest.dialect import Dialect
from shared.ingest.encoding import UTF_8, Decoder, exchange
from shared.ingest.sniff import Sniffed, Wanted, sniff
from shared.ingest.spacing import Tightener
from shared.ingest.split import Span, Splitter
from shared.settings import Settings
from shared.storage.local import LocalStorage

ACCEPTED_NAMES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
_FOREIGN_MAGIC: Final = {
    b"PK\x03\x04": "a zip archive (or a spreadsheet, which is one)",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet or document",
    b"%PDF-": "a PDF",
    b"PAR1": "a Parquet file",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"SQLite format 3": "a SQLite database",
}
_COPIED_FIELDS: Final = (
    *("filename", "dataset", "header", "storage_key", "size_bytes", "sha256"),
    *("content_bytes", "content_sha256", "header_bytes"),
)


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file that is stored and split, and of which nobody knows yet; see `Upload` for the fields."""

    filename: str
    dataset: str
    dialect: Dialect
    header: list[str]
    storage_key: str
    size_bytes: int
    sha256: str
    content_bytes: int
    content_sha256: str
    header_bytes: int
    spans: list[Span]
    is_small: bool


@dataclass(frozen=True, slots=True)
class UploadOptions:
    """What the client asked for; `forced`: load the file though it was loaded before."""

    tenant: str
    use_celery: bool
    trace_id: str
    forced: bool = False
    budget: Budget = field(default_factory=Budget)
    # number of the upload whose rejected records the file brings again
    mends: int | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """`deduplicated`: it is an earlier upload of the same bytes, and the stored file is not needed."""

    upload_id: uuid.UUID
    deduplicated: bool


class Receiver:
    """Sync, for one thread at a time: `feed` blocks, then `finish`; after an error, or instead of `finish`, `abort`."""

    def __init__(self, storage: LocalStorage, settings: Settings, filename: str, wanted: Wanted) -> None:
        """Raises `UnsupportedFile` for a name that is not one of `ACCEPTED_NAMES`, and storage errors."""
        if not filename.lower().endswith(ACCEPTED_NAMES):
            raise UnsupportedFile(
                f"the file's name must end with one of {', '.join(ACCEPTED_NAMES)}", {"filename": filename}
            )
        self._settings = settings
        self._filename = filename
        self._received = hashlib.sha256()
        self._size_bytes = 0
        self._gunzip = Gunzip(settings.max_gzip_ratio) if filename.lower().endswith(".gz") else None
        self._content = _Content(storage, settings, wanted, is_as_received=self._gunzip is None)

    def feed(self, block: bytes) -> None:
        """The next bytes of the file; raises `TooLarge`, `UnreadableFile`, `StorageFull`, `Unavailable`."""
        if not block:
            return
        if not self._size_bytes:
            self._check_magic(block)
        self._size_bytes += len(block)
        _refuse_more_than(self._settings.max_upload_bytes, self._size_bytes)
        self._received.update(block)
        for piece in self._gunzip.feed(block) if self._gunzip else (block,):
            self._content.feed(piece)

    def finish(self) -> ReceivedFile:
        """Make the file durable; raises like `feed`, and `EmptyFile`."""
        if self._gunzip:
            self._gunzip.finish()
        return self._content.finish(self._filename, self._size_bytes, self._received.hexdigest())

    def abort(self) -> None:
        """Leave nothing behind."""
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
    """The text: stored as UTF-8, hashed, its dialect and dataset told by its beginning, its records split."""

    def __init__(self, storage: LocalStorage, settings: Settings, wanted: Wanted, *, is_as_received: bool) -> None:
        self._settings = settings
        self._wanted = wanted
        self._storage = storage
        self._key = storage.new_key()
        self._file = storage.create(self._key)
        # While what is stored is what came in, one hash is enough.
        self._hash = None if is_as_received else hashlib.sha256()
        self._decoder = Decoder(wanted.encoding, likely=wanted.like.encoding if wanted.like else UTF_8)
        self._seen_bytes = 0
        self._stored_bytes = 0
        self._head = b""
        self._next_look = 0
        self._sniffed: Sniffed | None = None
        self._tightener: Tightener | None = None
        self._splitter: Splitter | None = None

    def feed(self, piece: bytes) -> None:
        self._take(self._decoder.feed(piece), at_end=False)

    def finish(self, filename: str, size_bytes: int, sha256: str) -> ReceivedFile:
        self._take(self._decoder.finish(), at_end=True)
        spans = self._splitter.finish(self._settings.small_upload_bytes) if self._splitter else []
        if not spans or self._sniffed is None:
            raise EmptyFile("the file has a header and not one record" if self._sniffed else "the file is empty")
        self._file.commit()
        return ReceivedFile(
            filename=filename,
            dataset=self._sniffed.dataset.name,
            dialect=replace(self._sniffed.dialect, encoding=self._decoder.encoding, bom=self._decoder.bom),
            header=self._sniffed.header,
            storage_key=self._key,
            size_bytes=size_bytes,
            sha256=sha256,
            content_bytes=self._stored_bytes,
            content_sha256=self._hash.hexdigest() if self._hash else sha256,
            header_bytes=self._sniffed.header_end,
            spans=spans,
            is_small=len(spans) == 1,
        )

    def discard(self) -> None:
        self._file.discard()
        self._storage.delete(self._key)

    def _take(self, text: bytes, *, at_end: bool) -> None:
        self._seen_bytes += len(text)
        _refuse_more_than(self._settings.max_upload_bytes, self._seen_bytes)  # a small gzip may hold a lot
        if self._splitter is not None:
            self._splitter.feed(self._store(text, at_end=at_end))
            return
        self._head += text
        if self._head and (at_end or len(self._head) >= self._next_look):
            self._next_look = 2 * len(self._head)
            self._look(at_end=at_end)

    def _look(self, *, at_end: bool) -> None:
        """Recognise the file as soon as its beginning tells, and begin to store and to split it."""
        found = self._sniffed = sniff(self._head, self._wanted, is_all=at_end)
        if found is None:
            return
        if found.dialect.skip_initial_space:
            self._tightener = Tightener(found.dialect.delimiter)
        self._splitter = Splitter(
            found.header_end, found.first_line, self._settings.batch_bytes, found.dialect, len(found.header)
        )
        self._splitter.feed(self._store(self._head, at_end=at_end)[found.header_end :])
        self._head = b""

    def _store(self, text: bytes, *, at_end: bool) -> bytes:
        """Write the text as the reader wants it, and give it back."""
        assert self._sniffed is not None
        is_exchanged = self._sniffed.dialect.is_exchanged
        if self._hash is None and (is_exchanged or self._tightener or self._decoder.encoding != UTF_8):
            self._hash = self._file.digest()
        content = exchange(text) if is_exchanged else text
        if self._tightener is not None:
            content = self._tightener.feed(content, at_end=at_end)
        self._file.write(content)
        self._stored_bytes += len(content)
        if self._hash is not None:
            self._hash.update(content)
        return content


def _refuse_more_than(most_bytes: int, size_bytes: int) -> None:
    if size_bytes > most_bytes:
        raise TooLarge(f"the file is larger than {most_bytes:,} bytes", {"max_upload_bytes": most_bytes})


def register(connection: Connection, received: ReceivedFile, options: UploadOptions) -> Registered:
    """Write the upload and its batches; once that is committed, it is never lost. Raises SQLAlchemy's errors.

    The tenant's earlier upload of the same bytes is returned instead, if there is one that is active or completed.
    """
    number = None
    while number is None:
        earlier = None if options.forced else connection.scalar(_same_content(received, options))
        if earlier is not None:
            return Registered(earlier, deduplicated=True)
        number = _insert_upload(connection, received, options)
    rows = [
        asdict(span) | {"upload_number": number, "number": position} for position, span in enumerate(received.spans)
    ]
    connection.execute(insert(Batch), rows)
    return Registered(connection.scalars(select(Upload.id).where(Upload.number == number)).one(), deduplicated=False)


def _insert_upload(connection: Connection, received: ReceivedFile, options: UploadOptions) -> int | None:
    """The new upload's number, or None if one with the same content was registered in this very moment."""
    numbers = small_upload_numbers if received.is_small else large_upload_numbers
    values = {
        **{name: getattr(received, name) for name in _COPIED_FIELDS},
        **asdict(options.budget),
        "number": connection.scalar(numbers.next_value()),
        "dialect": received.dialect.to_json(),
        "tenant": options.tenant,
        "use_celery": options.use_celery,
        "trace_id": options.trace_id,
        "forced": options.forced,
        "mends": options.mends,
        "rung_at": func.clock_timestamp(),
    }
    statement = postgresql.insert(Upload).values(values).on_conflict_do_nothing().returning(Upload.number)
    number: int | None = connection.scalar(statement)
    return number


def _same_content(received: ReceivedFile, options: UploadOptions) -> Select[uuid.UUID]:
    mine = Upload.tenant == options.tenant, Upload.dataset == received.dataset, Upload.sha256 == received.sha256
    loaded = Upload.state.in_((*ACTIVE_STATES, "completed")), Upload.mends.is_(None)
    return select(Upload.id).where(*mine, *loaded).order_by(Upload.number).limit(1)
