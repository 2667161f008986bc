"""Rejected records that come back mended: a file like any other, with a column that says which record each one is.

It is an upload of its own with a state, a history and rejects; its rows become rows of the upload that it mends, as
`mended` says. It is one batch and one transaction, so it has a limit.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection, select

from shared.database.models import Upload
from shared.datasets import Dataset, recognise
from shared.errors import HeaderMismatch, NotFound, StateConflict
from shared.ingest.accept import ReceivedFile, Registered, UploadOptions, register
from shared.ingest.dialect import Dialect
from shared.ingest.rejects_file import LINE_COLUMN, OUR_COLUMNS
from shared.ingest.sheet import SHEET_COLUMNS, SHEET_LINE, own_names
from shared.settings import MIB, Settings

MOST_BYTES: Final = 32 * MIB


@dataclass(frozen=True, slots=True)
class Mendable:
    """What a mending must know of the upload that it mends."""

    id: uuid.UUID
    number: int
    state: str
    dataset: str
    use_celery: bool
    is_mending: bool
    dialect: Dialect


def find_mendable(connection: Connection, upload_id: uuid.UUID, tenant: str) -> Mendable:
    """The upload, in whatever state; raises `NotFound`."""
    wanted = select(Upload.number, Upload.state, Upload.dataset, Upload.use_celery, Upload.mends, Upload.dialect)
    row = connection.execute(wanted.where(Upload.id == upload_id, Upload.tenant == tenant)).one_or_none()
    if row is None:
        raise NotFound("there is no such upload")
    dialect, is_mending = Dialect.from_json(row.dialect), row.mends is not None
    return Mendable(upload_id, row.number, row.state, row.dataset, row.use_celery, is_mending, dialect)


def limited(settings: Settings) -> Settings:
    """The settings by which a mending is received: not too large, and in one piece."""
    most_bytes = min(MOST_BYTES, settings.max_upload_bytes)
    return settings.model_copy(update={"max_upload_bytes": most_bytes, "small_upload_bytes": most_bytes})


def recognise_mended(header: Sequence[str], name: str | None) -> Dataset:
    """Like `recognise`, of a header with our columns beside the file's; raises `HeaderMismatch`."""
    if (LINE_COLUMN in header) == (SHEET_LINE in header):
        message = f"the header lacks {LINE_COLUMN}: which rejected record each one is; download the rejects as CSV"
        raise HeaderMismatch(message, {"missing": [LINE_COLUMN], "found": [name[:100] for name in header[:100]]})
    repeated = sorted({name for name in {*OUR_COLUMNS, *SHEET_COLUMNS} if header.count(name) > 1})
    if repeated:
        raise HeaderMismatch(f"the header names a column twice: {', '.join(repeated)}", {"repeated": repeated})
    return recognise(own_names(header), name)


def recognise_upload(header: Sequence[str], name: str | None) -> Dataset:
    """Like `recognise`, but for a download of rejects, which is no upload; raises `HeaderMismatch`."""
    if set(OUR_COLUMNS) <= set(header) or set(SHEET_COLUMNS) <= set(header):
        raise HeaderMismatch("these are rejects of an upload; send them to its address /uploads/{id}/rejects")
    return recognise(header, name)


def register_mending(
    connection: Connection, received: ReceivedFile, options: UploadOptions, mendable: Mendable
) -> Registered:
    """Write the mending and its batch like any upload; raises `StateConflict` and SQLAlchemy's errors."""
    now = find_mendable(connection, mendable.id, options.tenant)
    if now.is_mending:
        raise StateConflict("the upload is itself a mending; mend the upload that it mends", {"state": now.state})
    if now.state != "completed":
        raise StateConflict(
            f"the upload is {now.state}; its rejects can be mended only when it is completed",
            {"state": now.state, "allowed": ["completed"]},
        )
    return register(connection, received, replace(options, forced=True, mends=now.number))
