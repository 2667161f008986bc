"""Where in the file a rejected record is, and which upload's rejects an upload mends.

Revision: 2026_11_25_mending, after 2026_11_24_languages

The transaction has `lock_timeout = 5s` (env.py).
"""

import sqlalchemy as sa
from alembic import op

revision: str = "2026_11_25_mending"
down_revision: str | None = "2026_11_24_languages"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    op.add_column("rejects", sa.Column("byte_start", sa.BigInteger))
    op.add_column("rejects", sa.Column("byte_end", sa.BigInteger))
    op.add_column("uploads", sa.Column("mends", sa.BigInteger))
    op.create_foreign_key("fk_uploads_mends", "uploads", "uploads", ["mends"], ["number"], ondelete="CASCADE")
    op.create_index("ix_uploads_mends", "uploads", ["mends"], postgresql_where=sa.text("mends IS NOT NULL"))


def downgrade() -> None:
    op.drop_index("ix_uploads_mends", "uploads")
    op.drop_column("uploads", "mends")
    op.drop_column("rejects", "byte_end")
    op.drop_column("rejects", "byte_start")
