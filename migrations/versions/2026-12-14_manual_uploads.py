"""Manual uploads: one record that a person has written, changed or removed.

Revision: 2026_12_14_manual, after 2026_12_14_tenant_views

The default of the new column is in the catalog, so no row is rewritten; adding the constraint reads all uploads once. On
the way down, manual uploads stay as uploads like others.
"""

import sqlalchemy as sa
from alembic import op

revision: str = "2026_12_14_manual"
down_revision: str | None = "2026_12_14_tenant_views"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    op.add_column("uploads", sa.Column("kind", sa.Text, server_default="file", nullable=False))
    op.create_check_constraint("kind", "uploads", "kind IN ('file', 'manual')")


def downgrade() -> None:
    op.drop_column("uploads", "kind")
