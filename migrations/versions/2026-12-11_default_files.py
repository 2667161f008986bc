"""Default files: what a tenant's request to reload loads again.

Revision: 2026_12_11_default_files, after 2026_12_10_shots

It makes a table and rewrites none. On the way down the table goes, and retention removes the stored files.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "2026_12_11_default_files"
down_revision: str | None = "2026_12_10_shots"
branch_labels: None = None
depends_on: None = None

OF_TENANT = "tenant = (SELECT nullif(current_setting('app.tenant', true), ''))"


def upgrade() -> None:
    op.create_table(
        "default_files",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("filename", sa.Text, nullable=False),
        sa.Column("parameters", JSONB, nullable=False),
        sa.Column("storage_key", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name="pk_default_files"),
        sa.CheckConstraint("tenant ~ '^[a-z0-9][a-z0-9_-]{0,62}$'", name="tenant"),
    )
    op.execute("CREATE POLICY of_owner ON default_files TO CURRENT_USER USING (true)")
    op.execute(f"CREATE POLICY of_requests ON default_files TO imdb_api USING ({OF_TENANT})")
    op.execute("ALTER TABLE default_files ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT ON default_files TO imdb_api")


def downgrade() -> None:
    op.drop_table("default_files")
