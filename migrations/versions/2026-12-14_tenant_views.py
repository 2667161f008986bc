"""Views of a tenant's rows, for what an index finds by words or by a value of a list.

Revision: 2026_12_14_tenant_views, after 2026_12_13_reject_totals

A policy lets no index serve an operator that is not leakproof, as `@@` and `@>` are: something that such a function
tells in an error might be about a row of another tenant. The views have the policy's condition as one of their own. A
view reads with the rights of its owner, whose policy shows all rows, so nothing else is in the way of the indexes. All
that a request can do with a view is to read the rows of its tenant, as before. No table is rewritten, and no lock of
readers is taken.
"""

from alembic import op

revision: str = "2026_12_14_tenant_views"
down_revision: str | None = "2026_12_13_reject_totals"
branch_labels: None = None
depends_on: None = None

TABLES = ("movies", "people", "alternative_titles")
OF_TENANT = "tenant = (SELECT nullif(current_setting('app.tenant', true), ''))"


def upgrade() -> None:
    for table in TABLES:
        op.execute(f"CREATE VIEW {table}_of_tenant AS SELECT * FROM {table} WHERE {OF_TENANT}")
        op.execute(f"GRANT SELECT ON {table}_of_tenant TO imdb_api")


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP VIEW {table}_of_tenant")
