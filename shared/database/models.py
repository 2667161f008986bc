"""The tables.

    uploads 1--n batches        what was accepted, and what of it is done: the truth that messages only point at
    uploads 1--n rejects        each bad record's place, rule and value
    uploads 1--n upload_events  its history
    uploads 1--n uploads        `mends`: rejected records that came back, whose rows are the mended upload's
    idempotency_keys            a client may send a request twice and gets one upload
    api_keys                    who may ask for what, where keys are required
    movies                      partitioned by id; id = upload number * 2^32 + line number
    upload_totals, movie_totals how many movies per year and language, so that no request ever counts rows

Every table with somebody's rows has policies: requests see one tenant's (tenancy.py). States are `text` with a CHECK.
Nothing points at `movies` by foreign key: it would make dropping a partition slow.
"""

import uuid
from datetime import date, datetime
from typing import Any, ClassVar, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# An id is exact in JavaScript (2^53) as long as upload numbers stay below 2^21. Numbers come from two halves, so that
# the small uploads' shared partition is one range and never stands in the way of attaching a large upload's own.
LINE_BITS: Final = 32
FIRST_LARGE_NUMBER: Final = 2**20
LAST_NUMBER: Final = 2**21 - 1

ACTIVE_STATES: Final = ("queued", "loading")
UPLOAD_STATES: Final = (*ACTIVE_STATES, "completed", "failed", "cancelled", "undone")

TENANT_NAME: Final = "[a-z0-9][a-z0-9_-]{0,62}"
SCOPES: Final = ("read", "upload", "admin")


