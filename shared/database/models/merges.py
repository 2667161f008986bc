"""Merges of leaves, and the switch that an operator has for them."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    false,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from shared.database.models.base import Base


class Merge(Base):
    """A merge that is under way, or the merged leaf that it became: the rows of a collection with ids in [low, high).

    `next_id`: all rows below it are copied. `epoch` and `lease_until`: the claim of the process that works on it.
    `superseded_by`: the upload that has replaced the rows of the merged leaf.
    """

    __tablename__ = "merges"

    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    collection: Mapped[int] = mapped_column(ForeignKey("collections.number"))
    low: Mapped[int] = mapped_column(BigInteger)
    high: Mapped[int] = mapped_column(BigInteger)
    next_id: Mapped[int] = mapped_column(BigInteger)
    is_merged: Mapped[bool] = mapped_column(server_default=false())
    epoch: Mapped[int] = mapped_column(Integer, server_default="0")
    lease_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    merged_at: Mapped[datetime | None]
    superseded_by: Mapped[int | None] = mapped_column(ForeignKey("uploads.number"))

    __table_args__ = (
        CheckConstraint("low < high AND next_id BETWEEN low AND high", name="bounds"),
        CheckConstraint("is_merged = (merged_at IS NOT NULL)", name="merged_at"),
        Index(None, "collection", "low"),
        # the whole system does one merge at a time
        Index("ix_merges_under_way", "is_merged", unique=True, postgresql_where=text("NOT is_merged")),
    )


class MergedUpload(Base):
    """What a merge that is under way has copied of an upload.

    `rows_version`: that of the upload when its first row was copied. If it has another by now, it has gained or lost
    rows.
    """

    __tablename__ = "merged_uploads"

    merge_number: Mapped[int] = mapped_column(ForeignKey("merges.number", ondelete="CASCADE"), primary_key=True)
    upload_number: Mapped[int] = mapped_column(ForeignKey("uploads.number", ondelete="CASCADE"), primary_key=True)
    rows_version: Mapped[int] = mapped_column(BigInteger)
    copied_records: Mapped[int] = mapped_column(BigInteger)


class MergeControl(Base):
    """One row: whether merging is paused, and why."""

    __tablename__ = "merge_control"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False, server_default="1")
    is_paused: Mapped[bool] = mapped_column(server_default=false())
    reason: Mapped[str | None]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)
