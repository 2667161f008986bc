"""When each tenant had its last turn at a loader: the one that has waited longest is next.

Revision: 2026_11_29_turns, after 2026_11_28_rejects

A new table; nothing waits for it. The API's role has no rights on it.
"""

import sqlalchemy as sa
from alembic import op

revision: str = "2026_11_29_turns"
down_revision: str | None = "2026_11_28_rejects"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    op.create_table(
        "tenant_turns",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name="pk_tenant_turns"),
    )


def downgrade() -> None:
    op.drop_table("tenant_turns")
