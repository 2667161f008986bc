"""Default files: an operator gives each tenant one, and its requests to reload load that again.

The bytes are stored as they were given, so a reload takes them in like those of a client. A file that others have
followed, or that was removed, belongs to nothing: retention deletes it, after requests that still read it have ended.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from typing import Any, BinaryIO, Final, Self

from sqlalchemy import Connection, Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from shared.catalog.registry import Registry
from shared.catalog.schemas.declaration import AUTO, stored_dataset
from shared.catalog.schemas.table_schema import TableSchema
from shared.csv.compression.registry import codec_of
from shared.csv.sniffing.sniff import TextOptions
from shared.database.declarations import declarations_of
from shared.database.models import TENANT_NAME, DefaultFile
from shared.errors import InvalidRequest, NoDefaultFile
from shared.ingest.intake.file_intake import FileIntake
from shared.ingest.intake.headers import UploadHeader
from shared.settings import MIB, Settings
from shared.storage.opening import open_storage, temporary_storage
from shared.storage.protocol import Storage

BLOCK_BYTES: Final = MIB
_LONGEST_NAME: Final = 1024


@dataclass(frozen=True)
class ReadingOptions:
    """How a default file is to be read, where it does not decide itself. See the parameters of an upload."""

    dataset: str | None = None
    member: str | None = None
    delimiter: str | None = None
    quoting: bool | None = None
    encoding: str | None = None
    header: tuple[str, ...] | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    schema: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        header = document.get("header")
        return cls(**{**document, "header": None if header is None else tuple(header)})

    def to_json(self) -> dict[str, Any]:
        """What differs from the defaults."""
        return {name: value for name, value in asdict(self).items() if value not in (None, {})}

    def overridden_by(self, said: Self) -> Self:
        """These options, or what `said` has instead."""
        return replace(self, **said.to_json())

    @property
    def text(self) -> TextOptions:
        """For the sniffer."""
        return TextOptions(self.delimiter, self.quoting, self.encoding, self.header)

    def matcher(self, registry: Registry) -> UploadHeader:
        """For the header; raises `InvalidSchema`. `dataset` is `auto`, or one of the registry."""
        schema, may_infer = TableSchema.from_json(self.schema), self.dataset == AUTO
        return UploadHeader(registry, None if may_infer else self.dataset, self.mapping, schema, may_infer=may_infer)


@dataclass(frozen=True, slots=True)
class StoredDefault:
    """A tenant's default file."""

    filename: str
    options: ReadingOptions
    storage_key: str
    size_bytes: int

    def blocks(self, storage: Storage) -> Iterator[bytes]:
        """Its bytes; raises errors of the storage."""
        with closing(storage.open(self.storage_key)) as reader:
            for start in range(0, self.size_bytes, BLOCK_BYTES):
                yield reader.read(start, min(start + BLOCK_BYTES, self.size_bytes))


def default_file_of(tenant: str) -> Select[str, dict[str, Any], str, int]:
    """The row of a tenant's default file, for `stored_default`."""
    wanted = select(DefaultFile.filename, DefaultFile.parameters, DefaultFile.storage_key, DefaultFile.size_bytes)
    return wanted.where(DefaultFile.tenant == tenant)


def stored_default(row: Any) -> StoredDefault:
    """A row of `default_file_of`; raises `NoDefaultFile` for None."""
    if row is None:
        raise NoDefaultFile("the tenant has no default file; send one as the part `file`, or let an operator set it")
    return StoredDefault(row.filename, ReadingOptions.from_json(row.parameters), row.storage_key, row.size_bytes)


def set_default_file(
    connection: Connection, settings: Settings, tenant: str, name: str, file: BinaryIO, options: ReadingOptions
) -> int:
    """Store the file and make it the tenant's default, instead of an earlier one; return its size in bytes.

    It is taken in once, to see that it can be: raises `IngestError` and `UnreadableFile` as an upload does, and
    `InvalidRequest` for a name that no tenant or file can have, and for an unknown dataset.
    """
    if re.fullmatch(TENANT_NAME, tenant) is None:
        raise InvalidRequest("a tenant has up to 63 small letters, digits, - and _, and begins with a letter or digit")
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidRequest(f"the name of the file must have 1 to {_LONGEST_NAME:,} characters that can be printed")
    codec_of(name)
    registry = Registry.built_in().with_declared(
        stored_dataset(*row) for row in connection.execute(declarations_of(tenant))
    )
    if options.dataset not in (None, AUTO) and options.dataset not in registry:
        raise InvalidRequest(f"the tenant {tenant} has no dataset {options.dataset}")
    storage = open_storage(settings)
    key = storage.new_key()
    size_bytes, sha256 = _store(storage, key, settings, name, file, options, registry)
    values: dict[str, Any] = {"filename": name, "parameters": options.to_json(), "storage_key": key}
    values |= {"size_bytes": size_bytes, "sha256": sha256}
    new = insert(DefaultFile).values(tenant=tenant, **values)
    connection.execute(new.on_conflict_do_update(index_elements=["tenant"], set_=values | {"set_at": func.now()}))
    return size_bytes


def remove_default_file(connection: Connection, tenant: str) -> None:
    """From now on the tenant has none; raises `NoDefaultFile` if it had none."""
    gone = delete(DefaultFile).where(DefaultFile.tenant == tenant).returning(DefaultFile.tenant)
    if connection.scalar(gone) is None:
        raise NoDefaultFile(f"the tenant {tenant} has no default file")


def _store(
    storage: Storage,
    key: str,
    settings: Settings,
    name: str,
    file: BinaryIO,
    options: ReadingOptions,
    registry: Registry,
) -> tuple[int, str]:
    """Write the bytes and take them in on the way, into a storage that is deleted at once; their number and SHA-256."""
    sha256, size_bytes = hashlib.sha256(), 0
    writer = storage.create(key)
    try:
        with temporary_storage() as trial:
            intake = FileIntake(trial, settings, name, options.text, options.matcher(registry), options.member)
            try:
                while block := file.read(BLOCK_BYTES):
                    intake.feed(block)
                    writer.write(block)
                    sha256.update(block)
                    size_bytes += len(block)
                intake.finish()
            finally:
                intake.abort()
        writer.commit()
    except BaseException:
        writer.discard()
        raise
    return size_bytes, sha256.hexdigest()
