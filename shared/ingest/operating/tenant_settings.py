"""What is decided about a tenant: read, changed and forgotten."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from shared.database.models import TENANT_NAME, TenantSettings
from shared.errors import InvalidRequest

# The most that a column can hold.
MOST: Final = {
    "requests_per_minute": 2**31 - 1,
    "upload_bytes_per_day": 2**63 - 1,
    "concurrent_uploads": 2**31 - 1,
    "row_retention_days": 100_000,
    "upload_retention_days": 100_000,
}
LEAST: Final = {
    "requests_per_minute": 0,
    "upload_bytes_per_day": 0,
    "concurrent_uploads": 1,
    "row_retention_days": 1,
    "upload_retention_days": 1,
}


@dataclass(frozen=True, slots=True)
class Decided:
    """The columns of `TenantSettings`; None is what the settings of the platform say, or for ever."""

    tenant: str
    requests_per_minute: int | None = None
    upload_bytes_per_day: int | None = None
    concurrent_uploads: int | None = None
    row_retention_days: float | None = None
    upload_retention_days: float | None = None
    is_paused: bool = False
    changed_at: datetime | None = None


_COLUMNS: Final = [TenantSettings.__table__.columns[name] for name in Decided.__dataclass_fields__]


def decided_of(connection: Connection, tenant: str) -> Decided:
    """What is decided about one tenant; raises `InvalidRequest` for a name that no tenant can have."""
    _require_name(tenant)
    row = connection.execute(select(*_COLUMNS).where(TenantSettings.tenant == tenant)).one_or_none()
    return Decided(tenant) if row is None else Decided(*row)


def all_decided(connection: Connection) -> list[Decided]:
    """Of all tenants about which anything is decided, by name."""
    return [Decided(*row) for row in connection.execute(select(*_COLUMNS).order_by(TenantSettings.tenant))]


def decide(connection: Connection, tenant: str, changes: Mapping[str, Any]) -> Decided:
    """Change some of it, None forgets; raises `InvalidRequest` for a name or a value that cannot be."""
    _require_name(tenant)
    for name, value in changes.items():
        if name in MOST and value is not None and not LEAST[name] <= value <= MOST[name]:
            raise InvalidRequest(f"{name} must be between {LEAST[name]} and {MOST[name]}")
    if not changes:
        return decided_of(connection, tenant)
    new = insert(TenantSettings).values(tenant=tenant, **changes)
    changed = {**changes, "changed_at": func.now()}
    connection.execute(new.on_conflict_do_update(index_elements=["tenant"], set_=changed))
    return decided_of(connection, tenant)


def _require_name(tenant: str) -> None:
    if re.fullmatch(TENANT_NAME, tenant) is None:
        raise InvalidRequest("a tenant has up to 63 small letters, digits, - and _, and begins with a letter or digit")
