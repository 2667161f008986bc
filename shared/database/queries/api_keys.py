"""API keys, judged by the database's clock: one key for a request (with its hash), or all keys for people."""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Update, case, func, or_, select, update

from shared.database.models import ApiKey
from shared.database.timing.statement_names import named

# `last_used_at` tells people whether a key is still in use; a write with each request would be too much.
_USE_INTERVAL: Final = timedelta(minutes=1)


@named
def key_by_id(key_id: str) -> Select[bytes, list[str], list[str], str, bool]:
    """One row or none: `secret_hash`, `tenants`, `scopes`, `state` (active, expired, revoked), `is_use_due`."""
    return select(
        ApiKey.secret_hash, ApiKey.tenants, ApiKey.scopes, _state().label("state"), _is_use_due().label("is_use_due")
    ).where(ApiKey.id == key_id)


@named
def note_use(key_id: str) -> Update:
    """Set `last_used_at`, unless it was set within the last minute."""
    return update(ApiKey).where(ApiKey.id == key_id, _is_use_due()).values(last_used_at=func.clock_timestamp())


@named
def all_keys() -> Select[*tuple[Any, ...]]:
    """What people may know of each key, the oldest first."""
    shown = (
        *(ApiKey.id, ApiKey.name, ApiKey.tenants, ApiKey.scopes, ApiKey.created_at, ApiKey.expires_at),
        *(ApiKey.revoked_at, ApiKey.last_used_at, ApiKey.replaces),
    )
    return select(*shown, _state().label("state")).order_by(ApiKey.created_at, ApiKey.id)


def _state() -> ColumnElement[str]:
    is_expired = ApiKey.expires_at <= func.clock_timestamp()
    return case((ApiKey.revoked_at.is_not(None), "revoked"), (is_expired, "expired"), else_="active")


def _is_use_due() -> ColumnElement[bool]:
    return or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < func.clock_timestamp() - _USE_INTERVAL)
