"""The field's words for columns and codes, the transport by its name, and a checksum for each batch.

Revision: 2026_11_30_words, after 2026_11_29_turns

The transaction has `lock_timeout = 5s` (env.py). Writes `uploads` anew, because of its new column, and the stored
answers of idempotency keys; movies and rejects stay as they are.

Batches that exist already get no checksum: a loader does not verify their bytes. On the way down the SHA-256 of the
stored content is taken to be that of the sent bytes; that is wrong for gzip and for encodings other than UTF-8, so an
earlier version refuses to load such a file when it was not completed before.
"""

import sqlalchemy as sa
from alembic import op

revision: str = "2026_11_30_words"
down_revision: str | None = "2026_11_29_turns"
branch_labels: None = None
depends_on: None = None

ERROR_CODES = {
    "mended_upload_ended": "corrected_upload_ended",
    "account_mismatch": "record_counts_mismatch",
    "stored_file_damaged": "stored_file_corrupt",
}
COUNTED = ("uploads", "batches")

# An idempotency key gives the same answer again, so stored answers must have the members of today's.
ANSWERS = """
UPDATE idempotency_keys
SET answer = jsonb_set(answer, '{{body}}', ((answer->'body') - '{old_transport}' - '{old_corrects}')
    || jsonb_build_object('{new_transport}', {value}, '{new_corrects}', answer->'body'->'{old_corrects}'))
WHERE (answer->'body') ? '{old_transport}'
"""


def upgrade() -> None:
    op.alter_column("uploads", "rung_at", new_column_name="notified_at")
    op.alter_column("uploads", "mends", new_column_name="corrects")
    op.execute("ALTER TABLE uploads RENAME CONSTRAINT fk_uploads_mends TO fk_uploads_corrects")
    op.execute("ALTER INDEX ix_uploads_mends RENAME TO ix_uploads_corrects")
    op.add_column("uploads", sa.Column("transport", sa.Text))
    op.execute("UPDATE uploads SET transport = CASE WHEN use_celery THEN 'celery' ELSE 'background' END")
    op.alter_column("uploads", "transport", nullable=False)
    op.create_check_constraint("transport", "uploads", "transport IN ('celery', 'background')")
    op.drop_column("uploads", "use_celery")
    op.drop_column("uploads", "content_sha256")
    op.add_column("batches", sa.Column("begins_in_line", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("batches", sa.Column("checksum", sa.LargeBinary))
    for table in COUNTED:
        op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT ck_{table}_account TO ck_{table}_record_counts")
    op.rename_table("tenant_turns", "tenant_schedule")
    op.alter_column("tenant_schedule", "taken_at", new_column_name="last_served_at")
    op.execute("ALTER TABLE tenant_schedule RENAME CONSTRAINT pk_tenant_turns TO pk_tenant_schedule")
    _rename_codes(ERROR_CODES)
    op.execute("UPDATE upload_events SET event = 'corrected' WHERE event = 'mended'")
    op.execute(
        ANSWERS.format(
            old_transport="use_celery",
            old_corrects="mends",
            new_transport="transport",
            new_corrects="corrects",
            value="CASE WHEN (answer->'body'->>'use_celery')::boolean THEN 'celery' ELSE 'background' END",
        )
    )
    op.execute("GRANT INSERT (transport) ON uploads TO imdb_api")
    op.execute("GRANT INSERT (begins_in_line, checksum) ON batches TO imdb_api")


def downgrade() -> None:
    op.execute(
        ANSWERS.format(
            old_transport="transport",
            old_corrects="corrects",
            new_transport="use_celery",
            new_corrects="mends",
            value="answer->'body'->>'transport' = 'celery'",
        )
    )
    op.execute("UPDATE upload_events SET event = 'mended' WHERE event = 'corrected'")
    _rename_codes({new: old for old, new in ERROR_CODES.items()})
    op.execute("ALTER TABLE tenant_schedule RENAME CONSTRAINT pk_tenant_schedule TO pk_tenant_turns")
    op.alter_column("tenant_schedule", "last_served_at", new_column_name="taken_at")
    op.rename_table("tenant_schedule", "tenant_turns")
    for table in COUNTED:
        op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT ck_{table}_record_counts TO ck_{table}_account")
    op.drop_column("batches", "checksum")
    op.drop_column("batches", "begins_in_line")
    op.add_column("uploads", sa.Column("content_sha256", sa.Text))
    op.add_column("uploads", sa.Column("use_celery", sa.Boolean))
    op.execute("UPDATE uploads SET content_sha256 = sha256, use_celery = transport = 'celery'")
    op.alter_column("uploads", "content_sha256", nullable=False)
    op.alter_column("uploads", "use_celery", nullable=False)
    op.drop_column("uploads", "transport")
    op.execute("ALTER INDEX ix_uploads_corrects RENAME TO ix_uploads_mends")
    op.execute("ALTER TABLE uploads RENAME CONSTRAINT fk_uploads_corrects TO fk_uploads_mends")
    op.alter_column("uploads", "corrects", new_column_name="mends")
    op.alter_column("uploads", "notified_at", new_column_name="rung_at")
    op.execute("GRANT INSERT (content_sha256, use_celery) ON uploads TO imdb_api")


def _rename_codes(names: dict[str, str]) -> None:
    for before, after in names.items():
        op.execute(
            sa.text("UPDATE uploads SET error_code = :after WHERE error_code = :before").bindparams(
                after=after, before=before
            )
        )
