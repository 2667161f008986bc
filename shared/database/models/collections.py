"""Collections, and how many rows they hold."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.database.models.base import Base, one_of


class Collection(Base):
    """A tenant's rows of one dataset. `branch` is the partition of the table that holds all rows of the tenant.

    `version` grows with each change of what readers see of it; to change it is the lock of all such changes. What was
    superseded up to `pruned_version` is no longer kept.
    """

    __tablename__ = "collections"

    number: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    tenant: Mapped[str]
    dataset: Mapped[str]
    table_name: Mapped[str]
    branch: Mapped[str]
    version: Mapped[int] = mapped_column(BigInteger, server_default="0")
    pruned_version: Mapped[int] = mapped_column(BigInteger, server_default="0")

    __table_args__ = (
        UniqueConstraint("tenant", "table_name", "dataset"),
        # what the shots of a collection refer to
        UniqueConstraint("number", "tenant"),
    )


class Change(StrEnum):
    """Why a collection has another version."""

    PUBLISHED = "published"
    CORRECTED = "corrected"
    UNDONE = "undone"


class CollectionVersion(Base):
    """What made a version of a collection, and when."""

    __tablename__ = "collection_versions"

    collection: Mapped[int] = mapped_column(ForeignKey("collections.number", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    tenant: Mapped[str]
    upload_number: Mapped[int] = mapped_column(ForeignKey("uploads.number", ondelete="CASCADE"))
    change: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())

    __table_args__ = (CheckConstraint(one_of("change", Change), name="change"), Index(None, "upload_number"))


class TouchedRows(Base):
    """Rows that an undo or a correction has touched, for those who follow the collection.

    Some of them by their identities, a list (see `ingest.versions.identities`), or all rows of an upload.
    """

    __tablename__ = "touched_rows"

    collection: Mapped[int] = mapped_column(ForeignKey("collections.number", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    tenant: Mapped[str]
    identities: Mapped[list[Any] | None] = mapped_column(JSONB)
    upload_number: Mapped[int | None] = mapped_column(ForeignKey("uploads.number", ondelete="CASCADE"))

    __table_args__ = (
        CheckConstraint("num_nonnulls(identities, upload_number) = 1", name="one_kind"),
        Index(None, "upload_number"),
    )


# The totals whose sum is the number of rows, and those whose sum is the number of rejected records; others have the
# name of one of the table's breakdowns.
ROWS: Final = "rows"
REJECTED: Final = "rejected"


class UploadTotal(Base):
    """How many rows of one upload have these values: of the table's facets (`{"release_year": 1995, ...}`), or of the
    groups of a breakdown (`{"genre": "Drama", "decade": 1990}`). Under `REJECTED`: how many of its records are rejected
    with this code as their first reason (`{"code": "required"}`).
    """

    __tablename__ = "upload_totals"

    upload_number: Mapped[int] = mapped_column(ForeignKey("uploads.number", ondelete="CASCADE"), primary_key=True)
    breakdown: Mapped[str] = mapped_column(primary_key=True, server_default=ROWS)
    facets: Mapped[dict[str, Any]] = mapped_column(JSONB, primary_key=True)
    row_count: Mapped[int] = mapped_column(BigInteger)


class CollectionTotal(Base):
    """The sum of `upload_totals` over the completed uploads of a collection.

    It changes in the same transaction as they do.
    """

    __tablename__ = "collection_totals"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    table_name: Mapped[str] = mapped_column(primary_key=True)
    collection: Mapped[int] = mapped_column(ForeignKey("collections.number", ondelete="CASCADE"), primary_key=True)
    breakdown: Mapped[str] = mapped_column(primary_key=True, server_default=ROWS)
    facets: Mapped[dict[str, Any]] = mapped_column(JSONB, primary_key=True)
    row_count: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (CheckConstraint("row_count >= 0", name="row_count"),)
