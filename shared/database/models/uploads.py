"""Uploads and what belongs to them: batches, rejects and history."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    SmallInteger,
    Text,
    UniqueConstraint,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.catalog.write_mode import WriteMode
from shared.database.models.base import Base, one_of
from shared.database.record_ids import FIRST_LARGE_ID, LARGE_LINES, LAST_ID, SMALL_LINES
from shared.database.state_machine import ACTIVE_STATES, HAS_LARGE_ROWS, KEPT_STATES, BatchState, UploadState
from shared.messaging import Transport

upload_numbers = Sequence("upload_numbers", start=1, metadata=Base.metadata)
small_first_ids = Sequence(
    "small_first_ids",
    start=SMALL_LINES,
    increment=SMALL_LINES,
    minvalue=SMALL_LINES,
    maxvalue=FIRST_LARGE_ID - SMALL_LINES,
    metadata=Base.metadata,
)
large_first_ids = Sequence(
    "large_first_ids",
    start=FIRST_LARGE_ID,
    increment=LARGE_LINES,
    minvalue=FIRST_LARGE_ID,
    maxvalue=LAST_ID + 1 - LARGE_LINES,
    metadata=Base.metadata,
)


class UploadKind(StrEnum):
    """What an upload was made of: a file that a client sent, or one record that a person has written."""

    FILE = "file"
    MANUAL = "manual"


class Upload(Base):
    """One uploaded file; its states are those of `state_machine`.

    `epoch` grows with every claim of the publishing; `lease_until` says how long the current claim holds.
    """

    __tablename__ = "uploads"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[uuid.UUID] = mapped_column(unique=True, server_default=func.gen_random_uuid())
    tenant: Mapped[str]
    filename: Mapped[str]
    member: Mapped[str | None]
    dataset: Mapped[str]
    # the number of its dataset, if the tenant has declared it and has not deleted it since
    declaration: Mapped[int | None] = mapped_column(ForeignKey("datasets.number", ondelete="SET NULL"))
    # where its rows land, see `record_ids` and `partitions`; without a collection until a loader has begun
    table_name: Mapped[str]
    first_id: Mapped[int] = mapped_column(BigInteger)
    collection: Mapped[int | None] = mapped_column(ForeignKey("collections.number"))
    dialect: Mapped[dict[str, Any]] = mapped_column(JSONB)
    header: Mapped[list[str]] = mapped_column(ARRAY(Text))
    # which columns of the file feed the dataset, see `catalog.dataset.FileColumns`; null for uploads of versions in
    # which the names in the header decided
    columns: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    # how its values are written, see `catalog.schemas.table_schema`
    table_schema: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    state: Mapped[str] = mapped_column(server_default="queued")
    phase: Mapped[str] = mapped_column(server_default="queued")
    transport: Mapped[str]
    trace_id: Mapped[str]
    forced: Mapped[bool] = mapped_column(server_default=false())
    mode: Mapped[str] = mapped_column(server_default=WriteMode.APPEND)
    kind: Mapped[str] = mapped_column(server_default=UploadKind.FILE)
    # whether it stops before it is published, until somebody who has seen what it would change applies it
    plan: Mapped[bool] = mapped_column(server_default=false())
    # the upload whose rejected records this one corrects: its rows go there and get ids of that upload
    corrects: Mapped[int | None] = mapped_column(BigInteger)

    # how many rejected records it may have: none with `abort`, otherwise these bounds (null: any number)
    on_error: Mapped[str] = mapped_column(server_default="skip")
    max_rejects: Mapped[int | None] = mapped_column(BigInteger)
    max_rejects_percent: Mapped[float | None] = mapped_column(Double)

    # what the client sent (`size_bytes`, `sha256`), and what is stored and split (`content_bytes`). The sizes are equal
    # unless the file was compressed or not UTF-8. Records begin after `header_bytes`.
    storage_key: Mapped[str]
    # What decides how these bytes are loaded: the dialect, the columns and the budget, as a hash; '' for uploads of
    # versions that did not record it.
    options_key: Mapped[str] = mapped_column(server_default="")
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    content_bytes: Mapped[int] = mapped_column(BigInteger)
    header_bytes: Mapped[int] = mapped_column(BigInteger)

    # the claim of the publishing
    epoch: Mapped[int] = mapped_column(Integer, server_default="0")
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    publish_attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    # how many of the statements that build its indexes have ended; null before the first claim knows how many there are
    index_steps_done: Mapped[int | None] = mapped_column(SmallInteger)
    index_steps_total: Mapped[int | None] = mapped_column(SmallInteger)
    lease_until: Mapped[datetime | None]
    notified_at: Mapped[datetime | None]

    # the record counts, written when the upload completes; until then they are the sums over its batches
    read_records: Mapped[int] = mapped_column(BigInteger, server_default="0")
    loaded_records: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rejected_records: Mapped[int] = mapped_column(BigInteger, server_default="0")
    duplicate_records: Mapped[int] = mapped_column(BigInteger, server_default="0")

    # What its publishing has done to its collection. `version`: which version of the collection it made.
    # `superseded_by`: the upload that has replaced it as a whole. `current_records`: how many of its rows no upsert has
    # superseded. `rows_version`: at which version of the collection it last gained or lost rows.
    # `compared_version`: the version that a plan was compared with.
    version: Mapped[int | None] = mapped_column(BigInteger)
    superseded_by: Mapped[int | None] = mapped_column(ForeignKey("uploads.number"))
    current_records: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rows_version: Mapped[int] = mapped_column(BigInteger, server_default="0")
    compared_version: Mapped[int | None] = mapped_column(BigInteger)
    # its records and the rows before it, compared by key; null until they are counted
    new_records: Mapped[int | None] = mapped_column(BigInteger)
    changed_records: Mapped[int | None] = mapped_column(BigInteger)
    unchanged_records: Mapped[int | None] = mapped_column(BigInteger)
    removed_records: Mapped[int | None] = mapped_column(BigInteger)

    # lists of `csv.file_warnings.FileWarning`: those of the intake, and all of them, once the upload has ended
    intake_warnings: Mapped[list[Any]] = mapped_column(JSONB, server_default="[]")
    warnings: Mapped[list[Any] | None] = mapped_column(JSONB)

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    planned_at: Mapped[datetime | None]
    applied_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]

    __table_args__ = (
        CheckConstraint(one_of("state", UploadState), name="state"),
        CheckConstraint(one_of("transport", Transport), name="transport"),
        CheckConstraint("read_records = loaded_records + rejected_records + duplicate_records", name="record_counts"),
        CheckConstraint("first_id >= 0", name="first_id"),
        CheckConstraint(one_of("mode", WriteMode), name="mode"),
        CheckConstraint(one_of("kind", UploadKind), name="kind"),
        CheckConstraint("current_records >= 0", name="current_records"),
        CheckConstraint("(state = 'failed') = (error_code IS NOT NULL)", name="error"),
        CheckConstraint("on_error IN ('skip', 'abort')", name="on_error"),
        CheckConstraint("max_rejects >= 0", name="max_rejects"),
        CheckConstraint("max_rejects_percent BETWEEN 0 AND 100", name="max_rejects_percent"),
        # No tenant corrects an upload of another tenant. A foreign key bypasses the table's policies, so the tenant is
        # part of the key.
        UniqueConstraint("number", "tenant", name="uq_uploads_number_tenant"),
        ForeignKeyConstraint(
            ["corrects", "tenant"], ["uploads.number", "uploads.tenant"], name="fk_uploads_corrects", ondelete="CASCADE"
        ),
        Index(None, "tenant", "created_at"),
        Index(None, "tenant", "first_id"),
        # counts of states, and what was loaded on which day, see `queries.browsing.figures`
        Index(
            "ix_uploads_figures",
            "tenant",
            "state",
            "finished_at",
            postgresql_include=["dataset", "loaded_records", "rejected_records", "corrects"],
        ),
        Index(None, "sha256"),
        Index(None, "superseded_by", postgresql_where=text("superseded_by IS NOT NULL")),
        Index(None, "corrects", postgresql_where=text("corrects IS NOT NULL")),
        Index(None, "declaration", postgresql_where=text("declaration IS NOT NULL")),
        Index("ix_uploads_active", "created_at", postgresql_where=text(one_of("state", ACTIVE_STATES))),
        # the leaves of a collection, see `shared.ingest.versions.leaves`
        Index("ix_uploads_leaves", "collection", "first_id", postgresql_where=text(HAS_LARGE_ROWS)),
        # the same file is loaded in the same way only once, unless the client forces it
        Index(
            "ix_uploads_content",
            "tenant",
            "dataset",
            "sha256",
            "options_key",
            unique=True,
            postgresql_where=text(f"{one_of('state', KEPT_STATES)} AND NOT forced"),
        ),
    )


class UploadEvent(Base):
    """What happened to an upload, in the order of `id`.

    A trigger writes each state that the upload took. Loaders add what else happened, such as a batch that was taken
    over.
    """

    __tablename__ = "upload_events"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    upload_number: Mapped[int] = mapped_column(ForeignKey("uploads.number", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    event: Mapped[str]
    reason: Mapped[str | None]

    __table_args__ = (Index(None, "upload_number", "id"),)


class Batch(Base):
    """A span [byte_start, byte_end) of the stored file that holds whole records; pending until its rows are committed.

    `first_line` is the line at which it begins, and `line_feeds` the number of its newline bytes: the first line of
    each batch must follow from the batch before. `begins_in_line`: it begins with the rest of a line that the batch
    before could not hold. `checksum` is `shared.csv.split.checksum_of` its bytes; null for batches of versions that
    computed none. `header`: the order of the file's columns at its beginning, if it is not that of the upload: a later
    header had changed it. `warnings`: see `Upload`.
    """

    __tablename__ = "batches"

    upload_number: Mapped[int] = mapped_column(ForeignKey("uploads.number", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    byte_start: Mapped[int] = mapped_column(BigInteger)
    byte_end: Mapped[int] = mapped_column(BigInteger)
    first_line: Mapped[int] = mapped_column(BigInteger)
    line_feeds: Mapped[int] = mapped_column(BigInteger)
    begins_in_line: Mapped[bool] = mapped_column(server_default=false())
    checksum: Mapped[bytes | None] = mapped_column(LargeBinary)
    header: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    state: Mapped[str] = mapped_column(server_default="pending")

    epoch: Mapped[int] = mapped_column(Integer, server_default="0")
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    lease_until: Mapped[datetime | None]
    loader: Mapped[str | None]
    # the database session that may be working on it, and when that session began, because process ids are reused
    session_pid: Mapped[int | None]
    session_start: Mapped[datetime | None]

    read_records: Mapped[int] = mapped_column(BigInteger, server_default="0")
    loaded_records: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rejected_records: Mapped[int] = mapped_column(BigInteger, server_default="0")
    duplicate_records: Mapped[int] = mapped_column(BigInteger, server_default="0")
    warnings: Mapped[list[Any]] = mapped_column(JSONB, server_default="[]")
    done_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(one_of("state", BatchState), name="state"),
        CheckConstraint("byte_start < byte_end", name="span"),
        CheckConstraint("read_records = loaded_records + rejected_records + duplicate_records", name="record_counts"),
        Index("ix_batches_pending", "upload_number", "number", postgresql_where=text("state = 'pending'")),
    )


class RowChange(Base):
    """One row that an upload has added, changed or removed: its id before and after; null if there is none.

    Written for uploads that are compared with what is there (see `ingest.versions.row_changes`); all rows of others are
    new. `position`: the order in which to list them. `identity`: see `ingest.versions.identities`; null in those of
    earlier versions.
    """

    __tablename__ = "row_changes"

    upload_number: Mapped[int] = mapped_column(ForeignKey("uploads.number", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    old_id: Mapped[int | None] = mapped_column(BigInteger)
    new_id: Mapped[int | None] = mapped_column(BigInteger)
    identity: Mapped[Any | None] = mapped_column(JSONB)

    __table_args__ = (CheckConstraint("num_nulls(old_id, new_id) < 2", name="ids"),)


class Duplicate(Base):
    """A record that was not loaded because an earlier one of its upload, at `first_line`, has the same key."""

    __tablename__ = "duplicates"

    upload_number: Mapped[int] = mapped_column(ForeignKey("uploads.number", ondelete="CASCADE"), primary_key=True)
    line_number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    first_line: Mapped[int] = mapped_column(BigInteger)


class Reject(Base):
    """One reason why one record was not loaded; `position` numbers the reasons of a record from 0.

    The record is the bytes [byte_start, byte_end) of the stored file; null in rejects of earlier versions.
    """

    __tablename__ = "rejects"

    upload_number: Mapped[int] = mapped_column(ForeignKey("uploads.number", ondelete="CASCADE"), primary_key=True)
    line_number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    column_name: Mapped[str | None]
    code: Mapped[str]
    message: Mapped[str]
    value: Mapped[str | None]
    byte_start: Mapped[int | None] = mapped_column(BigInteger)
    byte_end: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = ({"postgresql_partition_by": "RANGE (upload_number)"},)
