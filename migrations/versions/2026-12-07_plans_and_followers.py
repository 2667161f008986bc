"""Plans: uploads that wait for a decision. What undos and corrections touch, for those who follow a collection.

Revision: 2026_12_07_plans, after 2026_12_06_write_modes

On the way down, plans are cancelled, also those that are applied and not published yet, and the rows of undone uploads
that wait to be listed are dropped. That an upload was to be planned is forgotten.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "2026_12_07_plans"
down_revision: str | None = "2026_12_06_write_modes"
branch_labels: None = None
depends_on: None = None

OF_TENANT = "tenant = (SELECT nullif(current_setting('app.tenant', true), ''))"

RECORD_STATE = """
CREATE OR REPLACE FUNCTION record_upload_state() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.state, NEW.state) NOT IN (
        {transitions}
    ) THEN
        RAISE EXCEPTION 'an upload cannot go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO upload_events (upload_number, event, reason) VALUES (NEW.number, NEW.state, NEW.error_message);
    RETURN NULL;
END
$$
"""
BEFORE = """
        ('queued', 'loading'), ('queued', 'cancelled'), ('queued', 'failed'),
        ('loading', 'completed'), ('loading', 'cancelled'), ('loading', 'failed'),
        ('failed', 'queued'), ('cancelled', 'queued'), ('completed', 'undone')
"""
NOW = f"""{BEFORE.rstrip()},
        ('loading', 'planned'), ('planned', 'queued'), ('planned', 'cancelled')
"""
STATES_BEFORE = ("queued", "loading", "completed", "failed", "cancelled", "undone")
KEPT_BEFORE = ("queued", "loading", "completed")


CANCEL_PLANS = """
UPDATE uploads SET state = 'cancelled', phase = 'done', epoch = epoch + 1, lease_until = NULL, finished_at = now()
WHERE state = 'planned' OR (state IN ('queued', 'loading') AND applied_at IS NOT NULL)
"""
DROP_WITHDRAWN = """
DO $$
DECLARE leaf text;
BEGIN
    FOR leaf IN SELECT table_name || '_x' || number FROM uploads WHERE state = 'undone' LOOP
        EXECUTE format('DROP TABLE IF EXISTS %I', leaf);
    END LOOP;
END
$$
"""


def upgrade() -> None:
    _states((*STATES_BEFORE[:2], "planned", *STATES_BEFORE[2:]), (*KEPT_BEFORE[:2], "planned", "completed"), NOW)
    op.add_column("uploads", sa.Column("plan", sa.Boolean, server_default=sa.false(), nullable=False))
    op.add_column("uploads", sa.Column("planned_at", sa.DateTime(timezone=True)))
    op.add_column("uploads", sa.Column("applied_at", sa.DateTime(timezone=True)))
    op.execute("GRANT INSERT (plan) ON uploads TO imdb_api")
    op.add_column("row_changes", sa.Column("identity", JSONB))
    op.add_column("collections", sa.Column("pruned_version", sa.BigInteger, server_default="0", nullable=False))
    op.create_table(
        "touched_rows",
        sa.Column("collection", sa.Integer, nullable=False),
        sa.Column("version", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("identities", JSONB),
        sa.Column("upload_number", sa.BigInteger),
        sa.PrimaryKeyConstraint("collection", "version", "position", name="pk_touched_rows"),
        sa.CheckConstraint("num_nonnulls(identities, upload_number) = 1", name="one_kind"),
        sa.ForeignKeyConstraint(
            ["collection"], ["collections.number"], name="fk_touched_rows_collection", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["upload_number"], ["uploads.number"], name="fk_touched_rows_upload_number", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_touched_rows_upload_number", "touched_rows", ["upload_number"])
    op.execute("CREATE POLICY of_owner ON touched_rows TO CURRENT_USER USING (true)")
    op.execute(f"CREATE POLICY of_requests ON touched_rows TO imdb_api USING ({OF_TENANT})")
    op.execute("ALTER TABLE touched_rows ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT ON touched_rows TO imdb_api")


def downgrade() -> None:
    op.execute(CANCEL_PLANS)
    op.execute(DROP_WITHDRAWN)
    op.drop_table("touched_rows")
    op.drop_column("collections", "pruned_version")
    op.drop_column("row_changes", "identity")
    for name in ("plan", "planned_at", "applied_at"):
        op.drop_column("uploads", name)
    _states(STATES_BEFORE, KEPT_BEFORE, BEFORE)


def _states(states: tuple[str, ...], kept: tuple[str, ...], transitions: str) -> None:
    op.drop_constraint("state", "uploads", type_="check")
    op.create_check_constraint("state", "uploads", f"state IN ({_listed(states)})")
    op.drop_index("ix_uploads_content", "uploads")
    op.create_index(
        "ix_uploads_content",
        "uploads",
        ["tenant", "dataset", "sha256", "options_key"],
        unique=True,
        postgresql_where=sa.text(f"state IN ({_listed(kept)}) AND NOT forced"),
    )
    op.execute(RECORD_STATE.format(transitions=transitions.strip()))


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)
