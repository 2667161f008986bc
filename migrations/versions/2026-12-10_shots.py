"""Shots: pictures of movies, and how many bytes those of a tenant have.

Revision: 2026_12_10_shots, after 2026_12_08_search

The unique constraint reads `collections`, which is small, and locks it meanwhile. On the way down the shots are
forgotten; the sweep removes their files.
"""

import sqlalchemy as sa
from alembic import op

revision: str = "2026_12_10_shots"
down_revision: str | None = "2026_12_08_search"
branch_labels: None = None
depends_on: None = None

OF_TENANT = "tenant = (SELECT nullif(current_setting('app.tenant', true), ''))"
RIGHTS = {"shots": "SELECT, INSERT, DELETE", "shot_totals": "SELECT"}

# With the rights of the owner: no request may write a sum.
COUNT_SHOTS = """
CREATE FUNCTION count_shots() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO shot_totals AS total (tenant, size_bytes)
        SELECT tenant, sum(size_bytes) FROM changed GROUP BY tenant ORDER BY tenant
        ON CONFLICT (tenant) DO UPDATE SET size_bytes = total.size_bytes + EXCLUDED.size_bytes;
    ELSE
        UPDATE shot_totals AS total SET size_bytes = total.size_bytes - removed.size_bytes
        FROM (SELECT tenant, sum(size_bytes) AS size_bytes FROM changed GROUP BY tenant) AS removed
        WHERE removed.tenant = total.tenant;
    END IF;
    RETURN NULL;
END
$$
"""
TRIGGER = """
CREATE TRIGGER {name} AFTER {event} ON shots REFERENCING {rows} TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION count_shots()
"""


def upgrade() -> None:
    op.create_unique_constraint("uq_collections_number_tenant", "collections", ["number", "tenant"])
    op.create_table(
        "shots",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("collection", sa.Integer, nullable=False),
        sa.Column("source_id", sa.Text),
        sa.Column("row_id", sa.BigInteger),
        sa.Column("storage_key", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.clock_timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_shots"),
        sa.CheckConstraint("num_nonnulls(source_id, row_id) = 1", name="one_movie"),
        sa.UniqueConstraint("collection", "source_id", "sha256", name="uq_shots_collection_source_id_sha256"),
        sa.UniqueConstraint("collection", "row_id", "sha256", name="uq_shots_collection_row_id_sha256"),
        sa.ForeignKeyConstraint(
            ["collection", "tenant"],
            ["collections.number", "collections.tenant"],
            name="fk_shots_collection",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_shots_tenant_sha256", "shots", ["tenant", "sha256"])
    op.create_table(
        "shot_totals",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", name="pk_shot_totals"),
        sa.CheckConstraint("size_bytes >= 0", name="size_bytes"),
    )
    op.execute(COUNT_SHOTS)
    op.execute(TRIGGER.format(name="count_added", event="INSERT", rows="NEW"))
    op.execute(TRIGGER.format(name="count_removed", event="DELETE", rows="OLD"))
    for table, rights in RIGHTS.items():
        op.execute(f"CREATE POLICY of_owner ON {table} TO CURRENT_USER USING (true)")
        op.execute(f"CREATE POLICY of_requests ON {table} TO imdb_api USING ({OF_TENANT})")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        op.execute(f"GRANT {rights} ON {table} TO imdb_api")


def downgrade() -> None:
    op.drop_table("shots")
    op.drop_table("shot_totals")
    op.execute("DROP FUNCTION count_shots()")
    op.drop_constraint("uq_collections_number_tenant", "collections")
