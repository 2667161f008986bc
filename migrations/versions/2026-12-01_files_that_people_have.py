"""Which columns of a file feed its dataset, which member of an archive it is, what decides how it loads, and warnings.

Revision: 2026_12_01_files, after 2026_11_30_words

The transaction has `lock_timeout = 5s` (env.py). The new columns are null or have constant defaults, so no table is
written anew; the index of contents is built anew. Uploads that exist already have no `columns`: a loader derives them
from the header, as before. On the way down, of uploads of the same bytes that differ in their options
only the first stays unforced.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision: str = "2026_12_01_files"
down_revision: str | None = "2026_11_30_words"
branch_labels: None = None
depends_on: None = None

KEPT = "state IN ('queued', 'loading', 'completed') AND NOT forced"

FORCE_REPEATED = f"""
UPDATE uploads AS later SET forced = true
WHERE {KEPT.replace("state", "later.state").replace("forced", "later.forced")} AND EXISTS (
    SELECT FROM uploads AS first
    WHERE (first.tenant, first.dataset, first.sha256) = (later.tenant, later.dataset, later.sha256)
      AND first.number < later.number AND first.state IN ('queued', 'loading', 'completed') AND NOT first.forced
)
"""


def upgrade() -> None:
    op.add_column("uploads", sa.Column("member", sa.Text))
    op.add_column("uploads", sa.Column("columns", JSONB))
    op.add_column("uploads", sa.Column("table_schema", JSONB, nullable=False, server_default="{}"))
    op.add_column("uploads", sa.Column("options_key", sa.Text, nullable=False, server_default=""))
    op.add_column("uploads", sa.Column("intake_warnings", JSONB, nullable=False, server_default="[]"))
    op.add_column("uploads", sa.Column("warnings", JSONB))
    op.add_column("batches", sa.Column("header", ARRAY(sa.Text)))
    op.add_column("batches", sa.Column("warnings", JSONB, nullable=False, server_default="[]"))
    _index_contents("tenant", "dataset", "sha256", "options_key")
    op.execute("GRANT INSERT (member, columns, table_schema, options_key, intake_warnings) ON uploads TO imdb_api")
    op.execute("GRANT UPDATE (warnings) ON uploads TO imdb_api")
    op.execute("GRANT INSERT (header), UPDATE (warnings) ON batches TO imdb_api")


def downgrade() -> None:
    op.execute(FORCE_REPEATED)
    _index_contents("tenant", "dataset", "sha256")
    op.drop_column("batches", "warnings")
    op.drop_column("batches", "header")
    for name in ("warnings", "intake_warnings", "options_key", "table_schema", "columns", "member"):
        op.drop_column("uploads", name)


def _index_contents(*columns: str) -> None:
    op.drop_index("ix_uploads_content", "uploads")
    op.create_index("ix_uploads_content", "uploads", list(columns), unique=True, postgresql_where=sa.text(KEPT))
