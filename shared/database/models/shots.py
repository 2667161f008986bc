"""Pictures of movies."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, Integer, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from shared.database.models.base import Base


class Shot(Base):
    """A picture of a movie: of whatever row of the collection has this `source_id`, or of the row with the id `row_id`.

    `sha256` and `size_bytes` are those of the stored file. Shots of a tenant with the same bytes share one file.
    """

    __tablename__ = "shots"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    tenant: Mapped[str]
    collection: Mapped[int] = mapped_column(Integer)
    source_id: Mapped[str | None]
    row_id: Mapped[int | None] = mapped_column(BigInteger)
    storage_key: Mapped[str]
    sha256: Mapped[str]
    media_type: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())

    __table_args__ = (
        CheckConstraint("num_nonnulls(source_id, row_id) = 1", name="one_movie"),
        # The index of each also finds the shots of a movie, and those of a collection.
        UniqueConstraint("collection", "source_id", "sha256"),
        UniqueConstraint("collection", "row_id", "sha256"),
        Index(None, "tenant", "sha256"),
        # A foreign key bypasses the table's policies, so the tenant is part of the key.
        ForeignKeyConstraint(
            ["collection", "tenant"],
            ["collections.number", "collections.tenant"],
            name="fk_shots_collection",
            ondelete="CASCADE",
        ),
    )


class ShotTotal(Base):
    """The sum of `size_bytes` over the shots of a tenant; triggers keep it."""

    __tablename__ = "shot_totals"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (CheckConstraint("size_bytes >= 0", name="size_bytes"),)
