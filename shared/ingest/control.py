"""What a person may do with an upload: cancel, retry, undo.

Each is one guarded UPDATE with its consequences in the same transaction; asking again for what is already so is no
error, asking for what the state forbids is a `StateConflict`.

    queued, loading   -> cancelled    cancel
    failed, cancelled -> queued       retry
    completed         -> undone       undo         with all that was mended of it
"""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import cycle
from typing import Any, Final, TypeVar

import structlog
from sqlalchemy import Connection, Engine, delete, func, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from shared.database.models import ACTIVE_STATES, Batch, Movie, Reject, Upload, UploadTotal
from shared.database.partitions import first_id, is_large, partition_of
from shared.errors import NotFound, StateConflict, Unavailable
from shared.failpoints import reach

log = structlog.get_logger()

T = TypeVar("T")

_SUBTRACT_FROM_TOTALS: Final = text("""
UPDATE movie_totals AS total SET movies = total.movies - gone.movies
FROM (SELECT * FROM upload_totals WHERE upload_number = :number ORDER BY release_year, original_language) AS gone
WHERE total.tenant = :tenant
  AND (total.release_year, total.original_language) = (gone.release_year, gone.original_language)
""")

# Only loaders touch a table that is not attached, and those of an upload that has ended work in vain. Terminated and
# not cancelled: a loader that is paused inside its transaction would keep its lock.
_TERMINATE_ITS_LOADERS: Final = text("""
SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE relation = to_regclass(:table) AND database = datid AND datname = current_database()
  AND backend_type = 'client backend' AND pid <> pg_backend_pid()
""")

# DROP waits for readers of `movies`, and new readers wait behind it: not for long, rather again, with a pause for them.
# An autovacuum of the table gives way only to those that wait for longer than `deadlock_timeout`, 1 s as it is shipped.
_TRY_FOR_SECONDS = 8.0
_PAUSE_SECONDS = 0.1
_DROP_LOCK_TIMEOUT = "200ms"
_AUTOVACUUM_LOCK_TIMEOUT = "1500ms"
_TRIES_A_LONG_ONE = 5
_ENDED_UNSEEN = ("failed", "cancelled", "undone")
_LOCK_NOT_AVAILABLE = ("55P03", "40P01")


def cancel(engine: Engine, upload_id: uuid.UUID, tenant: str) -> None:
    """End a queued or running load: no row, no table, no reject stays. Raises `NotFound`, `StateConflict`."""
    number = _persistently(lambda: _cancel(engine, upload_id, tenant))
    if number is None:
        return
    log.info("upload_cancelled", upload_id=str(upload_id))
    reach("cancel.committed")
    with suppress(Unavailable):  # it is cancelled all the same; the sweep removes the table
        drop_table(engine, number)
    reach("cancel.dropped")


def _cancel(engine: Engine, upload_id: uuid.UUID, tenant: str) -> int | None:
    with engine.begin() as connection:
        number = _move(connection, upload_id, tenant, ACTIVE_STATES, "cancelled", finished_at=func.clock_timestamp())
        if number is not None:
            _revoke(connection, number)
            connection.execute(delete(Reject).where(Reject.upload_number == number))
            connection.execute(delete(UploadTotal).where(UploadTotal.upload_number == number))
        return number


def retry(engine: Engine, upload_id: uuid.UUID, tenant: str) -> None:
    """Load a failed or cancelled upload again from its stored file. Raises `NotFound`, `StateConflict`."""
    number = _number(engine, upload_id, tenant, ("failed", "cancelled"))
    if number is not None:
        drop_table(engine, number)
        reach("retry.dropped")
    try:
        _persistently(lambda: _retry(engine, upload_id, tenant))
    except IntegrityError as error:
        raise StateConflict("the same file was uploaded again meanwhile", {"allowed": []}) from error


def _retry(engine: Engine, upload_id: uuid.UUID, tenant: str) -> None:
    with engine.begin() as connection:
        number = _move(
            connection,
            upload_id,
            tenant,
            ("failed", "cancelled"),
            "queued",
            already=ACTIVE_STATES,
            phase="queued",
            publish_attempts=0,
            error_code=None,
            error_message=None,
            started_at=None,
            finished_at=None,
            rung_at=func.clock_timestamp(),
        )
        if number is None:
            return
        _revoke(connection, number)
        connection.execute(delete(Reject).where(Reject.upload_number == number))
        connection.execute(delete(UploadTotal).where(UploadTotal.upload_number == number))
    log.info("upload_retried", upload_id=str(upload_id))
    reach("retry.committed")


def undo(engine: Engine, upload_id: uuid.UUID, tenant: str) -> None:
    """Take a completed upload's rows out of the listing, all at once. Raises `NotFound`, `StateConflict`."""
    timeouts = _drop_lock_timeouts()
    _persistently(lambda: _undo(engine, upload_id, tenant, next(timeouts)))


