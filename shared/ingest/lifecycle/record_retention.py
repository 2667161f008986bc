"""Retention of records: uploads that failed, were cancelled or undone are forgotten, with their history and rejects.

Each tenant's operator decides after how long. A record stays as long as something names it: a version that somebody
may still ask about, a correction, a merge, a source, or the key of a request.
"""

from typing import Final

import structlog
from sqlalchemy import Engine, text

from shared.database.state_machine import UploadState, sql_list

log = structlog.get_logger()

# Of one round: each takes its batches, rejects and events along.
_MOST: Final = 100

_ENDED: Final = f"state IN ({sql_list((UploadState.FAILED, UploadState.CANCELLED, UploadState.UNDONE))})"
_KEPT: Final = "make_interval(secs => upload_retention_days * 24 * 3600)"

# Of the versions that are pruned the last one stays: whoever asks for a moment before it learns by it that the past is
# no longer known.
_FORGET: Final = text(f"""
WITH old AS (
    SELECT upload.number
    FROM tenant_settings JOIN uploads AS upload USING (tenant)
    LEFT JOIN collections ON collections.number = upload.collection
    WHERE upload_retention_days IS NOT NULL AND {_ENDED} AND finished_at < clock_timestamp() - {_KEPT}
      AND NOT EXISTS (
          SELECT FROM upload_events WHERE upload_number = upload.number AND at >= clock_timestamp() - {_KEPT})
      AND NOT EXISTS (
          SELECT FROM collection_versions AS made
          WHERE made.upload_number = upload.number AND made.version >= collections.pruned_version)
      AND NOT EXISTS (SELECT FROM uploads AS correction WHERE correction.corrects = upload.number)
      AND NOT EXISTS (SELECT FROM uploads AS superseded WHERE superseded.superseded_by = upload.number)
      AND NOT EXISTS (SELECT FROM merges WHERE superseded_by = upload.number)
      AND NOT EXISTS (SELECT FROM merged_uploads WHERE upload_number = upload.number)
      AND NOT EXISTS (SELECT FROM sources WHERE sources.upload_id = upload.id)
      AND NOT EXISTS (SELECT FROM idempotency_keys WHERE idempotency_keys.upload_id = upload.id)
      AND NOT EXISTS (
          SELECT FROM pg_class WHERE relkind = 'r' AND relname = ANY (ARRAY[
              upload.table_name || '_u' || upload.number, upload.table_name || '_w' || upload.number,
              upload.table_name || '_x' || upload.number]))
    ORDER BY finished_at
    LIMIT {_MOST}
    FOR UPDATE OF upload SKIP LOCKED
)
DELETE FROM uploads USING old WHERE uploads.number = old.number
""")


def forget_ended(engine: Engine) -> None:
    """One round, oldest first; raises errors of SQLAlchemy. Their files go as those of nobody (`retention`)."""
    with engine.begin() as connection:
        forgotten = connection.execute(_FORGET).rowcount
    if forgotten:
        log.info("uploads_forgotten", uploads=forgotten)
