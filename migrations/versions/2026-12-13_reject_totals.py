"""Rejected records counted by code, and an index for the figures of a tenant's uploads.

Revision: 2026_12_13_reject_totals, after 2026_12_11_default_files

Reads all rejects once. Those that retention has removed are counted by no code. The index is built while nobody
registers or loads an upload; the transaction has `lock_timeout = 5s` (env.py).
"""

from alembic import op

revision: str = "2026_12_13_reject_totals"
down_revision: str | None = "2026_12_11_default_files"
branch_labels: None = None
depends_on: None = None

COUNT = """
INSERT INTO upload_totals (upload_number, breakdown, facets, row_count)
SELECT upload_number, 'rejected', jsonb_build_object('code', code), count(*)
FROM rejects JOIN uploads ON number = upload_number
WHERE position = 0 AND state = 'completed' AND corrects IS NULL
GROUP BY 1, 3
"""
SUM = """
INSERT INTO collection_totals (tenant, table_name, collection, breakdown, facets, row_count)
SELECT collections.tenant, collections.table_name, collections.number, breakdown, facets, sum(row_count)::bigint
FROM upload_totals
JOIN uploads ON uploads.number = upload_number AND superseded_by IS NULL
JOIN collections ON collections.number = uploads.collection
WHERE breakdown = 'rejected'
GROUP BY 1, 2, 3, 4, 5
"""


def upgrade() -> None:
    op.create_index(
        "ix_uploads_figures",
        "uploads",
        ["tenant", "state", "finished_at"],
        postgresql_include=["dataset", "loaded_records", "rejected_records", "corrects"],
    )
    op.execute(COUNT)
    op.execute(SUM)


def downgrade() -> None:
    op.execute("DELETE FROM collection_totals WHERE breakdown = 'rejected'")
    op.execute("DELETE FROM upload_totals WHERE breakdown = 'rejected'")
    op.drop_index("ix_uploads_figures", "uploads")
