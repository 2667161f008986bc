"""Sources: addresses that tenants name, and pulls: the files that are fetched from them."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.database.models.base import TENANT_NAME, Base


class PullState(StrEnum):
    """What has become of a pull. `fetched`: there is an upload of it; `unchanged`: there was one already."""

    WAITING = "waiting"
    FETCHED = "fetched"
    UNCHANGED = "unchanged"
    FAILED = "failed"


_STATES: Final = ", ".join(f"'{state}'" for state in PullState)
_IS_WAITING: Final = f"state = '{PullState.WAITING}'"


class Source(Base):
    """An address by a name of the tenant's own, which is fetched again and again.

    `parameters`: how its files are read and loaded, see `shared.ingest.pulling.options`. `etag` and `last_modified` are
    those of the file that the upload `upload_id` was made of; none before there is one.
    """

    __tablename__ = "sources"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    tenant: Mapped[str]
    name: Mapped[str]
    address: Mapped[str]
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    transport: Mapped[str]
    # None: only when somebody asks for it
    every_minutes: Mapped[int | None] = mapped_column(Integer)
    next_run_at: Mapped[datetime | None]
    etag: Mapped[str | None]
    last_modified: Mapped[str | None]
    upload_id: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())

    __table_args__ = (
        CheckConstraint(f"tenant ~ '^{TENANT_NAME}$'", name="tenant"),
        CheckConstraint("every_minutes > 0", name="every_minutes"),
        CheckConstraint("(every_minutes IS NULL) = (next_run_at IS NULL)", name="next_run_at"),
        UniqueConstraint("tenant", "name"),
        # For the foreign key of pulls.
        UniqueConstraint("id", "tenant"),
        Index(None, "next_run_at"),
    )


class Pull(Base):
    """A file that is fetched from an address, once: by a source, or because a client has asked for it.

    Its claims are like those of a batch: `epoch`, `attempts` and `lease_until`. `size_bytes`: of what was fetched.
    """

    __tablename__ = "pulls"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    tenant: Mapped[str]
    source: Mapped[uuid.UUID | None]
    address: Mapped[str]
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    transport: Mapped[str]
    trace_id: Mapped[str]
    idempotency_key: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default=PullState.WAITING)
    epoch: Mapped[int] = mapped_column(BigInteger, server_default="0")
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    lease_until: Mapped[datetime | None]
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    upload_id: Mapped[uuid.UUID | None]
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(f"tenant ~ '^{TENANT_NAME}$'", name="tenant"),
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        # A foreign key bypasses the table's policies, so the tenant is part of the key.
        ForeignKeyConstraint(
            ["source", "tenant"], ["sources.id", "sources.tenant"], name="fk_pulls_source", ondelete="CASCADE"
        ),
        # The history of a source, the newest first.
        Index(None, "source", "created_at"),
        # One at a time: whoever asks for a second one means the first one.
        Index("uq_pulls_source_waiting", "source", unique=True, postgresql_where=text(_IS_WAITING)),
        Index("ix_pulls_next_attempt_at", "next_attempt_at", postgresql_where=text(_IS_WAITING)),
        Index("ix_pulls_tenant_waiting", "tenant", postgresql_where=text(_IS_WAITING)),
        Index(
            "uq_pulls_tenant_idempotency_key",
            *("tenant", "idempotency_key"),
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
        # For retention.
        Index(None, "ended_at"),
    )
