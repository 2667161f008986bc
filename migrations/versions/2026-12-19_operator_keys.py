"""Keys of operators: a scope of their own, and no tenants.

Revision: 2026_12_19_operators, after 2026_12_18_tenants

Two constraints are replaced. The table of keys is small and locked for as long as reading it takes. On the way down the
keys of operators are deleted, because no earlier version knows what they open.
"""

from alembic import op

revision: str = "2026_12_19_operators"
down_revision: str | None = "2026_12_18_tenants"
branch_labels: None = None
depends_on: None = None

TENANT = "[a-z0-9][a-z0-9_-]{0,62}"
NAMES = f"array_to_string(tenants, '/', '!') ~ '^{TENANT}(/{TENANT})*$'"
SCOPES = "cardinality(scopes) > 0 AND scopes <@ ARRAY['read', 'upload', 'admin']"
OPERATOR = "scopes = ARRAY['operator']"


def upgrade() -> None:
    _replace(f"CASE WHEN {OPERATOR} THEN tenants = '{{}}' ELSE {NAMES} END", f"{OPERATOR} OR {SCOPES}")


def downgrade() -> None:
    op.execute(f"DELETE FROM api_keys WHERE {OPERATOR}")
    _replace(NAMES, SCOPES)


def _replace(tenants: str, scopes: str) -> None:
    for name, condition in (("tenants", tenants), ("scopes", scopes)):
        op.drop_constraint(f"ck_api_keys_{name}", "api_keys")
        op.create_check_constraint(name, "api_keys", condition)
