"""Sources of a tenant, and pulls: those of a source, or a single one."""

import uuid
from typing import Any, Final

from sqlalchemy import Select, case, func, select

from shared.database.models import Pull, PullState, Source
from shared.database.timing.statement_names import named

# Of a pull that some process works on. It is no state of its own: if the process dies, the pull waits again.
FETCHING: Final = "fetching"

_IS_FETCHING: Final = (Pull.state == PullState.WAITING) & (Pull.lease_until > func.clock_timestamp())
_PULL: Final = (
    *(Pull.id, Pull.tenant, Pull.address, Pull.parameters, Pull.transport, Pull.attempts, Pull.next_attempt_at),
    *(Pull.upload_id, Pull.size_bytes, Pull.error_code, Pull.error_message, Pull.created_at, Pull.ended_at),
    case((_IS_FETCHING, FETCHING), else_=Pull.state).label("state"),
    Source.name.label("source"),
)


@named
def sources_of(tenant: str) -> Select[Any]:
    """All sources of the tenant by name; there is a bound for their number."""
    return select(*Source.__table__.columns).where(Source.tenant == tenant).order_by(Source.name)


@named
def source_by_name(tenant: str, name: str) -> Select[Any]:
    """One source."""
    return select(*Source.__table__.columns).where(Source.tenant == tenant, Source.name == name)


@named
def sources_count(tenant: str) -> Select[Any]:
    """How many sources the tenant has."""
    return select(func.count()).select_from(Source).where(Source.tenant == tenant)


@named
def pull_by_id(tenant: str, pull_id: uuid.UUID) -> Select[Any]:
    """One pull, with the name of its source, if it has one."""
    return _pulls(tenant).where(Pull.id == pull_id)


@named
def pulls_of(tenant: str, source: uuid.UUID, limit: int, offset: int) -> Select[Any]:
    """Pulls of a source, the newest first."""
    newest_first = Pull.created_at.desc(), Pull.id
    return _pulls(tenant).where(Pull.source == source).order_by(*newest_first).limit(limit).offset(offset)


@named
def pulls_count(tenant: str, source: uuid.UUID) -> Select[Any]:
    """How many pulls of a source are known."""
    return select(func.count()).select_from(Pull).where(Pull.tenant == tenant, Pull.source == source)


def _pulls(tenant: str) -> Select[Any]:
    return select(*_PULL).outerjoin(Source, Source.id == Pull.source).where(Pull.tenant == tenant)
