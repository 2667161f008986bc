"""Claims of pulls: one process fetches a file, and one that lost its claim can change nothing any more.

As with batches, a claim raises the epoch and sets a lease by the database's clock. What comes of it is committed only
if the epoch is still that of the claim.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from shared.database.leases import IS_FREE, LEASE
from shared.database.models import PullState
from shared.database.state_machine import KEPT_STATES, Connection, sql_list
from shared.errors import LostLease
from shared.fetching.fetch import Validators
from shared.ingest.pulling.options import PullOptions
from shared.messaging import Transport

# With a pause that is four times as long after each failure: the last attempt is some hours after the first.
MOST_ATTEMPTS: Final = 6
_FACTOR: Final = 4

_IS_WAITING: Final = f"state = '{PullState.WAITING}'"
_IS_OURS: Final = f"id = %(id)s AND epoch = %(epoch)s AND {_IS_WAITING}"

_END_EXHAUSTED: Final = f"""
UPDATE pulls SET state = '{PullState.FAILED}', error_code = 'attempts_exhausted', ended_at = clock_timestamp(),
    error_message = 'fetching stopped ' || attempts || ' times', lease_until = NULL
WHERE {_IS_WAITING} AND attempts >= %(most)s AND {IS_FREE}
"""
_CLAIM: Final = f"""
WITH candidate AS (
    SELECT id FROM pulls
    WHERE {_IS_WAITING} AND next_attempt_at <= clock_timestamp() AND {IS_FREE} AND transport = ANY(%(transports)s)
    ORDER BY next_attempt_at LIMIT 1
    FOR UPDATE SKIP LOCKED
)
UPDATE pulls AS pull SET epoch = epoch + 1, attempts = attempts + 1, lease_until = {LEASE}
FROM candidate WHERE pull.id = candidate.id
RETURNING pull.id, tenant, source, address, parameters, transport, trace_id, epoch, attempts
"""
# What the source has is worth something only as long as the upload of it is: a file whose upload failed, or was undone,
# is fetched again.
_VALIDATORS: Final = f"""
SELECT etag, last_modified, upload_id FROM sources
WHERE id = %(source)s AND address = %(address)s AND EXISTS (
    SELECT FROM uploads WHERE uploads.id = sources.upload_id AND uploads.tenant = sources.tenant
        AND uploads.state IN ({sql_list(KEPT_STATES)}))
"""
_RENEW: Final = f"UPDATE pulls SET lease_until = {LEASE} WHERE {_IS_OURS}"
_GIVE_BACK: Final = f"UPDATE pulls SET lease_until = NULL, attempts = attempts - 1 WHERE {_IS_OURS}"
_TRY_AGAIN: Final = f"""
UPDATE pulls SET lease_until = NULL, error_code = %(code)s, error_message = %(message)s,
    next_attempt_at = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE {_IS_OURS}
"""
_FAIL: Final = f"""
UPDATE pulls SET state = '{PullState.FAILED}', error_code = %(code)s, error_message = %(message)s, lease_until = NULL,
    ended_at = clock_timestamp()
WHERE {_IS_OURS}
"""
_END: Final = f"""
UPDATE pulls SET state = %(state)s, upload_id = %(upload_id)s, size_bytes = %(size_bytes)s, error_code = NULL,
    error_message = NULL, lease_until = NULL, ended_at = clock_timestamp()
WHERE {_IS_OURS} RETURNING id
"""
# If somebody has changed the address meanwhile, what was fetched is no version of the file that is there.
_REMEMBER: Final = """
UPDATE sources SET etag = %(etag)s, last_modified = %(last_modified)s, upload_id = %(upload_id)s
WHERE id = %(source)s AND address = %(address)s
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claimed pull. `validators` and `upload_id`: of the file that its source has, if it has one."""

    id: uuid.UUID
    tenant: str
    source: uuid.UUID | None
    address: str
    options: PullOptions
    transport: Transport
    trace_id: str
    epoch: int
    attempts: int
    validators: Validators
    upload_id: uuid.UUID | None


def claim(connection: Connection, transports: Collection[Transport], lease_seconds: float) -> Claimed | None:
    """The next pull that no process works on."""
    connection.execute(_END_EXHAUSTED, most=MOST_ATTEMPTS)
    rows = connection.execute(_CLAIM, transports=list(transports), lease_seconds=lease_seconds)
    if not rows:
        return None
    number, tenant, source, address, parameters, transport, trace_id, epoch, attempts = rows[0]
    options = PullOptions.from_json(parameters)
    known = [] if options.force else connection.execute(_VALIDATORS, source=source, address=address)
    etag, last_modified, upload_id = known[0] if known else (None, None, None)
    return Claimed(
        *(number, tenant, source, address, options, Transport(transport), trace_id, epoch, attempts),
        *(Validators(etag, last_modified), upload_id),
    )


def renew(connection: Connection, pull: Claimed, lease_seconds: float) -> None:
    """Keep the claim for another lease; nothing happens if another process has it now."""
    connection.execute(_RENEW, id=pull.id, epoch=pull.epoch, lease_seconds=lease_seconds)


def give_back(connection: Connection, pull: Claimed) -> None:
    """Let another process fetch the file at once, as if this one had not begun."""
    connection.execute(_GIVE_BACK, id=pull.id, epoch=pull.epoch)


def try_again(connection: Connection, pull: Claimed, code: str, message: str, retry_seconds: float) -> None:
    """Say what went wrong and when the next attempt is; after the last one the pull has failed."""
    if pull.attempts >= MOST_ATTEMPTS:
        fail(connection, pull, code, message)
    else:
        seconds = retry_seconds * _FACTOR ** (pull.attempts - 1)
        connection.execute(_TRY_AGAIN, id=pull.id, epoch=pull.epoch, code=code, message=message, seconds=seconds)


def fail(connection: Connection, pull: Claimed, code: str, message: str) -> None:
    """Say that trying again would not help."""
    connection.execute(_FAIL, id=pull.id, epoch=pull.epoch, code=code, message=message)


def end(
    connection: Connection,
    pull: Claimed,
    state: PullState,
    upload_id: uuid.UUID | None,
    size_bytes: int,
    validators: Validators,
) -> None:
    """Say what came of it, in the transaction that registers the upload; raises `LostLease`."""
    of_source = {"source": pull.source, "address": pull.address, "upload_id": upload_id}
    # the source first, as whoever deletes it locks it before its pulls
    connection.execute(_REMEMBER, etag=validators.etag, last_modified=validators.last_modified, **of_source)
    ended = {"state": state, "upload_id": upload_id, "size_bytes": size_bytes}
    if not connection.execute(_END, id=pull.id, epoch=pull.epoch, **ended):
        raise LostLease("another process has this pull now")
