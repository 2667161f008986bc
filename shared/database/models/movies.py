"""Loaded records, and totals that make it unnecessary to count them."""

from datetime import date
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Double, ForeignKey, Integer, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.database.models.base import Base


class Movie(Base):
    """One loaded record. Columns of fixed width come first, so that there is no padding between them."""

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
    # yyyymmdd, with 0000 for month and day if only the year is known: one key that sorts both kinds by release
    release_order: Mapped[int | None] = mapped_column(Integer)
    release_year: Mapped[int | None] = mapped_column(SmallInteger)
    # `original_language` as a number (language_codes.py), for the indexes
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
    """How many movies of one upload have this year and language; 0 and '' mean unknown."""

    __tablename__ = "upload_totals"

    upload_number: Mapped[int] = mapped_column(ForeignKey("uploads.number", ondelete="CASCADE"), primary_key=True)
    release_year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    original_language: Mapped[str] = mapped_column(primary_key=True)
    movies: Mapped[int] = mapped_column(BigInteger)


class MovieTotal(Base):
    """The sum of `upload_totals` over the completed uploads of a tenant.

    It changes in the same transaction as they do.
    """

    __tablename__ = "movie_totals"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    release_year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    original_language: Mapped[str] = mapped_column(primary_key=True)
    movies: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (CheckConstraint("movies >= 0", name="movies"),)
