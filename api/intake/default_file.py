"""The tenant's default file as a request to load it again brings it: from the storage instead of the body."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass
from typing import Final

from fastapi import Request

from api.description.public_names import MULTIPART_TYPE
from api.intake.filenames import clean_filename
from api.intake.streaming import stage_source
from api.intake.upload_quota import ByteMeter
from api.intake.upload_request import UploadRequest, require_dataset
from api.tenant_datasets import registry_of
from shared.database.tenancy import tenant_reading
from shared.ingest.intake.default_files import StoredDefault, default_file_of, stored_default
from shared.ingest.intake.file_intake import StagedFile
from shared.ingest.intake.idempotency import Reservation, fingerprint_of

# Instead of the hash of its bytes: a client that repeats its request means the upload of the first one, even if an
# operator has set another file since.
_ITS_BYTES: Final = "default file"


def has_file(request: Request) -> bool:
    """Whether the request brings a file, or what may be one."""
    headers = request.headers
    is_empty = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
    return not is_empty or headers.get("content-type", "").lower().startswith(MULTIPART_TYPE)


class StoredSource:
    """The bytes of a stored file, as a `FileSource`."""

    charset: str | None = None

    def __init__(self, filename: str, blocks: Iterator[bytes]) -> None:
        self.filename = filename
        self._blocks = blocks

    async def chunks(self) -> AsyncIterator[bytes]:
        """Its bytes; raises errors of the storage."""
        while block := await asyncio.to_thread(next, self._blocks, b""):
            yield block


@dataclass(frozen=True)
class DefaultFileRequest(UploadRequest):
    """An upload of the tenant's default file. What it says of the file counts more than what was set with it."""

    async def stage(self, meter: ByteMeter, reservation: Reservation | None) -> StagedFile:
        """Take the stored bytes in; raises `NoDefaultFile`, and what `UploadRequest.stage` raises."""
        default = await self._default()
        options = default.options.overridden_by(self.reading)
        registry = await registry_of(self.runtime, self.tenant.name)
        require_dataset(registry, options.dataset)
        source = StoredSource(clean_filename(self.filename or default.filename), default.blocks(self.runtime.storage))
        matcher = options.matcher(registry)
        return await stage_source(
            self.request, self.runtime, source, options.text, matcher, meter, reservation, member=options.member
        )

    def fingerprint(self, _staged: StagedFile) -> str:
        """Equal for equal requests, whatever the file is by then."""
        asked = ("use_celery", "dataset", "filename", "member", "on_error", "max_rejects", "plan")
        options = {name: getattr(self, name) for name in asked} | asdict(self.table) | asdict(self.text)
        return fingerprint_of(_ITS_BYTES, options)

    async def _default(self) -> StoredDefault:
        async with tenant_reading(self.runtime.read_engine, self.tenant.name) as connection:
            return stored_default((await connection.execute(default_file_of(self.tenant.name))).one_or_none())
