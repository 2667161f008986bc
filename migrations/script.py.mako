"""${message}

Revision: ${up_revision}, after ${down_revision | comma,n}

The transaction has `lock_timeout = 5s` (env.py): a migration that would wait behind a long query fails instead, and
does not block other queries. Set a `statement_timeout` here for a statement that touches every row.
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision: str = ${repr(up_revision)}
down_revision: str | None = ${repr(down_revision)}
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
