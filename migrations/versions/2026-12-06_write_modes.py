"""Write modes: what an upload does to the rows before it, and where the rows go whose place it takes.

Revision: 2026_12_06_write_modes, after 2026_12_05_datasets

The transaction has `lock_timeout = 5s` (env.py). No row is written anew; uploads that are completed become the versions
of their collections, in the order in which they were. On the way down, what readers see stays, and superseded rows go.
"""

import sqlalchemy as sa
from alembic import op

revision: str = "2026_12_06_write_modes"
down_revision: str | None = "2026_12_05_datasets"
branch_labels: None = None
depends_on: None = None

FIRST_LARGE_ID = 2**52
OF_TENANT = "tenant = (SELECT nullif(current_setting('app.tenant', true), ''))"
OF_ONE_OF_ITS_UPLOADS = "upload_number IN (SELECT number FROM uploads)"
COUNTS = ("new_records", "changed_records", "unchanged_records", "removed_records")
LARGE_ROWS = f"state = 'completed' AND corrects IS NULL AND first_id >= {FIRST_LARGE_ID}"

# Of every table of rows, also those of declared datasets: they are the tables that are divided by tenants.
EACH_TABLE = """
DO $$
DECLARE
    rows text;
    found record;
BEGIN
    FOR rows IN SELECT relname FROM pg_class JOIN pg_partitioned_table ON partrelid = pg_class.oid
        WHERE partstrat = 'l' AND relnamespace = 'public'::regnamespace AND relname !~ '_superseded$'
    LOOP
        {}
    END LOOP;
END $$
"""
CREATE = EACH_TABLE.format(f"""
        EXECUTE format('CREATE TABLE %1$I (LIKE %2$I, superseded_by bigint NOT NULL) PARTITION BY LIST (tenant)',
            rows || '_superseded', rows);
        EXECUTE format('CREATE TABLE %1$I (LIKE %2$I, superseded_by bigint NOT NULL, CONSTRAINT %3$I PRIMARY KEY (id))',
            rows || '_history', rows, 'pk_' || rows || '_history');
        EXECUTE format('CREATE INDEX %I ON %I (superseded_by)',
            'ix_' || rows || '_history_superseded_by', rows || '_history');
        FOR found IN SELECT rows || suffix AS name FROM unnest(ARRAY['_superseded', '_history']) AS suffix
        LOOP
            EXECUTE format('CREATE POLICY of_owner ON %I TO CURRENT_USER USING (true)', found.name);
            EXECUTE format('CREATE POLICY of_requests ON %I TO imdb_api USING ({OF_TENANT.replace("'", "''")})',
                found.name);
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', found.name);
            EXECUTE format('GRANT SELECT ON %I TO imdb_api', found.name);
        END LOOP;
        FOR found IN SELECT DISTINCT branch, tenant, replace(branch, rows || '_t', rows || '_superseded_t') AS name
            FROM collections WHERE table_name = rows
        LOOP
            EXECUTE format('CREATE TABLE %I (LIKE %I) PARTITION BY RANGE (collection, id)',
                found.name, rows || '_superseded');
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES IN (%L)',
                rows || '_superseded', found.name, found.tenant);
        END LOOP;
""")
DROP = EACH_TABLE.format("""
        EXECUTE format('DROP TABLE %I', rows || '_superseded');
        EXECUTE format('DROP TABLE %I', rows || '_history');
""")

COUNT = (
    """
    UPDATE uploads
    SET version = ordered.version, rows_version = ordered.version, current_records = loaded_records,
        new_records = loaded_records, changed_records = 0, unchanged_records = 0, removed_records = 0
    FROM (
        SELECT number, row_number() OVER (PARTITION BY collection ORDER BY finished_at, number) AS version
        FROM uploads WHERE state = 'completed' AND corrects IS NULL AND collection IS NOT NULL
    ) AS ordered
    WHERE ordered.number = uploads.number
    """,
    """
    INSERT INTO collection_versions (collection, version, tenant, upload_number, change, at)
    SELECT collection, version, tenant, number, 'published', finished_at FROM uploads WHERE version IS NOT NULL
    """,
    """
    UPDATE collections SET version = latest.version
    FROM (SELECT collection, max(version) AS version FROM uploads WHERE version IS NOT NULL GROUP BY collection) AS latest
    WHERE latest.collection = collections.number
    """,
    # What was corrected since it was copied is copied again.
    """
    UPDATE merged_uploads
    SET rows_version = CASE WHEN uploads.loaded_records = merged_uploads.loaded_records
        THEN uploads.rows_version ELSE -1 END
    FROM uploads WHERE uploads.number = upload_number
    """,
)

