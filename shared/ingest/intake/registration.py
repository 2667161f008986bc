"""Makes an upload of a staged file: one row with its batches, in the caller's transaction."""

import uuid
from dataclasses import asdict, dataclass, field
from typing import Final

from sqlalchemy import Connection, Select, func, insert, select
from sqlalchemy.dialects import postgresql

from shared.database.models import Batch, Upload, large_upload_numbers, small_upload_numbers
from shared.database.state_machine import KEPT_STATES
from shared.ingest.intake.file_intake import StagedFile
from shared.ingest.intake.reject_budget import Budget
from shared.messaging import Transport

_COPIED_FIELDS: Final = (
    *("filename", "dataset", "header", "storage_key", "size_bytes", "sha256"),
    *("content_bytes", "header_bytes"),
)


@dataclass(frozen=True, slots=True)
class UploadOptions:
    """What the client asked for. `forced`: load the file even though it was loaded before."""

    tenant: str
    transport: Transport
    trace_id: str
    forced: bool = False
    budget: Budget = field(default_factory=Budget)
    # number of the upload whose rejected records the file corrects
    corrects: int | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """An upload.

    `deduplicated`: it is an earlier upload of the same bytes, so the staged file is not needed.
    """

    upload_id: uuid.UUID
    deduplicated: bool


def register(connection: Connection, staged: StagedFile, options: UploadOptions) -> Registered:
    """Write the upload and its batches: once that is committed, the upload cannot get lost.

    If the tenant has an active or completed upload of the same bytes, this returns that one instead. Raises errors of
    SQLAlchemy.
    """
    number = None
    while number is None:
        earlier = None if options.forced else connection.scalar(_same_content(staged, options))
        if earlier is not None:
            return Registered(earlier, deduplicated=True)
        number = _insert_upload(connection, staged, options)
    rows = [asdict(span) | {"upload_number": number, "number": position} for position, span in enumerate(staged.spans)]
    connection.execute(insert(Batch), rows)
    return Registered(connection.scalars(select(Upload.id).where(Upload.number == number)).one(), deduplicated=False)


def _insert_upload(connection: Connection, staged: StagedFile, options: UploadOptions) -> int | None:
    """The new upload's number; None if another upload of the same content was registered at the same moment."""
    numbers = small_upload_numbers if staged.is_small else large_upload_numbers
    values = {
        **{name: getattr(staged, name) for name in _COPIED_FIELDS},
        **asdict(options.budget),
        "number": connection.scalar(numbers.next_value()),
        "dialect": staged.dialect.to_json(),
        "tenant": options.tenant,
        "transport": options.transport,
        "trace_id": options.trace_id,
        "forced": options.forced,
        "corrects": options.corrects,
        "notified_at": func.clock_timestamp(),
    }
    statement = postgresql.insert(Upload).values(values).on_conflict_do_nothing().returning(Upload.number)
    number: int | None = connection.scalar(statement)
    return number


def _same_content(staged: StagedFile, options: UploadOptions) -> Select[uuid.UUID]:
    mine = Upload.tenant == options.tenant, Upload.dataset == staged.dataset, Upload.sha256 == staged.sha256
    loaded = Upload.state.in_(KEPT_STATES), Upload.corrects.is_(None)
    return select(Upload.id).where(*mine, *loaded).order_by(Upload.number).limit(1)
