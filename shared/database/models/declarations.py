"""Datasets that tenants have declared."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Identity, Integer, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.database.models.base import Base


class DeclaredDataset(Base):
    """A `shared.catalog.schemas.declaration.Declaration` of a tenant; its rows are in the table `d<number>`.

    `version` grows with each change. A loader creates the table with the first upload.
    """

    __tablename__ = "datasets"

    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    tenant: Mapped[str]
    name: Mapped[str]
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (UniqueConstraint("tenant", "name"), CheckConstraint("version > 0", name="version"))
