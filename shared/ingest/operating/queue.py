"""Uploads of all tenants that wait or load, and what an operator does with one of them."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine, text

from shared.database.state_machine import ACTIVE_STATES, BatchState, sql_list
from shared.database.tenancy import all_tenants_reading
from shared.errors import NotFound, StateConflict
from shared.ingest.lifecycle import actions

# Each upload's batches are found by their key; only active uploads are looked at.
_ACTIVE: Final = text(f"""
SELECT id, upload.tenant, filename, dataset, upload.state, transport, created_at, coalesce(is_paused, false),
       batches.pending, batches.held,
       CASE WHEN lease_until >= clock_timestamp() THEN greatest(lease_until, batches.held_until)
            ELSE batches.held_until END
FROM uploads AS upload
LEFT JOIN tenant_settings ON tenant_settings.tenant = upload.tenant
CROSS JOIN LATERAL (
    SELECT count(*) AS pending, count(*) FILTER (WHERE lease_until >= clock_timestamp()) AS held,
           max(lease_until) FILTER (WHERE lease_until >= clock_timestamp()) AS held_until
    FROM batches WHERE upload_number = upload.number AND state = '{BatchState.PENDING}'
) AS batches
WHERE upload.state IN ({sql_list(ACTIVE_STATES)})
ORDER BY created_at, upload.number
LIMIT :most OFFSET :offset
""")
_COUNT: Final = text(f"SELECT count(*) FROM uploads WHERE state IN ({sql_list(ACTIVE_STATES)})")
_TENANT: Final = text("SELECT tenant FROM uploads WHERE id = :id")
_NOTIFY: Final = text(f"""
UPDATE uploads SET notified_at = NULL WHERE id = :id AND state IN ({sql_list(ACTIVE_STATES)}) RETURNING number
""")


@dataclass(frozen=True, slots=True)
class ActiveUpload:
    """An upload that waits or loads.

    `pending_batches`: not committed yet; `held_batches`: those a loader works on. `lease_until`: how long the last
    claim of a loader on its batches or on its publication holds, by the database's clock; None if there is none.
    """

    id: uuid.UUID
    tenant: str
    filename: str
    dataset: str
    state: str
    transport: str
    created_at: datetime
    is_paused: bool
    pending_batches: int
    held_batches: int
    lease_until: datetime | None


def active_uploads(connection: Connection, most: int, offset: int = 0) -> list[ActiveUpload]:
    """Those of all tenants, oldest first, after `offset` of them."""
    return [ActiveUpload(*row) for row in connection.execute(_ACTIVE, {"most": most, "offset": offset})]


def active_count(connection: Connection) -> int:
    """How many there are of all tenants."""
    return int(connection.execute(_COUNT).scalar_one())


def notify_again(connection: Connection, upload_id: uuid.UUID) -> None:
    """Let the next sweep notify a loader of it, however short ago the last time was.

    Raises `NotFound`, and `StateConflict` if it has ended.
    """
    _tenant_of(connection, upload_id)
    if connection.scalar(_NOTIFY, {"id": upload_id}) is None:
        raise StateConflict("the upload neither waits nor loads", {"allowed": []})


def cancel(engine: Engine, upload_id: uuid.UUID) -> None:
    """Cancel it as its client could; raises `NotFound` and `StateConflict`."""
    with all_tenants_reading(engine) as connection:
        tenant = _tenant_of(connection, upload_id)
    actions.cancel(engine, upload_id, tenant)


def _tenant_of(connection: Connection, upload_id: uuid.UUID) -> str:
    tenant: str | None = connection.scalar(_TENANT, {"id": upload_id})
    if tenant is None:
        raise NotFound("there is no upload with this id")
    return tenant
