"""Idempotency keys: a client may send the same upload request twice and gets one upload.

reserve       takes the key for a request; another request with the key gets `KeyInUse`
renew         extends the lease while bytes keep coming; a request that died loses the key after its lease
complete      ties the key to the upload, in the transaction that registers it
keep_answer   stores the response, for later requests with the key
release       frees the key after a failed request
"""

import hashlib
import json
import uuid
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from shared.database.models import IdempotencyKey
from shared.database.tenancy import tenant_transaction
from shared.errors import KeyInUse, KeyReused, LostLease

LEASE_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True)
class Reservation:
    """A key that this request holds (`upload_id` None), or that an earlier request used for its upload and response."""

    tenant: str
    key: str
    holder: uuid.UUID
    fingerprint: str | None = None
    upload_id: uuid.UUID | None = None
    answer: dict[str, Any] | None = None

    def verify(self, fingerprint: str) -> None:
        """Raise `KeyReused` unless this is the same request again."""
        if self.fingerprint != fingerprint:
            raise KeyReused("this Idempotency-Key was used for another request")


def fingerprint_of(sha256: str, options: dict[str, Any]) -> str:
    """A hash of what makes two requests the same: their bytes and all of their options."""
    return hashlib.sha256(json.dumps([sha256, options], sort_keys=True).encode()).hexdigest()


def reserve(engine: Engine, tenant: str, key: str) -> Reservation:
    """Take the key, or find the request that used it; raises `KeyInUse` while that request is still running."""
    holder = uuid.uuid4()
    new = insert(IdempotencyKey).values(tenant=tenant, key=key, holder=holder, lease_until=_lease())
    taken = new.on_conflict_do_update(
        index_elements=["tenant", "key"],
        set_={"holder": holder, "lease_until": _lease(), "created_at": func.now()},
        where=IdempotencyKey.upload_id.is_(None) & (IdempotencyKey.lease_until < func.clock_timestamp()),
    ).returning(IdempotencyKey.holder)
    with tenant_transaction(engine, tenant) as connection:
        if connection.scalar(taken) is not None:
            return Reservation(tenant, key, holder)
        found = connection.execute(
            select(IdempotencyKey).where(IdempotencyKey.tenant == tenant, IdempotencyKey.key == key)
        ).one_or_none()
        if found is None or found.upload_id is None:
            raise KeyInUse("a request with this Idempotency-Key is still running")
        return Reservation(tenant, key, found.holder, found.fingerprint, found.upload_id, found.answer)


def renew(engine: Engine, reservation: Reservation) -> None:
    """Keep the key for another lease."""
    with tenant_transaction(engine, reservation.tenant) as connection:
        connection.execute(update(IdempotencyKey).where(*_held(reservation)).values(lease_until=_lease()))


def complete(connection: Connection, reservation: Reservation, fingerprint: str, upload_id: uuid.UUID) -> None:
    """Tie the key to the upload that is registered in the same transaction.

    Raises `LostLease` if another request has taken the key.
    """
    mine = update(IdempotencyKey).where(*_held(reservation)).values(fingerprint=fingerprint, upload_id=upload_id)
    if connection.scalar(mine.returning(IdempotencyKey.key)) is None:
        raise LostLease("another request has taken this Idempotency-Key in the meantime")


def keep_answer(engine: Engine, reservation: Reservation, answer: dict[str, Any]) -> None:
    """Store the response to the client, to repeat it later."""
    mine = IdempotencyKey.tenant == reservation.tenant, IdempotencyKey.key == reservation.key
    with tenant_transaction(engine, reservation.tenant) as connection:
        connection.execute(update(IdempotencyKey).where(*mine).values(answer=answer))


def release(engine: Engine, reservation: Reservation) -> None:
    """Free the key after a failed request."""
    with tenant_transaction(engine, reservation.tenant) as connection:
        connection.execute(delete(IdempotencyKey).where(*_held(reservation)))


def _held(reservation: Reservation) -> tuple[Any, ...]:
    return (
        IdempotencyKey.tenant == reservation.tenant,
        IdempotencyKey.key == reservation.key,
        IdempotencyKey.holder == reservation.holder,
        IdempotencyKey.upload_id.is_(None),
    )


def _lease() -> Any:
    return func.clock_timestamp() + text(f"interval '{LEASE_SECONDS} s'")
