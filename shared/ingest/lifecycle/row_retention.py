"""Retention of rows: uploads of a tenant are undone when they have been visible for as long as an operator decided.

Only uploads that appended rows are. One that replaced or updated others is what its dataset is now: to undo it would
show rows from before again, which are older still. Its rows go when a later upload sets them anew. A correction goes
with the upload that it corrects, and a record written by hand stays until a person removes it.
"""

from typing import Final

import structlog
from sqlalchemy import Engine, text

from shared.catalog.registry import Registry
from shared.catalog.write_mode import WriteMode
from shared.database.models import UploadKind
from shared.database.state_machine import UploadState
from shared.errors import StateConflict, Unavailable
from shared.ingest.lifecycle.undoing import undo

log = structlog.get_logger()

EVENT: Final = "expired"
# Of one round: the sweep has other things to do, and the next round is soon.
_MOST: Final = 20

_EXPIRED: Final = text(f"""
SELECT id, tenant, row_retention_days
FROM tenant_settings JOIN uploads USING (tenant)
WHERE row_retention_days IS NOT NULL AND state = '{UploadState.COMPLETED}'
  AND finished_at < clock_timestamp() - make_interval(secs => row_retention_days * 24 * 3600)
  AND mode = '{WriteMode.APPEND}' AND kind = '{UploadKind.FILE}' AND corrects IS NULL
ORDER BY finished_at
LIMIT :most
""")


def undo_expired(engine: Engine, registry: Registry) -> None:
    """One round, oldest first. An undo happens once, whoever else sweeps; raises errors of SQLAlchemy."""
    with engine.connect() as connection:
        expired = connection.execute(_EXPIRED, {"most": _MOST}).all()
    for upload_id, tenant, days in expired:
        try:
            undo(engine, registry, upload_id, tenant, (EVENT, f"retention: rows are kept for {days:g} days"))
        except (StateConflict, Unavailable) as error:  # another process was faster, or somebody reads: a later round
            log.info("retention_gave_way", upload_id=str(upload_id), reason=error.code)