def _undo(engine: Engine, upload_id: uuid.UUID, tenant: str, lock_timeout: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(f"SET LOCAL lock_timeout = '{lock_timeout}'"))
        number = _move(connection, upload_id, tenant, ("completed",), "undone")
        if number is None:
            return
        _undo_mendings(connection, number)
        connection.execute(_SUBTRACT_FROM_TOTALS, {"number": number, "tenant": tenant})
        connection.execute(delete(UploadTotal).where(UploadTotal.upload_number == number))
        connection.execute(delete(Reject).where(Reject.upload_number == number))
        if is_large(number):
            connection.execute(text(f"DROP TABLE {partition_of(number)}"))
        else:
            ids = Movie.id >= first_id(number), Movie.id < first_id(number + 1)
            connection.execute(delete(Movie).where(*ids))
        reach("undo.removed")
    log.info("upload_undone", upload_id=str(upload_id))
    reach("undo.committed")


def _undo_mendings(connection: Connection, number: int) -> None:
    """Mended rows go with the upload that they belong to, whose row is locked; raises `StateConflict` for a mending."""
    if connection.scalar(select(Upload.mends).where(Upload.number == number)) is not None:
        raise StateConflict("the upload mends another one; undo that one", {"allowed": []})
    mendings = update(Upload).where(Upload.mends == number, Upload.state == "completed")
    changes = {"state": "undone", "epoch": Upload.epoch + 1}
    for mending in connection.scalars(mendings.values(changes).returning(Upload.number)).all():
        connection.execute(delete(Reject).where(Reject.upload_number == mending))


def drop_table(engine: Engine, number: int) -> None:
    """Remove the table of a large upload that has ended without being visible; no error if there is none.

    Raises `Unavailable` if it is still in use after some tries; the sweep removes it later.
    """
    if not is_large(number):
        return
    timeouts = _drop_lock_timeouts()
    try:
        _persistently(lambda: _drop_table(engine, number, next(timeouts)))
    except DBAPIError as error:
        if not _is_lock_trouble(error):
            raise
        raise Unavailable("the upload's table is in use; it is removed later") from error


def _drop_lock_timeouts() -> Iterator[str]:
    """How long each try waits: now and then for long enough that an autovacuum gives way."""
    return cycle([_DROP_LOCK_TIMEOUT] * (_TRIES_A_LONG_ONE - 1) + [_AUTOVACUUM_LOCK_TIMEOUT])


def _drop_table(engine: Engine, number: int, lock_timeout: str) -> None:
    table = partition_of(number)
    ended = select(Upload.number).where(Upload.number == number, Upload.state.in_(_ENDED_UNSEEN))
    with engine.begin() as connection:
        connection.execute(text(f"SET LOCAL lock_timeout = '{lock_timeout}'"))
        # The row is locked so that nobody retries the upload, and fills the table again, in the meantime.
        if connection.scalar(ended.with_for_update(key_share=True)) is not None:
            connection.execute(_TERMINATE_ITS_LOADERS, {"table": table})
            connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
            # Whoever was counting its rows has lost its connection or has committed.
            connection.execute(delete(UploadTotal).where(UploadTotal.upload_number == number))


def _move(
    connection: Connection,
    upload_id: uuid.UUID,
    tenant: str,
    allowed: tuple[str, ...],
    state: str,
    already: tuple[str, ...] = (),
    **values: Any,
) -> int | None:
    """Change the state; the upload's number, or None if it is in that state already."""
    mine = Upload.id == upload_id, Upload.tenant == tenant
    changes = {"state": state, "phase": "done", "epoch": Upload.epoch + 1, "lease_until": None} | values
    number: int | None = connection.scalar(
        update(Upload).where(*mine, Upload.state.in_(allowed)).values(changes).returning(Upload.number)
    )
    if number is None:
        _explain(connection.scalar(select(Upload.state).where(*mine)), allowed, (state, *already))
    return number


def _number(engine: Engine, upload_id: uuid.UUID, tenant: str, states: tuple[str, ...]) -> int | None:
    with engine.connect() as connection:
        mine = Upload.id == upload_id, Upload.tenant == tenant, Upload.state.in_(states)
        return connection.scalar(select(Upload.number).where(*mine))


def _explain(current: str | None, allowed: tuple[str, ...], reached: tuple[str, ...]) -> None:
    if current is None:
        raise NotFound("there is no such upload")
    if current not in reached:
        raise StateConflict(
            f"the upload is {current}; this is possible only when it is {' or '.join(allowed)}",
            {"state": current, "allowed": list(allowed)},
        )


def _revoke(connection: Connection, number: int) -> None:
    """Make every batch pending again under a new epoch: whoever had one can commit nothing any more."""
    connection.execute(
        update(Batch)
        .where(Batch.upload_number == number)
        .values(
            state="pending",
            epoch=Batch.epoch + 1,
            attempts=0,
            lease_until=None,
            done_at=None,
            read_records=0,
            loaded_records=0,
            rejected_records=0,
            duplicate_records=0,
        )
    )


def _persistently(action: Callable[[], T]) -> T:
    """Do it again after a lock that was not to be had, or a deadlock: each is a transaction that was rolled back."""
    deadline = time.monotonic() + _TRY_FOR_SECONDS
    while True:
        try:
            return action()
        except DBAPIError as error:
            if not _is_lock_trouble(error) or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_SECONDS)


def _is_lock_trouble(error: DBAPIError) -> bool:
    return getattr(error.orig, "pgcode", None) in _LOCK_NOT_AVAILABLE
