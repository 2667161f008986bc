"""How far the indexes of a large upload are built: the records are loaded then, and it may take minutes.

Revision: 2026_12_22_index_steps, after 2026_12_21_records
"""

import sqlalchemy as sa
from alembic import op

revision: str = "2026_12_22_index_steps"
down_revision: str | None = "2026_12_21_records"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    op.add_column("uploads", sa.Column("index_steps_done", sa.SmallInteger))
    op.add_column("uploads", sa.Column("index_steps_total", sa.SmallInteger))


def downgrade() -> None:
    op.drop_column("uploads", "index_steps_total")
    op.drop_column("uploads", "index_steps_done")
