"""Datasets that tenants declare.

Revision: 2026_12_05_datasets, after 2026_12_04_merging

A new table, and an empty column of `uploads`. On the way down, the tables of declared datasets and their uploads go.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "2026_12_05_datasets"
down_revision: str | None = "2026_12_04_merging"
branch_labels: None = None
depends_on: None = None

OF_TENANT = "tenant = (SELECT nullif(current_setting('app.tenant', true), ''))"
FORGET = """
DO $$
DECLARE gone bigint;
BEGIN
    DELETE FROM uploads WHERE declaration IS NOT NULL;
    FOR gone IN SELECT number FROM datasets
    LOOP
        EXECUTE format('DROP TABLE IF EXISTS d%s CASCADE', gone);
        DELETE FROM collections WHERE table_name = 'd' || gone;
    END LOOP;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "datasets",
        sa.Column("number", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, server_default="1", nullable=False),
        sa.Column("document", JSONB, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_datasets"),
        sa.UniqueConstraint("tenant", "name", name="uq_datasets_tenant_name"),
        sa.CheckConstraint("version > 0", name="version"),
    )
    op.execute("CREATE POLICY of_owner ON datasets TO CURRENT_USER USING (true)")
    op.execute(f"CREATE POLICY of_requests ON datasets TO imdb_api USING ({OF_TENANT})")
    op.execute("ALTER TABLE datasets ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT, INSERT (tenant, name, document) ON datasets TO imdb_api")
    op.add_column("uploads", sa.Column("declaration", sa.BigInteger, nullable=True))
    op.create_foreign_key(
        "fk_uploads_declaration", "uploads", "datasets", ["declaration"], ["number"], ondelete="SET NULL"
    )
    op.create_index(
        "ix_uploads_declaration", "uploads", ["declaration"], postgresql_where=sa.text("declaration IS NOT NULL")
    )
    op.execute("GRANT INSERT (declaration) ON uploads TO imdb_api")


def downgrade() -> None:
    op.execute(FORGET)
    op.drop_column("uploads", "declaration")
    op.drop_table("datasets")
