"""Takes a file in: one pass over its bytes while they arrive, then one transaction.

    bytes -> hash -> (gunzip) -> header: which dataset? -> split into batches
                         `-> storage

A file that cannot be loaded as a whole is refused as soon as its header says so. What is stored is the plain content,
because batches are spans of it; `sha256` and `size_bytes` are those of the bytes that the client sent.
"""

import hashlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final

from sqlalchemy import Connection, Select, func, insert, select
from sqlalchemy.dialects import postgresql

from shared.database.models import ACTIVE_STATES, Batch, Upload, large_upload_numbers, small_upload_numbers
from shared.datasets import Dataset, recognise
from shared.errors import EmptyFile, TooLarge, UnreadableFile, UnsupportedFile
from shared.ingest.budget import Budget
from shared.ingest.decompress import GZIP_MAGIC, Gunzip
from shared.ingest.dialect import Dialect, dialect_of
from shared.ingest.scan import scan_record
from shared.ingest.split import Span, Splitter
from shared.settings import Settings
from shared.storage.local import LocalStorage

# Which dataset a header is, of all or of the one that is named; raises `HeaderMismatch`.
Recognise = Callable[[Sequence[str], str | None], Dataset]

ACCEPTED_NAMES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
_LONGEST_HEADER_BYTES = 1024 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ZIP_MAGIC = b"PK\x03\x04"
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

    def __init__(
        self,
        storage: LocalStorage,
        settings: Settings,
        filename: str,
        dataset: str | None,
        recognise: Recognise = recognise,
    ) -> None:
        """Raises `UnsupportedFile` for a name that is not one of `ACCEPTED_NAMES`, and storage errors."""
        if not filename.lower().endswith(ACCEPTED_NAMES):
            raise UnsupportedFile(
                f"the file's name must end with one of {', '.join(ACCEPTED_NAMES)}", {"filename": filename}
            )
        self._settings = settings
        self._filename = filename
        self._received = hashlib.sha256()
        self._size_bytes = 0
        self._gunzip = Gunzip() if filename.lower().endswith(".gz") else None
        # A plain file is hashed once: what came in is what is stored.
        self._content = _Content(storage, settings, filename, dataset, recognise, hashed=self._gunzip is not None)

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
        if block.startswith(_ZIP_MAGIC):
            raise UnsupportedFile("the content is a zip archive; send the file in it, or compress it with gzip")


class _Content:
    """The plain bytes: stored, hashed, their header recognised, the rest split."""

    def __init__(
        self,
        storage: LocalStorage,
        settings: Settings,
        filename: str,
        dataset: str | None,
        recognise: Recognise,
        *,
        hashed: bool,
    ) -> None:
        self._settings = settings
        self._dialect = dialect_of(filename)
        self._dataset_name = dataset
        self._recognise = recognise
        self._storage = storage
        self._key = storage.new_key()
        self._file = storage.create(self._key)
        self._hash = hashlib.sha256() if hashed else None
        self._bytes = 0
        self._head = b""
        self._header: list[str] = []
        self._header_bytes = 0
        self._dataset: Dataset | None = None
        self._splitter: Splitter | None = None

    def feed(self, piece: bytes) -> None:
        self._file.write(piece)
        self._bytes += len(piece)
        _refuse_more_than(self._settings.max_upload_bytes, self._bytes)  # a small gzip may hold a lot
        if self._hash is not None:
            self._hash.update(piece)
        if self._splitter is None:
            self._head += piece
            if b"\n" in piece or len(self._head) > _LONGEST_HEADER_BYTES:
                self._read_header(at_end=False)
        else:
            self._splitter.feed(piece)

    def finish(self, filename: str, size_bytes: int, sha256: str) -> ReceivedFile:
        if self._splitter is None:
            self._read_header(at_end=True)
        spans = self._splitter.finish(self._settings.small_upload_bytes) if self._splitter else []
        if not spans or self._dataset is None:
            raise EmptyFile("the file has a header and not one record" if self._bytes else "the file is empty")
        self._file.commit()
        return ReceivedFile(
            filename=filename,
            dataset=self._dataset.name,
            dialect=self._dialect,
            header=self._header,
            storage_key=self._key,
            size_bytes=size_bytes,
            sha256=sha256,
            content_bytes=self._bytes,
            content_sha256=self._hash.hexdigest() if self._hash else sha256,
            header_bytes=self._header_bytes,
            spans=spans,
            is_small=len(spans) == 1,
        )

    def discard(self) -> None:
        self._file.discard()
        self._storage.delete(self._key)

    def _read_header(self, *, at_end: bool) -> None:
        """Recognise the header as soon as it is whole, and begin to split after it."""
        head = self._head
        if not head:
            return
        begin = len(_BYTE_ORDER_MARK) if head.startswith(_BYTE_ORDER_MARK) else 0
        record = scan_record(head, begin, self._dialect)
        is_whole = record.fields is not None and head[record.start : record.end].endswith(b"\n")
        if not is_whole and not at_end:
            if len(head) > _LONGEST_HEADER_BYTES:
                raise UnreadableFile(f"the header is longer than {_LONGEST_HEADER_BYTES:,} bytes")
            return
        if b"\0" in head[: record.end]:
            raise UnsupportedFile("the content is binary, not text")
        self._header = _decoded(record.fields)
        self._dataset = self._recognise(self._header, self._dataset_name)
        self._header_bytes = record.end
        first_line = 1 + head.count(b"\n", 0, record.end)
        self._splitter = Splitter(record.end, first_line, self._settings.batch_bytes, self._dialect, len(self._header))
        self._splitter.feed(head[record.end :])
        self._head = b""


def _refuse_more_than(most_bytes: int, size_bytes: int) -> None:
    if size_bytes > most_bytes:
        raise TooLarge(f"the file is larger than {most_bytes:,} bytes", {"max_upload_bytes": most_bytes})


def _decoded(fields: list[bytes] | None) -> list[str]:
    if fields is None:
        raise UnreadableFile("the header cannot be read: its quotes are damaged, or it has too many columns")
    try:
        return [field.decode().strip() for field in fields]
    except UnicodeDecodeError as error:
        raise UnreadableFile("the header is not valid UTF-8") from error


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
