"""The order of release begins with the year of release, also where the day is of another year.

Revision: 2026_12_23_release_order, after 2026_12_22_index_steps

Reads every movie once. Few movies are written anew.
"""

from alembic import op

revision: str = "2026_12_23_release_order"
down_revision: str | None = "2026_12_22_index_steps"
branch_labels: None = None
depends_on: None = None

TABLES = ("movies", "movies_superseded", "movies_history")


def upgrade() -> None:
    for table in TABLES:
        op.execute(
            f"UPDATE {table} SET release_order = release_year * 10000 WHERE release_order / 10000 <> release_year"
        )


def downgrade() -> None:
    """What is sorted by its year may stay so."""
