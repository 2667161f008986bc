"""What people may do with an upload that is not completed: cancel it, retry it (`undoing` is for the others).

Each action is one transition of `state_machine`, with its consequences in the same transaction. Repeating an action is
no error; an action that the state forbids is a `StateConflict`.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import cycle
from typing import Final, TypeVar

import structlog
from sqlalchemy import Connection, Engine, delete, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from shared.database import state_machine
from shared.database.engine import PlainSql, is_lock_trouble
from shared.database.models import Reject, Upload
from shared.database.partitions import staging_table, upload_leaf
from shared.database.record_ids import FIRST_LARGE_ID
from shared.database.state_machine import ENDED_UNSEEN_STATES, RETRY
from shared.errors import StateConflict, Unavailable
from shared.failpoints import reach
from shared.ingest.publishing.duplicates import forget_duplicates
from shared.ingest.versions import totals
from shared.ingest.versions.row_changes import forget_changes

log = structlog.get_logger()

T = TypeVar("T")

# Only loaders use a table that is not attached, and the loaders of an upload that has ended work in vain. They are
# terminated, not only cancelled: a loader that is paused within its transaction would keep its lock.
_TERMINATE_ITS_LOADERS: Final = text("""
SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE relation = to_regclass(:leaf) AND database = datid AND datname = current_database()
  AND backend_type = 'client backend' AND pid <> pg_backend_pid()
""")

# DROP waits for readers of `movies`, and new readers wait behind DROP. So each attempt waits briefly and then pauses to
# let them read. An autovacuum of the table gives way only to a wait that is longer than `deadlock_timeout`, by default
# one second.
_TRY_FOR_SECONDS: Final = 8.0
_PAUSE_SECONDS: Final = 0.1
_DROP_LOCK_TIMEOUT: Final = "200ms"
_AUTOVACUUM_LOCK_TIMEOUT: Final = "1500ms"
_ATTEMPTS_PER_LONG_ONE: Final = 5


def cancel(engine: Engine, upload_id: uuid.UUID, tenant: str) -> None:
    """End an upload that is not published: no row, no table and no reject remains.

    Raises `NotFound` and `StateConflict`.
    """
    number = persistently(lambda: _cancel(engine, upload_id, tenant))
    if number is None:
        return
    log.info("upload_cancelled", upload_id=str(upload_id))
    reach("cancel.committed")
    with suppress(Unavailable):  # it is cancelled anyway; the sweep removes the table
        drop_table(engine, number)
    reach("cancel.dropped")


def _cancel(engine: Engine, upload_id: uuid.UUID, tenant: str) -> int | None:
    with engine.begin() as connection:
        return cancel_within(connection, upload_id, tenant)


def cancel_within(connection: Connection, upload_id: uuid.UUID, tenant: str) -> int | None:
    """`cancel` within a transaction, up to the table, which is still there; the number if it is cancelled only now."""
    number = state_machine.cancel(PlainSql(connection), upload_id, tenant)
    if number is not None:
        _forget_results(connection, number)
    return number


def retry(engine: Engine, upload_id: uuid.UUID, tenant: str) -> None:
    """Load a failed or cancelled upload again from its stored file; raises `NotFound` and `StateConflict`."""
    number = _retryable_number(engine, upload_id, tenant)
    if number is not None:
        drop_table(engine, number)
        reach("retry.dropped")
    try:
        persistently(lambda: _retry(engine, upload_id, tenant))
    except IntegrityError as error:
        raise StateConflict("the same file was uploaded again in the meantime", {"allowed": []}) from error


def _retry(engine: Engine, upload_id: uuid.UUID, tenant: str) -> None:
    with engine.begin() as connection:
        number = state_machine.retry(PlainSql(connection), upload_id, tenant)
        if number is None:
            return
        _forget_results(connection, number)
    log.info("upload_retried", upload_id=str(upload_id))
    reach("retry.committed")


def _forget_results(connection: Connection, number: int) -> None:
    connection.execute(delete(Reject).where(Reject.upload_number == number))
    forget_duplicates(PlainSql(connection), number)
    forget_changes(PlainSql(connection), number)
    totals.forget(PlainSql(connection), number)


def drop_table(engine: Engine, number: int) -> None:
    """Remove the table of a large upload that has ended without becoming visible; no error if there is none.

    Raises `Unavailable` if it is still in use after some attempts; the sweep removes it later.
    """
    timeouts = drop_lock_timeouts()
    try:
        persistently(lambda: _drop_table(engine, number, next(timeouts)))
    except DBAPIError as error:
        if not is_lock_trouble(error):
            raise
        raise Unavailable("the upload's table is in use; the sweep removes it later") from error


def drop_lock_timeouts() -> Iterator[str]:
    """How long each attempt waits: sometimes long enough for an autovacuum to give way."""
    return cycle([_DROP_LOCK_TIMEOUT] * (_ATTEMPTS_PER_LONG_ONE - 1) + [_AUTOVACUUM_LOCK_TIMEOUT])


def _drop_table(engine: Engine, number: int, lock_timeout: str) -> None:
    is_ended = Upload.number == number, Upload.state.in_(ENDED_UNSEEN_STATES), Upload.first_id >= FIRST_LARGE_ID
    ended = select(Upload.table_name).where(*is_ended)
    with engine.begin() as connection:
        connection.execute(text(f"SET LOCAL lock_timeout = '{lock_timeout}'"))
        # The row is locked, so that no retry can fill the table again in the meantime.
        table = connection.scalar(ended.with_for_update(key_share=True))
        if table is not None:
            for name in (upload_leaf(table, number), staging_table(table, number)):
                connection.execute(_TERMINATE_ITS_LOADERS, {"leaf": name})
                connection.execute(text(f"DROP TABLE IF EXISTS {name}"))
            # A loader that was counting its rows has lost its connection or has committed.
            totals.forget(PlainSql(connection), number)


def _retryable_number(engine: Engine, upload_id: uuid.UUID, tenant: str) -> int | None:
    """The number of an upload that can be retried; None for any other."""
    with engine.connect() as connection:
        mine = Upload.id == upload_id, Upload.tenant == tenant, Upload.state.in_(RETRY.sources)
        return connection.scalar(select(Upload.number).where(*mine))


def persistently(action: Callable[[], T]) -> T:
    """Repeat the action after a lock timeout or a deadlock, which have rolled its transaction back."""
    deadline = time.monotonic() + _TRY_FOR_SECONDS
    while True:
        try:
            return action()
        except DBAPIError as error:
            if not is_lock_trouble(error) or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_SECONDS)
