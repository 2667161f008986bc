"""History of uploads, idempotency keys, one load per file, and how many rejects an upload may have.

Revision: 2026_11_22_history, after 2026_11_21_initial

The transaction has `lock_timeout = 5s` (env.py).
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "2026_11_22_history"
down_revision: str | None = "2026_11_21_initial"
branch_labels: None = None
depends_on: None = None

# A trigger and not the callers: whoever changes a state, by whatever statement, leaves its trace in the same
# transaction, and a change that is no edge of the drawing in shared/database/models.py cannot be made at all.
RECORD_STATE = """
CREATE FUNCTION record_upload_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.state, NEW.state) NOT IN (
        ('queued', 'loading'), ('queued', 'cancelled'), ('queued', 'failed'),
        ('loading', 'completed'), ('loading', 'cancelled'), ('loading', 'failed'),
        ('failed', 'queued'), ('cancelled', 'queued'), ('completed', 'undone')
    ) THEN
        RAISE EXCEPTION 'an upload cannot go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO upload_events (upload_number, event, reason) VALUES (NEW.number, NEW.state, NEW.error_message);
    RETURN NULL;
END
$$
"""


def upgrade() -> None:
    op.add_column("uploads", sa.Column("forced", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("uploads", sa.Column("on_error", sa.Text, nullable=False, server_default="skip"))
    op.add_column("uploads", sa.Column("max_rejects", sa.BigInteger))
    op.add_column("uploads", sa.Column("max_rejects_percent", sa.Double))
    op.create_check_constraint("on_error", "uploads", "on_error IN ('skip', 'abort')")
    op.create_check_constraint("max_rejects", "uploads", "max_rejects >= 0")
    op.create_check_constraint("max_rejects_percent", "uploads", "max_rejects_percent BETWEEN 0 AND 100")
    op.create_index(
        "ix_uploads_content",
        "uploads",
        ["tenant", "dataset", "sha256"],
        unique=True,
        postgresql_where=sa.text("state IN ('queued', 'loading', 'completed') AND NOT forced"),
    )
    _create_events()
    _create_idempotency_keys()


def downgrade() -> None:
    op.execute("DROP TRIGGER record_new_state ON uploads")
    op.execute("DROP TRIGGER record_state ON uploads")
    op.execute("DROP FUNCTION record_upload_state()")
    op.drop_table("idempotency_keys")
    op.drop_table("upload_events")
    op.drop_index("ix_uploads_content", "uploads")
    for column in ("max_rejects_percent", "max_rejects", "on_error", "forced"):
        op.drop_column("uploads", column)


def _create_events() -> None:
    op.create_table(
        "upload_events",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("upload_number", sa.BigInteger, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_upload_events"),
        sa.ForeignKeyConstraint(
            ["upload_number"], ["uploads.number"], name="fk_upload_events_upload_number", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_upload_events_upload_number_id", "upload_events", ["upload_number", "id"])
    op.execute(RECORD_STATE)
    op.execute(
        "CREATE TRIGGER record_new_state AFTER INSERT ON uploads FOR EACH ROW EXECUTE FUNCTION record_upload_state()"
    )
    op.execute(
        "CREATE TRIGGER record_state AFTER UPDATE OF state ON uploads FOR EACH ROW"
        " WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION record_upload_state()"
    )


def _create_idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("holder", sa.Uuid, nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fingerprint", sa.Text),
        sa.Column("upload_id", sa.Uuid),
        sa.Column("answer", JSONB),
        sa.PrimaryKeyConstraint("tenant", "key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
