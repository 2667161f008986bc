"""Merges of the leaves of large uploads.

Revision: 2026_12_04_merging, after 2026_12_03_other_tables

The transaction has `lock_timeout = 5s` (env.py). Nothing is written anew. On the way down, rows in merged leaves go
back into a leaf for each upload.
"""

import sqlalchemy as sa
from alembic import op

revision: str = "2026_12_04_merging"
down_revision: str | None = "2026_12_03_other_tables"
branch_labels: None = None
depends_on: None = None

LARGE_LINES = 2**32
FIRST_LARGE_ID = 2**52

# A leaf with the same indexes for each upload of a merged leaf, attached in its stead.
DOWN = f"""
DO $$
DECLARE
    merged record;
    found record;
    definition text;
    leaf text;
BEGIN
    FOR merged IN SELECT format('%s_m%s', table_name, merges.number) AS leaf, merges.*
        FROM merges JOIN collections ON collections.number = collection WHERE NOT is_merged
    LOOP
        EXECUTE format('DROP TABLE %I', merged.leaf);
    END LOOP;
    FOR merged IN SELECT format('%s_m%s', table_name, merges.number) AS leaf, merges.*, branch, tenant, table_name
        FROM merges JOIN collections ON collections.number = collection WHERE is_merged
    LOOP
        EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', merged.branch, merged.leaf);
        FOR found IN SELECT number, first_id, first_id + {LARGE_LINES} AS end_id FROM uploads
            WHERE collection = merged.collection AND first_id >= merged.low AND first_id < merged.high
              AND state = 'completed' AND corrects IS NULL
        LOOP
            leaf := format('%s_u%s', merged.table_name, found.number);
            EXECUTE format('CREATE TABLE %I (LIKE %I)', leaf, merged.leaf);
            EXECUTE format('INSERT INTO %I SELECT * FROM %I WHERE id >= %s AND id < %s',
                leaf, merged.leaf, found.first_id, found.end_id);
            FOR definition IN SELECT pg_get_indexdef(indexrelid) FROM pg_index
                WHERE indrelid = to_regclass(merged.leaf)
            LOOP
                EXECUTE replace(definition, merged.leaf, leaf);
            END LOOP;
            EXECUTE format('ALTER TABLE %I ADD PRIMARY KEY USING INDEX %I', leaf, leaf || '_pkey');
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s, %s) TO (%s, %s)',
                merged.branch, leaf, merged.collection, found.first_id, merged.collection, found.end_id);
        END LOOP;
        EXECUTE format('DROP TABLE %I', merged.leaf);
    END LOOP;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "merge_control",
        sa.Column("id", sa.SmallInteger(), server_default="1", autoincrement=False, nullable=False),
        sa.Column("is_paused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_merge_control_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merge_control")),
    )
    op.execute("INSERT INTO merge_control DEFAULT VALUES")
    op.create_table(
        "merges",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("low", sa.BigInteger(), nullable=False),
        sa.Column("high", sa.BigInteger(), nullable=False),
        sa.Column("next_id", sa.BigInteger(), nullable=False),
        sa.Column("is_merged", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("low < high AND next_id BETWEEN low AND high", name=op.f("ck_merges_bounds")),
        sa.CheckConstraint("is_merged = (merged_at IS NOT NULL)", name=op.f("ck_merges_merged_at")),
        sa.ForeignKeyConstraint(["collection"], ["collections.number"], name=op.f("fk_merges_collection")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_merges")),
    )
    op.create_index(op.f("ix_merges_collection_low"), "merges", ["collection", "low"])
    op.create_index(
        "ix_merges_under_way", "merges", ["is_merged"], unique=True, postgresql_where=sa.text("NOT is_merged")
    )
    op.create_table(
        "merged_uploads",
        sa.Column("merge_number", sa.BigInteger(), nullable=False),
        sa.Column("upload_number", sa.BigInteger(), nullable=False),
        sa.Column("loaded_records", sa.BigInteger(), nullable=False),
        sa.Column("copied_records", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["merge_number"], ["merges.number"], name=op.f("fk_merged_uploads_merge_number"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["upload_number"], ["uploads.number"], name=op.f("fk_merged_uploads_upload_number"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("merge_number", "upload_number", name=op.f("pk_merged_uploads")),
    )
    op.create_index(
        "ix_uploads_leaves",
        "uploads",
        ["collection", "first_id"],
        postgresql_where=sa.text(f"state = 'completed' AND corrects IS NULL AND first_id >= {FIRST_LARGE_ID}"),
    )


def downgrade() -> None:
    op.execute(DOWN)
    op.drop_index("ix_uploads_leaves", "uploads")
    op.drop_table("merged_uploads")
    op.drop_table("merges")
    op.drop_table("merge_control")
