"""How long the records of ended uploads are kept, for each tenant.

Revision: 2026_12_21_records, after 2026_12_20_title_types

A column is added that is null: for ever, as before. On the way down these decisions are forgotten.
"""

import sqlalchemy as sa
from alembic import op

revision: str = "2026_12_21_records"
down_revision: str | None = "2026_12_20_title_types"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    op.add_column("tenant_settings", sa.Column("upload_retention_days", sa.Double))
    op.create_check_constraint("upload_retention_days", "tenant_settings", "upload_retention_days > 0")


def downgrade() -> None:
    op.drop_column("tenant_settings", "upload_retention_days")
