"""What people decide about plans: to apply one. Cancelling is an action as any other (`actions`); time cancels as well.

Applying only queues the upload again; a loader publishes it (`publishing.planning`).
"""

import uuid
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Final

import structlog
from sqlalchemy import Connection, Engine, select, text

from shared.catalog.write_mode import WriteMode
from shared.database import state_machine
from shared.database.engine import PlainSql
from shared.database.models import Collection, Upload
from shared.database.state_machine import UploadState
from shared.errors import PlanStale, Unavailable
from shared.failpoints import reach
from shared.ingest.lifecycle.actions import cancel_within, drop_table, persistently

log = structlog.get_logger()

_IS_EXPIRED: Final = f"""
state = '{UploadState.PLANNED}' AND planned_at < clock_timestamp() - make_interval(secs => :seconds)
"""
_EXPIRED: Final = text(f"SELECT number, id, tenant FROM uploads WHERE {_IS_EXPIRED} ORDER BY number")
# Whoever applies it locks its row first; the condition is evaluated again after the wait for that.
_HOLD_EXPIRED: Final = text(f"SELECT number FROM uploads WHERE number = :number AND {_IS_EXPIRED} FOR NO KEY UPDATE")
_RECORD_EVENT: Final = text(
    "INSERT INTO upload_events (upload_number, event, reason) VALUES (:number, :event, :reason)"
)


def plan_tag(planned_at: datetime) -> str:
    """The entity tag (RFC 9110) of a plan that was made at this time."""
    return f'"{round(planned_at.timestamp() * 1_000_000)}"'


def apply(engine: Engine, upload_id: uuid.UUID, tenant: str, if_match: str | None) -> bool:
    """Queue a planned upload again, to be published; False if its changes are counted anew instead.

    That is so if its collection has changed since. `if_match`: the header of this name, with the tags of plans that the
    client has seen. Raises `PlanStale` if the plan is none of them, `NotFound` and `StateConflict`.
    """
    of_it = Upload.id == upload_id, Upload.tenant == tenant
    wanted = select(Upload.state, Upload.mode, Upload.planned_at, Upload.compared_version, Collection.version)
    found = wanted.join(Collection, Collection.number == Upload.collection, isouter=True).where(*of_it)
    with engine.begin() as connection:
        plain = PlainSql(connection)
        row = connection.execute(found.with_for_update(key_share=True, of=Upload)).one_or_none()
        is_fresh = True
        if row is not None and row.state == UploadState.PLANNED:
            if if_match is not None and not _names(if_match, plan_tag(row.planned_at)):
                raise PlanStale("The plan has been counted anew since; look at it before you apply it.")
            is_fresh = row.mode == WriteMode.APPEND or row.version == row.compared_version
        change = state_machine.apply if is_fresh else state_machine.recount
        number = change(plain, upload_id, tenant)
        if not is_fresh:
            _record_event(connection, number, "plan_stale", "something else was published since the plan was made")
    reach("apply.committed")
    if number is not None:
        log.info("plan_applied" if is_fresh else "plan_stale", upload_id=str(upload_id))
    return is_fresh


def expire_plans(engine: Engine, hours: float) -> None:
    """Cancel the plans that have waited for this long; raises errors of SQLAlchemy."""
    with engine.connect() as connection:
        expired = connection.execute(_EXPIRED, {"seconds": hours * 3600}).all()
    for number, upload_id, tenant in expired:
        if persistently(partial(_expire, engine, number, upload_id, tenant, hours)):
            log.info("plan_expired", upload_id=str(upload_id))
            with suppress(Unavailable):  # it is cancelled anyway; the sweep removes the table
                drop_table(engine, number)


def _expire(engine: Engine, number: int, upload_id: uuid.UUID, tenant: str, hours: float) -> bool:
    """Cancel the plan; False if it was applied or made anew at the last moment."""
    with engine.begin() as connection:
        if connection.scalar(_HOLD_EXPIRED, {"number": number, "seconds": hours * 3600}) is None:
            return False
        cancel_within(connection, upload_id, tenant)
        _record_event(connection, number, "plan_expired", "nobody has applied it in time")
    return True


def _record_event(connection: Connection, number: int | None, event: str, reason: str) -> None:
    connection.execute(_RECORD_EVENT, {"number": number, "event": event, "reason": reason})


def _names(if_match: str, tag: str) -> bool:
    return any(each.strip() in ("*", tag) for each in if_match.split(","))
