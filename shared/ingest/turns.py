"""Whose turn it is: a bell names an upload, but the turn goes to the tenant that has waited longest.

Bells come in the order in which they were rung. Who rings a hundred times would have a hundred turns before somebody
who comes later has one; so whoever answers a bell asks here. Within a tenant the order of the bells stands.
"""

from uuid import UUID

from shared.database.loading import LoadingConnection

# Others' uploads only where there is something to claim (as in `work`): an answer that does nothing would be rung for
# again and again. A tenant's time is that of its last turn, whatever became of the upload; none at all comes first.
_TAKE_TURN = """
WITH rung AS (
    SELECT id, use_celery FROM uploads WHERE id = %(rung)s::uuid AND state IN ('queued', 'loading')
), next AS (
    SELECT upload.id, upload.tenant
    FROM rung
    JOIN uploads AS upload ON upload.use_celery = rung.use_celery AND upload.state IN ('queued', 'loading')
    LEFT JOIN tenant_turns AS turn ON turn.tenant = upload.tenant
    WHERE upload.id = rung.id OR EXISTS (
        SELECT FROM batches
        WHERE upload_number = upload.number AND state = 'pending' AND attempts < %(max_attempts)s
          AND (lease_until IS NULL OR lease_until < clock_timestamp()))
    ORDER BY turn.taken_at NULLS FIRST, upload.id <> rung.id, upload.number
    LIMIT 1
), taken AS (
    INSERT INTO tenant_turns (tenant, taken_at) SELECT tenant, clock_timestamp() FROM next
    ON CONFLICT (tenant) DO UPDATE SET taken_at = excluded.taken_at
)
SELECT id FROM next
"""


def take_turn(connection: LoadingConnection, rung_id: UUID, max_attempts: int) -> UUID | None:
    """The upload to load now that a bell was rung for `rung_id`; None if that one has ended."""
    with connection.transaction():
        connection.execute("SET LOCAL synchronous_commit TO off")  # a turn that a crash forgets harms nobody
        rows = connection.execute(_TAKE_TURN, rung=str(rung_id), max_attempts=max_attempts)
    return UUID(str(rows[0][0])) if rows else None