class Base(DeclarativeBase):
    """Declarative base; every constraint gets a name that a migration can use."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {datetime: DateTime(timezone=True), str: Text(), uuid.UUID: Uuid()}


small_upload_numbers = Sequence(
    "small_upload_numbers", start=1, minvalue=1, maxvalue=FIRST_LARGE_NUMBER - 1, metadata=Base.metadata
)
large_upload_numbers = Sequence(
    "large_upload_numbers",
    start=FIRST_LARGE_NUMBER,
    minvalue=FIRST_LARGE_NUMBER,
    maxvalue=LAST_NUMBER,
    metadata=Base.metadata,
)


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class Upload(Base):
    """One accepted file.

    State: queued -> loading -> completed -> undone; queued or loading -> failed or cancelled -> queued (retry).
    `epoch` grows with every claim of the publishing; `lease_until` says how long the present claim holds.
    """

    __tablename__ = "uploads"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[uuid.UUID] = mapped_column(unique=True, server_default=func.gen_random_uuid())
    tenant: Mapped[str]
    filename: Mapped[str]
    dataset: Mapped[str]
    dialect: Mapped[dict[str, Any]] = mapped_column(JSONB)
    header: Mapped[list[str]] = mapped_column(ARRAY(Text))
    state: Mapped[str] = mapped_column(server_default="queued")
    phase: Mapped[str] = mapped_column(server_default="queued")
    use_celery: Mapped[bool]
    trace_id: Mapped[str]
    forced: Mapped[bool] = mapped_column(server_default=false())
    # the upload whose rejected records it brings again: its rows go there, under that upload's ids
    mends: Mapped[int | None] = mapped_column(BigInteger)

    # how many rejected records it may have: none with `abort`, else these bounds (null: any number)
    on_error: Mapped[str] = mapped_column(server_default="skip")
    max_rejects: Mapped[int | None] = mapped_column(BigInteger)
    max_rejects_percent: Mapped[float | None] = mapped_column(Double)

    # what came in (`size_bytes`, `sha256`) and what is stored and split (`content_*`: the same unless it was gzip);
    # records begin after `header_bytes`
    storage_key: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    content_bytes: Mapped[int] = mapped_column(BigInteger)
    content_sha256: Mapped[str]
    header_bytes: Mapped[int] = mapped_column(BigInteger)

    # who has it
    epoch: Mapped[int] = mapped_column(Integer, server_default="0")
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    publish_attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    lease_until: Mapped[datetime | None]
    rung_at: Mapped[datetime | None]

    # the account, written when the upload completes; until then it is the sum over its batches
    read_records: Mapped[int] = mapped_column(BigInteger, server_default="0")
    loaded_records: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rejected_records: Mapped[int] = mapped_column(BigInteger, server_default="0")
    duplicate_records: Mapped[int] = mapped_column(BigInteger, server_default="0")

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]

    __table_args__ = (
        CheckConstraint(_one_of("state", UPLOAD_STATES), name="state"),
        CheckConstraint("read_records = loaded_records + rejected_records + duplicate_records", name="account"),
        CheckConstraint(f"number BETWEEN 1 AND {LAST_NUMBER}", name="number"),
        CheckConstraint("(state = 'failed') = (error_code IS NOT NULL)", name="error"),
        CheckConstraint(_one_of("on_error", ("skip", "abort")), name="on_error"),
        CheckConstraint("max_rejects >= 0", name="max_rejects"),
        CheckConstraint("max_rejects_percent BETWEEN 0 AND 100", name="max_rejects_percent"),
        # Nobody mends another tenant's upload. By key: a foreign key asks the table itself, whatever its policies show.
        UniqueConstraint("number", "tenant", name="uq_uploads_number_tenant"),
        ForeignKeyConstraint(
            ["mends", "tenant"], ["uploads.number", "uploads.tenant"], name="fk_uploads_mends", ondelete="CASCADE"
        ),
        Index(None, "tenant", "created_at"),
        Index(None, "sha256"),
        Index(None, "mends", postgresql_where=text("mends IS NOT NULL")),
        Index("ix_uploads_active", "created_at", postgresql_where=text("state IN ('queued', 'loading')")),
        # the same file is loaded once, unless somebody insists
        Index(
            "ix_uploads_content",
            "tenant",
            "dataset",
            "sha256",
            unique=True,
            postgresql_where=text("state IN ('queued', 'loading', 'completed') AND NOT forced"),
        ),
    )


class UploadEvent(Base):
    """What happened to an upload, in the order of `id`: each state it took (by a trigger), each trouble on the way."""

    __tablename__ = "upload_events"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    upload_number: Mapped[int] = mapped_column(ForeignKey("uploads.number", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    event: Mapped[str]
    reason: Mapped[str | None]

    __table_args__ = (Index(None, "upload_number", "id"),)


class IdempotencyKey(Base):
    """A client's key for one upload request; `holder` is receiving it until `lease_until`, or `answer` is its end."""

    __tablename__ = "idempotency_keys"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    holder: Mapped[uuid.UUID]
    lease_until: Mapped[datetime]
    fingerprint: Mapped[str | None]
    upload_id: Mapped[uuid.UUID | None]
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSONB)

    __table_args__ = (Index(None, "created_at"),)


class TenantTurn(Base):
    """When a tenant last had a turn at a loader (see `shared.ingest.turns`)."""

    __tablename__ = "tenant_turns"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    taken_at: Mapped[datetime]


class ApiKey(Base):
    """Somebody's key: which tenants' data it opens, and what for. Of its secret there is only the SHA-256.

    `replaces` is the key that this one was made for by a rotation. Keys are revoked, not deleted: logs name their ids.
    """

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    tenants: Mapped[list[str]] = mapped_column(ARRAY(Text))
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    replaces: Mapped[str | None] = mapped_column(ForeignKey("api_keys.id"), unique=True)

    __table_args__ = (
        CheckConstraint("octet_length(secret_hash) = 32", name="secret_hash"),
        CheckConstraint(f"array_to_string(tenants, '/', '!') ~ '^{TENANT_NAME}(/{TENANT_NAME})*$'", name="tenants"),
        CheckConstraint(f"cardinality(scopes) > 0 AND scopes <@ ARRAY{list(SCOPES)!r}", name="scopes"),
    )


