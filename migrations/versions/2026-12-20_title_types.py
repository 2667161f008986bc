"""An index of titles by their types: each type in the order of titles, and types that few titles have.

Revision: 2026_12_20_title_types, after 2026_12_19_operators

Only leaves whose indexes of words are there get it: the others get it together with these. To build it takes less
than a minute for ten million titles, in which readers are served and changes of these leaves wait.
"""

from alembic import context, op

revision: str = "2026_12_20_title_types"
down_revision: str | None = "2026_12_19_operators"
branch_labels: None = None
depends_on: None = None

LEAVES = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname ~ '^movies_[cmuwx][0-9]+$'
  AND to_regclass(relname || '_words') IS NOT NULL
ORDER BY 1
"""
INDEXES = """
SELECT relname FROM pg_class
WHERE relkind = 'i' AND relnamespace = 'public'::regnamespace AND relname ~ '^movies_[cmuwx][0-9]+_type_title$'
"""


def upgrade() -> None:
    for leaf in _names(LEAVES):
        op.execute(
            f"CREATE INDEX {leaf}_type_title ON {leaf} (title_type, title_key, id) WITH (deduplicate_items = off)"
        )
        op.execute(f"ANALYZE {leaf} (title_type)")


def downgrade() -> None:
    for index in _names(INDEXES):
        op.execute(f"DROP INDEX {index}")


def _names(sql: str) -> list[str]:
    """None for what `--sql` prints, which is for a database without rows."""
    return [] if context.is_offline_mode() else list(op.get_bind().exec_driver_sql(sql).scalars())
