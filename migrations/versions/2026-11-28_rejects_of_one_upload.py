"""Rejects are compared with the one upload that a request is about, not with all uploads of its tenant.

Revision: 2026_11_28_rejects, after 2026_11_27_row_security

The transaction has `lock_timeout = 5s` (env.py). A policy is a row of the catalogue: nothing is written or read anew.
"""

from alembic import op

revision: str = "2026_11_28_rejects"
down_revision: str | None = "2026_11_27_row_security"
branch_labels: None = None
depends_on: None = None

ALL_OF_ITS_UPLOADS = "upload_number IN (SELECT number FROM uploads)"

# Still hashed, so that a million rejects cost a look into the hash each; but what is hashed is one upload. Who names
# none compares with all. Naming is no right: the policy of `uploads` holds here, too. As subqueries the bounds are
# unknown to the planner, which then follows the key and keeps a plan that is good for any upload.
NAMED = "(SELECT coalesce(nullif(current_setting('app.upload_number', true), '')::bigint, {otherwise}))"
NAMED_OF_ITS_UPLOADS = (
    "upload_number IN (SELECT number FROM uploads WHERE number"
    f" BETWEEN {NAMED.format(otherwise=0)} AND {NAMED.format(otherwise=2**63 - 1)})"
)


def upgrade() -> None:
    op.execute(f"ALTER POLICY of_requests ON rejects USING ({NAMED_OF_ITS_UPLOADS})")


def downgrade() -> None:
    op.execute(f"ALTER POLICY of_requests ON rejects USING ({ALL_OF_ITS_UPLOADS})")