# Uploads that were replaced are undone. Records that were equal to rows of others, or were superseded since, have no row.
FORGET = (
    "ALTER TABLE uploads DISABLE TRIGGER record_state",
    "UPDATE uploads SET state = 'undone' WHERE state = 'completed' AND superseded_by IS NOT NULL",
    """
    UPDATE uploads SET loaded_records = current_records, duplicate_records = read_records - rejected_records - current_records
    WHERE state = 'completed' AND corrects IS NULL AND loaded_records <> current_records
    """,
    "ALTER TABLE uploads ENABLE TRIGGER record_state",
    "DELETE FROM merges WHERE superseded_by IS NOT NULL",
    """
    UPDATE merged_uploads SET loaded_records = CASE
        WHEN uploads.rows_version = merged_uploads.rows_version THEN uploads.loaded_records ELSE -1 END
    FROM uploads WHERE uploads.number = upload_number
    """,
)


def upgrade() -> None:
    op.execute(CREATE)
    op.add_column("collections", sa.Column("version", sa.BigInteger, server_default="0", nullable=False))
    op.create_table(
        "collection_versions",
        sa.Column("collection", sa.Integer, nullable=False),
        sa.Column("version", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("upload_number", sa.BigInteger, nullable=False),
        sa.Column("change", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.func.clock_timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("collection", "version", name="pk_collection_versions"),
        sa.CheckConstraint("change IN ('published', 'corrected', 'undone')", name="change"),
        sa.ForeignKeyConstraint(
            ["collection"], ["collections.number"], name="fk_collection_versions_collection", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["upload_number"], ["uploads.number"], name="fk_collection_versions_upload_number", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_collection_versions_upload_number", "collection_versions", ["upload_number"])
    op.create_table(
        "row_changes",
        sa.Column("upload_number", sa.BigInteger, nullable=False),
        sa.Column("position", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("old_id", sa.BigInteger),
        sa.Column("new_id", sa.BigInteger),
        sa.PrimaryKeyConstraint("upload_number", "position", name="pk_row_changes"),
        sa.CheckConstraint("num_nulls(old_id, new_id) < 2", name="ids"),
        sa.ForeignKeyConstraint(
            ["upload_number"], ["uploads.number"], name="fk_row_changes_upload_number", ondelete="CASCADE"
        ),
    )
    _open_to_requests("collection_versions", OF_TENANT)
    _open_to_requests("row_changes", OF_ONE_OF_ITS_UPLOADS)
    op.add_column("uploads", sa.Column("mode", sa.Text, server_default="append", nullable=False))
    op.create_check_constraint("mode", "uploads", "mode IN ('append', 'replace', 'upsert')")
    for name in ("version", "superseded_by", "compared_version", *COUNTS):
        op.add_column("uploads", sa.Column(name, sa.BigInteger))
    for name in ("current_records", "rows_version"):
        op.add_column("uploads", sa.Column(name, sa.BigInteger, server_default="0", nullable=False))
    op.create_check_constraint("current_records", "uploads", "current_records >= 0")
    op.create_foreign_key("fk_uploads_superseded_by", "uploads", "uploads", ["superseded_by"], ["number"])
    op.create_index(
        "ix_uploads_superseded_by", "uploads", ["superseded_by"], postgresql_where=sa.text("superseded_by IS NOT NULL")
    )
    _index_anew(" AND superseded_by IS NULL")
    op.add_column("merges", sa.Column("superseded_by", sa.BigInteger))
    op.create_foreign_key("fk_merges_superseded_by", "merges", "uploads", ["superseded_by"], ["number"])
    op.add_column("merged_uploads", sa.Column("rows_version", sa.BigInteger, server_default="0", nullable=False))
    op.alter_column("merged_uploads", "rows_version", server_default=None)
    for statement in COUNT:
        op.execute(statement)
    op.drop_column("merged_uploads", "loaded_records")
    op.execute("GRANT INSERT (mode) ON uploads TO imdb_api")


def downgrade() -> None:
    op.add_column("merged_uploads", sa.Column("loaded_records", sa.BigInteger, server_default="0", nullable=False))
    op.alter_column("merged_uploads", "loaded_records", server_default=None)
    for statement in FORGET:
        op.execute(statement)
    op.drop_column("merged_uploads", "rows_version")
    op.drop_column("merges", "superseded_by")
    op.execute(DROP)
    _index_anew("")
    op.drop_table("row_changes")
    op.drop_table("collection_versions")
    for name in ("mode", "version", "superseded_by", "compared_version", *COUNTS, "current_records", "rows_version"):
        op.drop_column("uploads", name)
    op.drop_column("collections", "version")


def _open_to_requests(table: str, condition: str) -> None:
    op.execute(f"CREATE POLICY of_owner ON {table} TO CURRENT_USER USING (true)")
    op.execute(f"CREATE POLICY of_requests ON {table} TO imdb_api USING ({condition})")
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute(f"GRANT SELECT ON {table} TO imdb_api")


def _index_anew(condition: str) -> None:
    op.drop_index("ix_uploads_leaves", "uploads")
    op.create_index(
        "ix_uploads_leaves", "uploads", ["collection", "first_id"], postgresql_where=sa.text(LARGE_ROWS + condition)
    )
