"""Uploads, batches, rejects, movies and their totals.

Revision: 2026_11_21_initial, the first

The transaction has `lock_timeout = 5s` (env.py).
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision: str = "2026_11_21_initial"
down_revision: str | None = None
branch_labels: None = None
depends_on: None = None

# Written out here and not imported: a migration keeps saying what it did when the code has moved on.
FIRST_LARGE_NUMBER = 2**20
LAST_NUMBER = 2**21 - 1
SMALL_INDEXES = {
    "release": "tenant, release_order, id",
    "vote": "tenant, vote_average, id",
    "language_release": "tenant, original_language, release_order, id",
    "language_vote": "tenant, original_language, vote_average, id",
    "year_vote": "tenant, release_year, vote_average, id",
}


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")


def _account() -> tuple[sa.Column[int], ...]:
    return tuple(_count(f"{kind}_records") for kind in ("read", "loaded", "rejected", "duplicate"))


def _claim() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("epoch", sa.Integer, nullable=False, server_default="0"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
    )


def _upload_number() -> sa.Column[int]:
    return sa.Column("upload_number", sa.BigInteger, nullable=False)


def _belongs_to_upload(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["upload_number"], ["uploads.number"], name=f"fk_{table}_upload_number", ondelete="CASCADE"
    )


def _text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def upgrade() -> None:
    op.execute(f"CREATE SEQUENCE small_upload_numbers MINVALUE 1 MAXVALUE {FIRST_LARGE_NUMBER - 1} START 1")
    op.execute(
        f"CREATE SEQUENCE large_upload_numbers MINVALUE {FIRST_LARGE_NUMBER} MAXVALUE {LAST_NUMBER}"
        f" START {FIRST_LARGE_NUMBER}"
    )
    _create_uploads()
    _create_batches()
    _create_rejects()
    _create_movies()
    _create_totals()


def downgrade() -> None:
    for table in ("movie_totals", "upload_totals", "movies", "rejects", "batches", "uploads"):
        op.drop_table(table)
    op.execute("DROP SEQUENCE small_upload_numbers, large_upload_numbers")


def _create_uploads() -> None:
    op.create_table(
        "uploads",
        sa.Column("number", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("id", sa.Uuid, nullable=False, server_default=sa.func.gen_random_uuid()),
        _text("tenant"),
        _text("filename"),
        _text("dataset"),
        sa.Column("dialect", JSONB, nullable=False),
        sa.Column("header", ARRAY(sa.Text), nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="queued"),
        sa.Column("phase", sa.Text, nullable=False, server_default="queued"),
        sa.Column("use_celery", sa.Boolean, nullable=False),
        _text("trace_id"),
        _text("storage_key"),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        _text("sha256"),
        sa.Column("content_bytes", sa.BigInteger, nullable=False),
        _text("content_sha256"),
        sa.Column("header_bytes", sa.BigInteger, nullable=False),
        *_claim(),
        sa.Column("publish_attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("rung_at", sa.DateTime(timezone=True)),
        *_account(),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        _text("error_code", nullable=True),
        _text("error_message", nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_uploads"),
        sa.UniqueConstraint("id", name="uq_uploads_id"),
        sa.CheckConstraint(
            "state IN ('queued', 'loading', 'completed', 'failed', 'cancelled', 'undone')", name="state"
        ),
        sa.CheckConstraint("read_records = loaded_records + rejected_records + duplicate_records", name="account"),
        sa.CheckConstraint(f"number BETWEEN 1 AND {LAST_NUMBER}", name="number"),
        sa.CheckConstraint("(state = 'failed') = (error_code IS NOT NULL)", name="error"),
    )
    op.create_index("ix_uploads_tenant_created_at", "uploads", ["tenant", "created_at"])
    op.create_index(
        "ix_uploads_active", "uploads", ["created_at"], postgresql_where=sa.text("state IN ('queued', 'loading')")
    )


def _create_batches() -> None:
    op.create_table(
        "batches",
        _upload_number(),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("byte_start", sa.BigInteger, nullable=False),
        sa.Column("byte_end", sa.BigInteger, nullable=False),
        sa.Column("first_line", sa.BigInteger, nullable=False),
        sa.Column("line_feeds", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="pending"),
        *_claim(),
        _text("loader", nullable=True),
        *_account(),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("upload_number", "number", name="pk_batches"),
        _belongs_to_upload("batches"),
        sa.CheckConstraint("state IN ('pending', 'done')", name="state"),
        sa.CheckConstraint("byte_start < byte_end", name="span"),
        sa.CheckConstraint("read_records = loaded_records + rejected_records + duplicate_records", name="account"),
    )
    op.create_index(
        "ix_batches_pending", "batches", ["upload_number", "number"], postgresql_where=sa.text("state = 'pending'")
    )


def _create_rejects() -> None:
    op.create_table(
        "rejects",
        _upload_number(),
        sa.Column("line_number", sa.BigInteger, nullable=False),
        sa.Column("position", sa.SmallInteger, nullable=False),
        _text("column_name", nullable=True),
        _text("code"),
        _text("message"),
        _text("value", nullable=True),
        sa.PrimaryKeyConstraint("upload_number", "line_number", "position", name="pk_rejects"),
        _belongs_to_upload("rejects"),
    )


def _create_movies() -> None:
    big = ("budget", "revenue", "vote_count", "genre_id", "production_company_id")
    texts = ("original_title", "title_type", "original_language", "status", "source_id", "homepage", "overview")
    op.create_table(
        "movies",
        sa.Column("id", sa.BigInteger, nullable=False, autoincrement=False),
        *(sa.Column(name, sa.BigInteger) for name in big),
        sa.Column("vote_average", sa.Double),
        sa.Column("runtime", sa.Integer),
        sa.Column("release_date", sa.Date),
        sa.Column("release_order", sa.Integer),
        sa.Column("release_year", sa.SmallInteger),
        sa.Column("end_year", sa.SmallInteger),
        sa.Column("is_adult", sa.Boolean),
        _text("tenant"),
        _text("title"),
        *(_text(name, nullable=True) for name in texts),
        sa.Column("languages", ARRAY(sa.Text)),
        sa.Column("genres", ARRAY(sa.Text)),
        sa.Column("extra", JSONB),
        sa.PrimaryKeyConstraint("id", name="pk_movies"),
        postgresql_partition_by="RANGE (id)",
    )
    op.execute(f"CREATE TABLE movies_small PARTITION OF movies FOR VALUES FROM (0) TO ({FIRST_LARGE_NUMBER * 2**32})")
    for name, columns in SMALL_INDEXES.items():
        op.execute(f"CREATE INDEX movies_small_{name} ON movies_small ({columns})")


def _totals() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("release_year", sa.SmallInteger, nullable=False),
        _text("original_language"),
        sa.Column("movies", sa.BigInteger, nullable=False),
    )


def _create_totals() -> None:
    op.create_table(
        "upload_totals",
        _upload_number(),
        *_totals(),
        sa.PrimaryKeyConstraint("upload_number", "release_year", "original_language", name="pk_upload_totals"),
        _belongs_to_upload("upload_totals"),
    )
    op.create_table(
        "movie_totals",
        _text("tenant"),
        *_totals(),
        sa.PrimaryKeyConstraint("tenant", "release_year", "original_language", name="pk_movie_totals"),
        sa.CheckConstraint("movies >= 0", name="movies"),
    )
