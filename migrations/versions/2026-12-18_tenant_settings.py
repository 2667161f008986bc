"""What an operator has decided about a tenant: its limits, its retention, whether it is paused.

Revision: 2026_12_18_tenants, after 2026_12_16_sources

The table is new; a tenant without a row has what the settings say. On the way down these decisions are forgotten.
"""

import sqlalchemy as sa
from alembic import op

revision: str = "2026_12_18_tenants"
down_revision: str | None = "2026_12_16_sources"
branch_labels: None = None
depends_on: None = None

OF_TENANT = "tenant = (SELECT nullif(current_setting('app.tenant', true), ''))"


def upgrade() -> None:
    op.create_table(
        "tenant_settings",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("requests_per_minute", sa.Integer),
        sa.Column("upload_bytes_per_day", sa.BigInteger),
        sa.Column("concurrent_uploads", sa.Integer),
        sa.Column("row_retention_days", sa.Double),
        sa.Column("is_paused", sa.Boolean, server_default=sa.false(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name="pk_tenant_settings"),
        sa.CheckConstraint("tenant ~ '^[a-z0-9][a-z0-9_-]{0,62}$'", name="tenant"),
        sa.CheckConstraint("requests_per_minute >= 0", name="requests_per_minute"),
        sa.CheckConstraint("upload_bytes_per_day >= 0", name="upload_bytes_per_day"),
        sa.CheckConstraint("concurrent_uploads > 0", name="concurrent_uploads"),
        sa.CheckConstraint("row_retention_days > 0", name="row_retention_days"),
    )
    op.execute("CREATE POLICY of_owner ON tenant_settings TO CURRENT_USER USING (true)")
    op.execute(f"CREATE POLICY of_requests ON tenant_settings TO imdb_api USING ({OF_TENANT})")
    op.execute("ALTER TABLE tenant_settings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT ON tenant_settings TO imdb_api")


def downgrade() -> None:
    op.drop_table("tenant_settings")
