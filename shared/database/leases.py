"""Leases: which loader holds a batch, or the publishing of an upload, and until when.

A claim raises the epoch and sets a lease by the server's clock; the loader renews the lease while it works. When a
lease ends, another loader may claim: it gets the next epoch, and the earlier loader can no longer commit
(`state_machine`).
"""

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from shared.database.state_machine import COMPLETE, IS_OURS, BatchState, Connection, guard_of

LEASE: Final = "clock_timestamp() + make_interval(secs => %(lease_seconds)s)"
IS_FREE: Final = "(lease_until IS NULL OR lease_until < clock_timestamp())"

# `session_pid` is the database session that may be working on the batch. The former loader can no longer commit. But if
# it hangs within its COPY, its invisible rows keep our COPY waiting, and no timeout of the server ends such a session.
# So the claim terminates it.
_CLAIM_BATCH: Final = f"""
WITH candidate AS (
    SELECT upload_number, number, session_pid, session_start
    FROM batches
    WHERE upload_number = %(upload)s AND state = '{BatchState.PENDING}' AND attempts < %(max_attempts)s
      AND {IS_FREE}
      AND EXISTS (SELECT FROM uploads WHERE number = %(upload)s AND {guard_of(COMPLETE)})
    ORDER BY number
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
UPDATE batches AS batch
SET epoch = epoch + 1, attempts = attempts + 1, loader = %(loader)s, lease_until = {LEASE},
    session_pid = pg_backend_pid(),
    session_start = (SELECT backend_start FROM pg_stat_get_activity(pg_backend_pid()))
FROM candidate
WHERE (batch.upload_number, batch.number) = (candidate.upload_number, candidate.number)
RETURNING batch.number, byte_start, byte_end, first_line, begins_in_line, checksum, batch.header, epoch, attempts,
    (SELECT pg_terminate_backend(pid) FROM pg_stat_get_activity(coalesce(candidate.session_pid, 0))
     WHERE backend_start = candidate.session_start AND pid <> pg_backend_pid()) AS ended
"""

_RENEW_BATCH: Final = f"UPDATE batches SET lease_until = {LEASE} WHERE {IS_OURS}"

_GIVE_BACK_BATCH: Final = f"""
UPDATE batches SET lease_until = NULL, session_pid = NULL, attempts = attempts - %(refunded)s WHERE {IS_OURS}
"""

_CLAIM_PUBLISHING: Final = f"""
UPDATE uploads
SET epoch = epoch + 1, publish_attempts = publish_attempts + 1, phase = 'indexing', lease_until = {LEASE},
    index_steps_done = NULL, index_steps_total = NULL
WHERE number = %(number)s AND {guard_of(COMPLETE)} AND publish_attempts < %(max_attempts)s AND {IS_FREE}
  AND NOT EXISTS (SELECT FROM batches WHERE upload_number = %(number)s AND state = '{BatchState.PENDING}')
RETURNING epoch, publish_attempts
"""

_PUBLISHING_IS_OURS: Final = f"number = %(number)s AND epoch = %(epoch)s AND {guard_of(COMPLETE)}"

_RENEW_PUBLISHING: Final = f"""
UPDATE uploads SET lease_until = {LEASE} WHERE {_PUBLISHING_IS_OURS} RETURNING number
"""

_SHOW_INDEXING: Final = f"""
UPDATE uploads SET lease_until = {LEASE}, index_steps_done = %(done)s, index_steps_total = %(total)s
WHERE {_PUBLISHING_IS_OURS}
RETURNING number
"""

_RELEASE_PUBLISHING: Final = f"""
UPDATE uploads SET lease_until = NULL, publish_attempts = publish_attempts - %(refunded)s
WHERE {_PUBLISHING_IS_OURS}
"""

