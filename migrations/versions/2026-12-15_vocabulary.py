"""The vocabulary: words of titles and names, in which a search looks up what a mistyped word may have meant.

Revision: 2026_12_15_vocabulary, after 2026_12_14_manual

Both tables are new and empty. Background work fills them, also with the words of what was loaded before.
"""

import sqlalchemy as sa
from alembic import op

revision: str = "2026_12_15_vocabulary"
down_revision: str | None = "2026_12_14_manual"
branch_labels: None = None
depends_on: None = None

OF_TENANT = "tenant = (SELECT nullif(current_setting('app.tenant', true), ''))"


def upgrade() -> None:
    op.create_table(
        "vocabulary",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("word", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "word", name="pk_vocabulary"),
    )
    op.execute("CREATE POLICY of_owner ON vocabulary TO CURRENT_USER USING (true)")
    op.execute(f"CREATE POLICY of_requests ON vocabulary TO imdb_api USING ({OF_TENANT})")
    op.execute("ALTER TABLE vocabulary ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT ON vocabulary TO imdb_api")
    op.create_table(
        "vocabulary_progress",
        sa.Column("collection", sa.Integer, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("next_id", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("collection", name="pk_vocabulary_progress"),
        sa.ForeignKeyConstraint(
            ["collection"], ["collections.number"], name="fk_vocabulary_progress_collection", ondelete="CASCADE"
        ),
    )


def downgrade() -> None:
    op.drop_table("vocabulary_progress")
    op.drop_table("vocabulary")
