"""Keys: who may ask for what.

Revision: 2026_11_26_keys, after 2026_11_25_mending

A new table; nothing waits for it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision: str = "2026_11_26_keys"
down_revision: str | None = "2026_11_25_mending"
branch_labels: None = None
depends_on: None = None

TENANT = "[a-z0-9][a-z0-9_-]{0,62}"


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False),
        sa.Column("tenants", ARRAY(sa.Text), nullable=False),
        sa.Column("scopes", ARRAY(sa.Text), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.Column("replaces", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.ForeignKeyConstraint(["replaces"], ["api_keys.id"], name="fk_api_keys_replaces"),
        sa.UniqueConstraint("replaces", name="uq_api_keys_replaces"),
        sa.CheckConstraint("octet_length(secret_hash) = 32", name="secret_hash"),
        sa.CheckConstraint(f"array_to_string(tenants, '/', '!') ~ '^{TENANT}(/{TENANT})*$'", name="tenants"),
        sa.CheckConstraint("cardinality(scopes) > 0 AND scopes <@ ARRAY['read', 'upload', 'admin']", name="scopes"),
    )


def downgrade() -> None:
    op.drop_table("api_keys")
