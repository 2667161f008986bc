"""What loaders claim. Each claim and each change of state is one guarded UPDATE; no row back: somebody else has it.

uploads   queued -> loading            begin
          loading -> failed            fail
batches   pending, unleased -> leased  claim_batch      epoch + 1: whoever had it before can commit nothing any more
          leased -> unleased           give_back
          leased -> done               finish_batch     in the transaction that holds the batch's rows

Lock order, everywhere: the upload's row, then its batches, then totals.
"""

import json
import os
import socket
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from shared.database.loading import LoadingConnection
from shared.database.partitions import create_upload_table, is_large, partition_of
from shared.errors import LostLease, Permanent, TooManyRejects, UploadEnded
from shared.ingest.budget import Budget
from shared.ingest.dialect import Dialect

LOADER: Final = socket.gethostname()


@dataclass(frozen=True, slots=True)
class Work:
    """What a loader must know of an upload."""

    id: UUID
    number: int
    tenant: str
    dataset: str
    dialect: Dialect
    header: tuple[str, ...]
    storage_key: str
    content_sha256: str
    trace_id: str
    budget: Budget
    # number of the upload whose rejected records these are, mended; None: it stands for itself
    mends: int | None = None
    # large, and we are the first to work on it
    is_new: bool = False

    @property
    def is_large(self) -> bool:
        """Whether its rows go into a table of its own."""
        return is_large(self.number)

    @property
    def owner(self) -> int:
        """Number of the upload that its rows belong to."""
        return self.number if self.mends is None else self.mends

    @property
    def table(self) -> str:
        """Where its rows go."""
        return partition_of(self.owner)


@dataclass(frozen=True, slots=True)
class ClaimedBatch:
    """A batch that is ours until its lease ends or somebody raises its epoch."""

    number: int
    byte_start: int
    byte_end: int
    first_line: int
    epoch: int
    attempts: int


_BEGIN = """
UPDATE uploads
SET state = 'loading',
    phase = CASE state WHEN 'queued' THEN 'loading' ELSE phase END,
    started_at = coalesce(started_at, clock_timestamp()),
    attempts = attempts + CASE state WHEN 'queued' THEN 1 ELSE 0 END
WHERE id = %(id)s::uuid AND state IN ('queued', 'loading')
RETURNING number, tenant, dataset, dialect::text, header, storage_key, content_sha256, trace_id, mends,
    on_error, max_rejects, max_rejects_percent
"""

# `session_pid` is the session that may be in the middle of the batch. The former one can commit nothing any more, but
# if it hangs in its COPY, its invisible rows keep ours waiting, and no timeout of the server's ends that: so we do.
_CLAIM_BATCH = """
WITH candidate AS (
    SELECT upload_number, number, session_pid, session_start
    FROM batches
    WHERE upload_number = %(upload)s AND state = 'pending' AND attempts < %(max_attempts)s
      AND (lease_until IS NULL OR lease_until < clock_timestamp())
      AND EXISTS (SELECT FROM uploads WHERE number = %(upload)s AND state = 'loading')
    ORDER BY number
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
UPDATE batches AS batch
SET epoch = epoch + 1, attempts = attempts + 1, loader = %(loader)s,
    lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s),
    session_pid = pg_backend_pid(),
    session_start = (SELECT backend_start FROM pg_stat_get_activity(pg_backend_pid()))
FROM candidate
WHERE (batch.upload_number, batch.number) = (candidate.upload_number, candidate.number)
RETURNING batch.number, byte_start, byte_end, first_line, epoch, attempts,
    (SELECT pg_terminate_backend(pid) FROM pg_stat_get_activity(coalesce(candidate.session_pid, 0))
     WHERE backend_start = candidate.session_start AND pid <> pg_backend_pid()) AS ended
"""

_COUNT_TAKEOVER = "UPDATE uploads SET attempts = attempts + 1 WHERE number = %(upload)s"

_RENEW = """
UPDATE batches SET lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s)
WHERE upload_number = %(upload)s AND number = %(batch)s AND state = 'pending' AND epoch = %(epoch)s
"""

_GIVE_BACK = """
UPDATE batches SET lease_until = NULL, session_pid = NULL, attempts = attempts - %(refunded)s
WHERE upload_number = %(upload)s AND number = %(batch)s AND epoch = %(epoch)s AND state = 'pending'
"""

_HOLD_UPLOAD = "SELECT number FROM uploads WHERE number = %(upload)s AND state = 'loading' FOR NO KEY UPDATE"

_FINISH_BATCH = """
UPDATE batches
SET state = 'done', done_at = clock_timestamp(), lease_until = NULL, session_pid = NULL,
    read_records = %(read)s, loaded_records = %(loaded)s, rejected_records = %(rejected)s
WHERE upload_number = %(upload)s AND number = %(batch)s AND epoch = %(epoch)s AND state = 'pending'
RETURNING number
"""

_SPENT = """
SELECT coalesce(sum(rejected_records), 0)::bigint, coalesce(sum(line_feeds), 0)::bigint + 1
FROM batches WHERE upload_number = %(upload)s
"""

_RECORD_EVENT = "INSERT INTO upload_events (upload_number, event, reason) VALUES (%(upload)s, %(event)s, %(reason)s)"