class Batch(Base):
    """A span [byte_start, byte_end) of the stored bytes that holds whole records; pending until its rows are committed.

    `first_line` is the line of the file at which it begins, `line_feeds` how many newline bytes it holds; both let the
    reader prove that it saw every line.
    """

    __tablename__ = "batches"

    upload_number: Mapped[int] = mapped_column(ForeignKey("uploads.number", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    byte_start: Mapped[int] = mapped_column(BigInteger)
    byte_end: Mapped[int] = mapped_column(BigInteger)
    first_line: Mapped[int] = mapped_column(BigInteger)
    line_feeds: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(server_default="pending")

    epoch: Mapped[int] = mapped_column(Integer, server_default="0")
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    lease_until: Mapped[datetime | None]
    loader: Mapped[str | None]
    # the database session that may be in the middle of it, and when that began: process ids come again
    session_pid: Mapped[int | None]
    session_start: Mapped[datetime | None]

    read_records: Mapped[int] = mapped_column(BigInteger, server_default="0")
    loaded_records: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rejected_records: Mapped[int] = mapped_column(BigInteger, server_default="0")
    duplicate_records: Mapped[int] = mapped_column(BigInteger, server_default="0")
    done_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(_one_of("state", ("pending", "done")), name="state"),
        CheckConstraint("byte_start < byte_end", name="span"),
        CheckConstraint("read_records = loaded_records + rejected_records + duplicate_records", name="account"),
        Index("ix_batches_pending", "upload_number", "number", postgresql_where=text("state = 'pending'")),
    )


class Reject(Base):
    """One reason why one record was not loaded; `position` numbers the reasons of a record from 0.

    The record is the bytes [byte_start, byte_end) of the stored file; those of earlier versions do not know.
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


class Movie(Base):
    """One loaded record. Fixed-width columns stand first: no padding between them."""

    __tablename__ = "movies"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    budget: Mapped[int | None] = mapped_column(BigInteger)
    revenue: Mapped[int | None] = mapped_column(BigInteger)
    vote_count: Mapped[int | None] = mapped_column(BigInteger)
    genre_id: Mapped[int | None] = mapped_column(BigInteger)
    production_company_id: Mapped[int | None] = mapped_column(BigInteger)
    vote_average: Mapped[float | None] = mapped_column(Double)
    runtime: Mapped[int | None] = mapped_column(Integer)
    release_date: Mapped[date | None]
    # yyyymmdd, with 0000 for month and day where only the year is known: one key that sorts both kinds by release
    release_order: Mapped[int | None] = mapped_column(Integer)
    release_year: Mapped[int | None] = mapped_column(SmallInteger)
    # `original_language` as a number (languages.py), for the indexes
    language_number: Mapped[int | None] = mapped_column(SmallInteger)
    end_year: Mapped[int | None] = mapped_column(SmallInteger)
    is_adult: Mapped[bool | None]
    tenant: Mapped[str]
    title: Mapped[str]
    original_title: Mapped[str | None]
    title_type: Mapped[str | None]
    original_language: Mapped[str | None]
    status: Mapped[str | None]
    source_id: Mapped[str | None]
    homepage: Mapped[str | None]
    overview: Mapped[str | None]
    languages: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    genres: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    extra: Mapped[dict[str, Any] | None] = mapped_column(JSONB)

    __table_args__ = ({"postgresql_partition_by": "RANGE (id)"},)


class UploadTotal(Base):
    """How many movies of one upload have this year and language; 0 and '' stand for unknown."""

    __tablename__ = "upload_totals"

    upload_number: Mapped[int] = mapped_column(ForeignKey("uploads.number", ondelete="CASCADE"), primary_key=True)
    release_year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    original_language: Mapped[str] = mapped_column(primary_key=True)
    movies: Mapped[int] = mapped_column(BigInteger)


class MovieTotal(Base):
    """The sum of `upload_totals` over a tenant's completed uploads; changed in the transaction that changes those."""

    __tablename__ = "movie_totals"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    release_year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    original_language: Mapped[str] = mapped_column(primary_key=True)
    movies: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (CheckConstraint("movies >= 0", name="movies"),)
