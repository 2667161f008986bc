"""Sources: addresses that are fetched again and again, and pulls: the files that are fetched.

Revision: 2026_12_16_sources, after 2026_12_15_vocabulary

Both tables are new. On the way down sources and the history of their pulls are forgotten; uploads stay.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "2026_12_16_sources"
down_revision: str | None = "2026_12_15_vocabulary"
branch_labels: None = None
depends_on: None = None

OF_TENANT = "tenant = (SELECT nullif(current_setting('app.tenant', true), ''))"
NOW = sa.func.clock_timestamp()
WAITING = sa.text("state = 'waiting'")
ASKED = "id, tenant, address, parameters, transport"
# What a run finds out is written by whoever fetches; a request may only forget it.
RIGHTS = {
    "sources": (
        f"SELECT, DELETE, INSERT ({ASKED}, name, every_minutes, next_run_at),"
        " UPDATE (address, parameters, transport, every_minutes, next_run_at, etag, last_modified)"
    ),
    "pulls": f"SELECT, INSERT ({ASKED}, source, trace_id, idempotency_key)",
}


def upgrade() -> None:
    op.create_table(
        "sources",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("parameters", JSONB, nullable=False),
        sa.Column("transport", sa.Text, nullable=False),
        sa.Column("every_minutes", sa.Integer),
        sa.Column("next_run_at", sa.DateTime(timezone=True)),
        sa.Column("etag", sa.Text),
        sa.Column("last_modified", sa.Text),
        sa.Column("upload_id", sa.Uuid),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sources"),
        sa.CheckConstraint("tenant ~ '^[a-z0-9][a-z0-9_-]{0,62}$'", name="tenant"),
        sa.CheckConstraint("every_minutes > 0", name="every_minutes"),
        sa.CheckConstraint("(every_minutes IS NULL) = (next_run_at IS NULL)", name="next_run_at"),
        sa.UniqueConstraint("tenant", "name", name="uq_sources_tenant_name"),
        sa.UniqueConstraint("id", "tenant", name="uq_sources_id_tenant"),
    )
    op.create_index("ix_sources_next_run_at", "sources", ["next_run_at"])
    op.create_table(
        "pulls",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("source", sa.Uuid),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("parameters", JSONB, nullable=False),
        sa.Column("transport", sa.Text, nullable=False),
        sa.Column("trace_id", sa.Text, nullable=False),
        sa.Column("idempotency_key", sa.Text),
        sa.Column("state", sa.Text, server_default="waiting", nullable=False),
        sa.Column("epoch", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("attempts", sa.SmallInteger, server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("upload_id", sa.Uuid),
        sa.Column("size_bytes", sa.BigInteger),
        sa.Column("error_code", sa.Text),
        sa.Column("error_message", sa.Text),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_pulls"),
        sa.CheckConstraint("tenant ~ '^[a-z0-9][a-z0-9_-]{0,62}$'", name="tenant"),
        sa.CheckConstraint("state IN ('waiting', 'fetched', 'unchanged', 'failed')", name="state"),
        sa.ForeignKeyConstraint(
            ["source", "tenant"], ["sources.id", "sources.tenant"], name="fk_pulls_source", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_pulls_source_created_at", "pulls", ["source", "created_at"])
    op.create_index("ix_pulls_ended_at", "pulls", ["ended_at"])
    op.create_index("ix_pulls_next_attempt_at", "pulls", ["next_attempt_at"], postgresql_where=WAITING)
    op.create_index("ix_pulls_tenant_waiting", "pulls", ["tenant"], postgresql_where=WAITING)
    op.create_index("uq_pulls_source_waiting", "pulls", ["source"], unique=True, postgresql_where=WAITING)
    op.create_index(
        "uq_pulls_tenant_idempotency_key",
        "pulls",
        ["tenant", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    for table, rights in RIGHTS.items():
        op.execute(f"CREATE POLICY of_owner ON {table} TO CURRENT_USER USING (true)")
        op.execute(f"CREATE POLICY of_requests ON {table} TO imdb_api USING ({OF_TENANT})")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        op.execute(f"GRANT {rights} ON {table} TO imdb_api")


def downgrade() -> None:
    op.drop_table("pulls")
    op.drop_table("sources")
