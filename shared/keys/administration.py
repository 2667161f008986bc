"""What people do with keys: create, rotate, revoke. Each runs in a transaction of the caller."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select, update

from shared.database.models import OPERATOR, SCOPES, TENANT_NAME, ApiKey
from shared.errors import InvalidRequest, NotFound, StateConflict
from shared.keys.api_key import Key, make_key

# A longer span is a typing error; and the database can store years of more than four digits, but Python cannot read
# them.
LONGEST_SPAN: Final = timedelta(days=3650)
_LONGEST_NAME: Final = 200


@dataclass(frozen=True)
class NewKey:
    """A key that was just created: only now can its secret be shown."""

    key: Key
    name: str
    tenants: Sequence[str]
    scopes: Sequence[str]
    created_at: datetime
    expires_at: datetime | None
    replaces: str | None


def create(
    connection: Connection, name: str, tenants: Sequence[str], scopes: Sequence[str], lifetime: timedelta | None
) -> NewKey:
    """Create a key for these tenants; the first one applies where a request names none. `lifetime` None: no end.

    An operator's key has the scope `operator`, no other one, and no tenants.
    Raises `InvalidRequest` for an invalid name, tenant, scope or lifetime.
    """
    _check(name, tenants, scopes)
    if lifetime is not None and not timedelta(0) < lifetime <= LONGEST_SPAN:
        raise InvalidRequest(
            f"A key's lifetime must be more than 0 and at most {LONGEST_SPAN.days:,} days, or unlimited."
        )
    expires_at = None if lifetime is None else func.clock_timestamp() + lifetime
    unique = {"tenants": list(dict.fromkeys(tenants)), "scopes": list(dict.fromkeys(scopes))}
    return _insert(connection, {"name": name, **unique, "expires_at": expires_at, "replaces": None})


def rotate(connection: Connection, key_id: str, overlap: timedelta) -> NewKey:
    """Create a new key like this one; the old key expires after the overlap, if not before.

    Raises `NotFound`, `StateConflict` for a key that is no longer active or was already rotated, and `InvalidRequest`
    for an invalid id or overlap.
    """
    if not timedelta(0) <= overlap <= LONGEST_SPAN:
        raise InvalidRequest(
            f"An overlap must be from 0 to {LONGEST_SPAN.days * 24:,} hours ({LONGEST_SPAN.days:,} days)."
        )
    _check_id(key_id)
    old = _locked(connection, key_id)
    if not old.is_active:
        raise StateConflict(f"The key {key_id} is revoked or expired; create a new one.")
    successor = connection.scalar(select(ApiKey.id).where(ApiKey.replaces == key_id))
    if successor is not None:
        raise StateConflict(f"The key {key_id} was already rotated: {successor} replaces it.")
    shared = {"name": old.name, "tenants": old.tenants, "scopes": old.scopes, "expires_at": old.expires_at}
    new = _insert(connection, {**shared, "replaces": key_id})
    # least() ignores nulls
    end = func.least(ApiKey.expires_at, func.clock_timestamp() + overlap)
    connection.execute(update(ApiKey).where(ApiKey.id == key_id).values(expires_at=end))
    return new


def revoke(connection: Connection, key_id: str) -> datetime:
    """Revoke the key from its next request on; return when it was revoked, which may be long ago.

    Raises `NotFound`, and `InvalidRequest` for an invalid id.
    """
    _check_id(key_id)
    at = func.coalesce(ApiKey.revoked_at, func.clock_timestamp())
    ended = update(ApiKey).where(ApiKey.id == key_id).values(revoked_at=at).returning(ApiKey.revoked_at)
    revoked_at: datetime | None = connection.scalar(ended)
    if revoked_at is None:
        raise _no_such_key(key_id)
    return revoked_at


def _insert(connection: Connection, values: dict[str, Any]) -> NewKey:
    key = make_key()
    statement = insert(ApiKey).values(id=key.id, secret_hash=key.secret_hash, **values)
    row = connection.execute(
        statement.returning(
            ApiKey.name, ApiKey.tenants, ApiKey.scopes, ApiKey.created_at, ApiKey.expires_at, ApiKey.replaces
        )
    ).one()
    return NewKey(key, *row)


def _locked(connection: Connection, key_id: str) -> Row[str, list[str], list[str], datetime | None, bool]:
    is_active = ApiKey.revoked_at.is_(None) & func.coalesce(ApiKey.expires_at > func.clock_timestamp(), True)
    wanted = select(ApiKey.name, ApiKey.tenants, ApiKey.scopes, ApiKey.expires_at, is_active.label("is_active"))
    row = connection.execute(wanted.where(ApiKey.id == key_id).with_for_update()).one_or_none()
    if row is None:
        raise _no_such_key(key_id)
    return row


def _check(name: str, tenants: Sequence[str], scopes: Sequence[str]) -> None:
    if not name.isprintable() or not name.strip():
        raise InvalidRequest("A key needs a printable name that says who uses it.")
    if len(name) > _LONGEST_NAME:
        raise InvalidRequest(f"A key's name must have at most {_LONGEST_NAME} characters.")
    if OPERATOR in scopes:
        if tenants or set(scopes) != {OPERATOR}:
            raise InvalidRequest("An operator's key has no tenants and no other scope.")
        return
    if not tenants or not all(re.fullmatch(TENANT_NAME, tenant) for tenant in tenants):
        raise InvalidRequest(
            "A tenant must be 1 to 63 characters of a-z, 0-9, _ and -, and begin with a letter or a digit."
        )
    if not scopes or not set(scopes) <= set(SCOPES):
        raise InvalidRequest(f"A scope must be one of {', '.join(SCOPES)}.")


def _check_id(key_id: str) -> None:
    if not re.fullmatch("[0-9A-Za-z]{1,100}", key_id):
        raise InvalidRequest("A key's id consists of letters and digits, as `keys list` shows it.")


def _no_such_key(key_id: str) -> NotFound:
    return NotFound(f"There is no key {key_id}.")
