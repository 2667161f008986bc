"""Fair scheduling: a notification names an upload, but the tenant that was served least recently comes first.

Notifications arrive in the order in which they were sent. Without scheduling, a tenant with a hundred uploads would be
served a hundred times before a tenant that comes later. So a loader that answers a notification asks here what to load.
Within a tenant the order of the notifications holds. Uploads of a tenant that an operator has paused are not loaded.
"""

from typing import Final
from uuid import UUID

from shared.database.loader_connection import LoaderConnection
from shared.database.state_machine import ACTIVE_STATES, BatchState, sql_list

_ACTIVE: Final = f"state IN ({sql_list(ACTIVE_STATES)})"

# Uploads of other tenants count only while they have a batch to claim (as in `leases`). Otherwise a notification that
# leads to no work would be sent again and again. A tenant that was never served comes first.
_NEXT_UPLOAD: Final = f"""
WITH notified AS (
    SELECT id, transport FROM uploads WHERE id = %(notified)s::uuid AND {_ACTIVE}
), next AS (
    SELECT upload.id, upload.tenant
    FROM notified
    JOIN uploads AS upload ON upload.transport = notified.transport AND upload.{_ACTIVE}
      AND NOT EXISTS (SELECT FROM tenant_settings AS paused WHERE paused.tenant = upload.tenant AND is_paused)
    LEFT JOIN tenant_schedule AS schedule ON schedule.tenant = upload.tenant
    WHERE upload.id = notified.id OR EXISTS (
        SELECT FROM batches
        WHERE upload_number = upload.number AND state = '{BatchState.PENDING}' AND attempts < %(max_attempts)s
          AND (lease_until IS NULL OR lease_until < clock_timestamp()))
    ORDER BY schedule.last_served_at NULLS FIRST, upload.id <> notified.id, upload.number
    LIMIT 1
), served AS (
    INSERT INTO tenant_schedule (tenant, last_served_at) SELECT tenant, clock_timestamp() FROM next
    ON CONFLICT (tenant) DO UPDATE SET last_served_at = excluded.last_served_at
)
SELECT id FROM next
"""


def next_upload(connection: LoaderConnection, notified_id: UUID, max_attempts: int) -> UUID | None:
    """The upload to load after a notification for `notified_id`; None if there is none, or the latter has ended."""
    with connection.transaction():
        # A crash may lose the time at which a tenant was last served, which does no harm.
        connection.execute("SET LOCAL synchronous_commit TO off")
        rows = connection.execute(_NEXT_UPLOAD, notified=str(notified_id), max_attempts=max_attempts)
    return UUID(str(rows[0][0])) if rows else None