# Batches, or publishings, that crashed too many loaders and that no loader holds now.
_EXHAUSTED: Final = f"""
SELECT upload.number, poison.message
FROM uploads AS upload JOIN (
    SELECT DISTINCT ON (upload_number) upload_number, format(
        'loading stopped %%s times in batch %%s: bytes %%s to %%s, from line %%s on',
        attempts, number, byte_start, byte_end, first_line) AS message
    FROM batches
    WHERE state = '{BatchState.PENDING}' AND attempts >= %(max_attempts)s AND {IS_FREE}
    UNION ALL
    SELECT number, format('publishing stopped %%s times', publish_attempts)
    FROM uploads
    WHERE {guard_of(COMPLETE)} AND publish_attempts >= %(max_attempts)s AND {IS_FREE}
) AS poison ON poison.upload_number = upload.number
WHERE upload.{guard_of(COMPLETE)}
FOR NO KEY UPDATE OF upload
"""


@contextmanager
def kept(lease_seconds: float, renew: Callable[[], None], *, longest_seconds: float = math.inf) -> Iterator[None]:
    """Call `renew`, which must not raise, every third of a lease while the block runs, in a thread of its own.

    A process that works slowly is not dead. One that takes longer than `longest_seconds` is considered hung, and loses
    its lease.
    """
    is_over = threading.Event()
    interval = lease_seconds / 3

    def keep() -> None:
        passed = 0.0
        while passed < longest_seconds and not is_over.wait(interval):
            renew()
            passed += interval

    keeper = threading.Thread(target=keep, name="lease", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        is_over.set()
        keeper.join()


def claim_batch(
    connection: Connection, upload: int, loader: str, lease_seconds: float, max_attempts: int
) -> tuple[Any, ...] | None:
    """Claim the first free batch of an upload; None if there is none.

    Returns number, byte_start, byte_end, first_line, begins_in_line, checksum, header, epoch and attempts.
    """
    rows = connection.execute(
        _CLAIM_BATCH, upload=upload, loader=loader, lease_seconds=lease_seconds, max_attempts=max_attempts
    )
    return rows[0][:-1] if rows else None


def renew_batch(connection: Connection, upload: int, batch: int, epoch: int, lease_seconds: float) -> None:
    """Keep the batch for another lease.

    Nothing happens if another loader has it now: the commit will find out.
    """
    connection.execute(_RENEW_BATCH, upload=upload, batch=batch, epoch=epoch, lease_seconds=lease_seconds)


def give_back_batch(connection: Connection, upload: int, batch: int, epoch: int, *, counts_as_attempt: bool) -> None:
    """Let other loaders have the batch at once instead of after the lease."""
    refunded = 0 if counts_as_attempt else 1
    connection.execute(_GIVE_BACK_BATCH, upload=upload, batch=batch, epoch=epoch, refunded=refunded)


def claim_publishing(
    connection: Connection, number: int, lease_seconds: float, max_attempts: int
) -> tuple[int, int] | None:
    """Epoch and attempt; None if another loader is publishing, or a batch is pending."""
    rows = connection.execute(_CLAIM_PUBLISHING, number=number, lease_seconds=lease_seconds, max_attempts=max_attempts)
    return (rows[0][0], rows[0][1]) if rows else None


def renew_publishing(connection: Connection, number: int, epoch: int, lease_seconds: float) -> bool:
    """Keep the claim for another lease; False if another loader has it now."""
    return bool(connection.execute(_RENEW_PUBLISHING, number=number, epoch=epoch, lease_seconds=lease_seconds))


def show_indexing(
    connection: Connection, number: int, epoch: int, lease_seconds: float, *, done: int, total: int | None
) -> bool:
    """As `renew_publishing`, and say how many of the steps of building indexes have ended."""
    values = {"number": number, "epoch": epoch, "lease_seconds": lease_seconds, "done": done, "total": total}
    return bool(connection.execute(_SHOW_INDEXING, **values))


def release_publishing(connection: Connection, number: int, epoch: int, *, counts_as_attempt: bool) -> None:
    """Let other loaders publish at once instead of after the lease."""
    connection.execute(_RELEASE_PUBLISHING, number=number, epoch=epoch, refunded=0 if counts_as_attempt else 1)


def exhausted(connection: Connection, max_attempts: int) -> list[tuple[int, str]]:
    """Uploads whose batch or publishing has crashed `max_attempts` loaders: their numbers, with an error message.

    Their rows are locked.
    """
    return [(row[0], row[1]) for row in connection.execute(_EXHAUSTED, max_attempts=max_attempts)]
