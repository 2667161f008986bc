"""Which database session may be in the middle of a batch, so that whoever takes it over can end it; uploads by content.

Revision: 2026_11_23_sessions, after 2026_11_22_history

The transaction has `lock_timeout = 5s` (env.py).
"""

import sqlalchemy as sa
from alembic import op

revision: str = "2026_11_23_sessions"
down_revision: str | None = "2026_11_22_history"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    op.add_column("batches", sa.Column("session_pid", sa.Integer))
    op.add_column("batches", sa.Column("session_start", sa.DateTime(timezone=True)))
    op.create_index("ix_uploads_sha256", "uploads", ["sha256"])


def downgrade() -> None:
    op.drop_index("ix_uploads_sha256", "uploads")
    op.drop_column("batches", "session_start")
    op.drop_column("batches", "session_pid")