_FAIL = """
UPDATE uploads
SET state = 'failed', phase = 'done', error_code = %(code)s, error_message = %(message)s,
    finished_at = clock_timestamp(), epoch = epoch + 1, lease_until = NULL
WHERE number = %(upload)s AND state IN ('queued', 'loading')
RETURNING number
"""

_REVOKE_BATCHES = "UPDATE batches SET epoch = epoch + 1, lease_until = NULL WHERE upload_number = %(upload)s"


def begin(connection: LoadingConnection, upload_id: UUID) -> Work | None:
    """Take part in loading this upload; None if there is nothing to load (any more)."""
    with connection.transaction():
        rows = connection.execute(_BEGIN, id=str(upload_id))
        if not rows:
            return None
        number, tenant, dataset, dialect, header, storage_key, content_sha256, trace_id, mends, *budget = rows[0]
        work = Work(
            id=upload_id,
            number=number,
            tenant=tenant,
            dataset=dataset,
            dialect=Dialect.from_json(json.loads(dialect)),
            header=tuple(header),
            storage_key=storage_key,
            content_sha256=content_sha256,
            trace_id=trace_id,
            budget=Budget(*budget),
            mends=mends,
        )
        return replace(work, is_new=_create_table(connection, work)) if work.is_large else work


def claim_batch(
    connection: LoadingConnection, work: Work, lease_seconds: float, max_attempts: int
) -> ClaimedBatch | None:
    """The first batch that nobody has; None if there is none."""
    with connection.transaction():
        loader = f"{LOADER}:{os.getpid()}"
        rows = connection.execute(
            _CLAIM_BATCH, upload=work.number, max_attempts=max_attempts, loader=loader, lease_seconds=lease_seconds
        )
        if not rows:
            return None
    *place, _ended = rows[0]
    batch = ClaimedBatch(*place)
    if batch.attempts > 1:
        with connection.transaction():  # of its own: the lock order
            connection.execute(_COUNT_TAKEOVER, upload=work.number)
            record_event(connection, work.number, "batch_taken_over", f"batch {batch.number}, attempt {batch.attempts}")
    return batch


def renew(connection: LoadingConnection, work: Work, batch: ClaimedBatch, lease_seconds: float) -> None:
    """Keep the batch for another lease; nothing happens if it is not ours any more: its commit finds out."""
    with connection.transaction():
        connection.execute(_RENEW, **_claim(work, batch), lease_seconds=lease_seconds)


def give_back(connection: LoadingConnection, work: Work, batch: ClaimedBatch, counts_as_attempt: bool) -> None:
    """Let others have the batch at once instead of after the lease."""
    with connection.transaction():
        connection.execute(_GIVE_BACK, **_claim(work, batch), refunded=0 if counts_as_attempt else 1)


def hold_upload(connection: LoadingConnection, work: Work) -> None:
    """Lock the upload's row, before its batch's, in a transaction that changes both; raises `UploadEnded`."""
    if not connection.execute(_HOLD_UPLOAD, upload=work.number):
        raise UploadEnded("the upload has ended")


def finish_batch(
    connection: LoadingConnection, work: Work, batch: ClaimedBatch, read: int, loaded: int, rejected: int
) -> None:
    """Mark the batch done, inside the transaction that holds its rows; raises `LostLease` if it is not ours now."""
    counts = {"read": read, "loaded": loaded, "rejected": rejected}
    if not connection.execute(_FINISH_BATCH, **_claim(work, batch), **counts):
        raise LostLease("another loader has this batch now")


def record_event(connection: LoadingConnection, number: int, event: str, reason: str) -> None:
    """Add to the upload's history, inside a transaction."""
    connection.execute(_RECORD_EVENT, upload=number, event=event, reason=reason)


def fail(connection: LoadingConnection, number: int, error: Permanent) -> None:
    """End the upload as failed and revoke every claim on it, inside a transaction; nothing if it has ended already."""
    if connection.execute(_FAIL, upload=number, code=error.code, message=error.message):
        connection.execute(_REVOKE_BATCHES, upload=number)


def enforce_budget(connection: LoadingConnection, work: Work) -> None:
    """Fail the upload, inside the transaction of a batch, once it has more rejects than it could ever be allowed."""
    if work.budget.allowed(0) is None:
        return
    # Lines are at least as many as records: a percentage of them is not exceeded too early, and `publish` is exact.
    rejected, lines = connection.execute(_SPENT, upload=work.number)[0]
    if work.budget.is_exceeded(rejected, lines):
        fail(connection, work.number, too_many_rejects(rejected))


def too_many_rejects(rejected: int) -> TooManyRejects:
    """What a person reads of an upload over its budget."""
    return TooManyRejects(f"{rejected} records were rejected, which is more than the upload's budget allows")


def _claim(work: Work, batch: ClaimedBatch) -> dict[str, int]:
    """What names a batch and proves that it is still ours."""
    return {"upload": work.number, "batch": batch.number, "epoch": batch.epoch}


def _create_table(connection: LoadingConnection, work: Work) -> bool:
    """False if the upload has its table already."""
    if connection.execute("SELECT to_regclass(%(table)s)::text", table=work.table)[0][0] is not None:
        return False
    connection.execute(create_upload_table(work.number, work.tenant))
    return True
