"""The state machine of uploads and batches: every state, transition, guard and revocation.

    uploads     begin      queued                     -> loading
                plan       loading                    -> planned
                apply      planned                    -> queued
                recount    planned                    -> queued      its collection has changed since
                complete   loading                    -> completed
                fail       queued, loading            -> failed
                cancel     queued, loading, planned   -> cancelled
                retry      failed, cancelled          -> queued
                undo       completed                  -> undone

    batches     finish     pending            -> done         in the transaction that holds the batch's rows
                revoke     any                -> the same     with an upload that failed
                reset      any                -> pending      with an upload that is cancelled or retried

Each change is one guarded UPDATE: if it returns no row, another process was faster or the state forbids the change. A
trigger refuses every other change of an upload's state and writes the history; a test compares its list with
`TRANSITIONS`.

Revocation: revoking or resetting a batch raises its epoch, and ending an upload raises the upload's. A loader that had
claimed either (see `leases`) still names the old epoch when it commits, and its transaction rolls back.

Lock order, everywhere: the collection (`ingest.versions`), the upload's row, then its batches, then totals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol
from uuid import UUID

from shared.database.record_ids import FIRST_LARGE_ID, TAKE_RANGE
from shared.errors import NotFound, StateConflict


class UploadState(StrEnum):
    """How far an upload has come, or how it ended."""

    QUEUED = "queued"
    LOADING = "loading"
    PLANNED = "planned"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNDONE = "undone"


class BatchState(StrEnum):
    """Whether a batch's rows are committed."""

    PENDING = "pending"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Transition:
    """From any of `sources` to `target`. `is_action`: a person asks for it."""

    name: str
    sources: tuple[UploadState, ...]
    target: UploadState
    is_action: bool = False


ACTIVE_STATES: Final = (UploadState.QUEUED, UploadState.LOADING)
# An upload in one of these states may still be published.
UNPUBLISHED_STATES: Final = (*ACTIVE_STATES, UploadState.PLANNED)
# An upload in one of these states has no visible rows, and nothing is left to load.
ENDED_UNSEEN_STATES: Final = (UploadState.FAILED, UploadState.CANCELLED, UploadState.UNDONE)
# The same bytes are not loaded again while an earlier upload of them is in one of these states.
KEPT_STATES: Final = (*UNPUBLISHED_STATES, UploadState.COMPLETED)
# The record counts are final and are in the upload's own row.
COUNTED_STATES: Final = (UploadState.PLANNED, UploadState.COMPLETED, UploadState.UNDONE)

BEGIN: Final = Transition("begin", (UploadState.QUEUED,), UploadState.LOADING)
PLAN: Final = Transition("plan", (UploadState.LOADING,), UploadState.PLANNED)
APPLY: Final = Transition("apply", (UploadState.PLANNED,), UploadState.QUEUED, is_action=True)
RECOUNT: Final = Transition("recount", (UploadState.PLANNED,), UploadState.QUEUED)
COMPLETE: Final = Transition("complete", (UploadState.LOADING,), UploadState.COMPLETED)
FAIL: Final = Transition("fail", ACTIVE_STATES, UploadState.FAILED)
CANCEL: Final = Transition("cancel", UNPUBLISHED_STATES, UploadState.CANCELLED, is_action=True)
RETRY: Final = Transition("retry", (UploadState.FAILED, UploadState.CANCELLED), UploadState.QUEUED, is_action=True)
UNDO: Final = Transition("undo", (UploadState.COMPLETED,), UploadState.UNDONE, is_action=True)
TRANSITIONS: Final = (BEGIN, PLAN, APPLY, RECOUNT, COMPLETE, FAIL, CANCEL, RETRY, UNDO)


# The upload has a range of ids outside of the leaves of small uploads, and the rows there are complete.
HAS_LARGE_RANGE: Final = f"state = '{UploadState.COMPLETED}' AND corrects IS NULL AND first_id >= {FIRST_LARGE_ID}"
# Readers see rows of it there.
HAS_LARGE_ROWS: Final = f"{HAS_LARGE_RANGE} AND superseded_by IS NULL"


def actions_of(state: UploadState) -> tuple[str, ...]:
    """Names of the actions that people may take on an upload in this state."""
    return tuple(transition.name for transition in TRANSITIONS if transition.is_action and state in transition.sources)


class Connection(Protocol):
    """A connection in a transaction: the loader's (`loader_connection`), or SQLAlchemy's (`engine.PlainSql`)."""

    def execute(self, sql: str, **values: Any) -> Sequence[tuple[Any, ...]]:
        """Run one statement with `%(name)s` for each value; return its rows, if it has any."""


def sql_list(states: Sequence[StrEnum]) -> str:
    """`'queued', 'loading'`, for IN (...)."""
    return ", ".join(f"'{state}'" for state in states)


def guard_of(transition: Transition) -> str:
    """The condition on the state under which the transition is allowed."""
    return f"state IN ({sql_list(transition.sources)})"


_ACTIVE: Final = f"state IN ({sql_list(ACTIVE_STATES)})"
# A loader that had claimed the publishing can no longer publish.
_END: Final = "phase = 'done', epoch = epoch + 1, lease_until = NULL"
# Its batches are done; a loader has the publishing to do.
_AGAIN: Final = "phase = 'queued', lease_until = NULL, publish_attempts = 0, notified_at = clock_timestamp()"

# -- uploads

_BEGIN: Final = f"""
UPDATE uploads
SET state = '{BEGIN.target}',
    phase = CASE state WHEN 'queued' THEN 'loading' ELSE phase END,
    started_at = coalesce(started_at, clock_timestamp()),
    attempts = attempts + CASE state WHEN 'queued' THEN 1 ELSE 0 END
WHERE id = %(id)s::uuid AND {_ACTIVE}
RETURNING {{columns}}
"""

_HOLD: Final = "SELECT number FROM uploads WHERE number = %(number)s AND {guard} FOR NO KEY UPDATE"

# Where a loader's work ends: what is loaded is visible, or waits for the decision of a person.
_FINISH: Final = f"""
UPDATE uploads
SET state = '{{target}}', {{changes}}, lease_until = NULL,
    read_records = %(read)s, loaded_records = %(loaded)s, rejected_records = %(rejected)s,
    duplicate_records = %(duplicate)s
WHERE number = %(number)s AND {guard_of(COMPLETE)} AND epoch = coalesce(%(epoch)s, epoch)
RETURNING header_bytes, content_bytes
"""
_COMPLETE: Final = _FINISH.format(target=COMPLETE.target, changes="phase = 'done', finished_at = clock_timestamp()")
_PLAN: Final = _FINISH.format(
    target=PLAN.target, changes="phase = 'planned', planned_at = clock_timestamp(), applied_at = NULL"
)

_FAIL: Final = f"""
UPDATE uploads
SET state = '{FAIL.target}', {_END}, error_code = %(code)s, error_message = %(message)s,
    finished_at = clock_timestamp()
WHERE number = %(number)s AND {guard_of(FAIL)}
RETURNING number
"""

_ACT: Final = """
UPDATE uploads SET state = '{target}', {changes}
WHERE id = %(id)s AND tenant = %(tenant)s AND {guard}
RETURNING number
"""
_CHANGES: Final = {
    CANCEL: f"{_END}, finished_at = clock_timestamp()",
    RETRY: (
        "phase = 'queued', epoch = epoch + 1, lease_until = NULL, publish_attempts = 0, error_code = NULL,"
        " error_message = NULL, warnings = NULL, started_at = NULL, finished_at = NULL,"
        " planned_at = NULL, applied_at = NULL, compared_version = NULL,"
        " notified_at = clock_timestamp(), first_id = nextval(CASE WHEN first_id"
        f" < {FIRST_LARGE_ID} THEN 'small_first_ids' ELSE 'large_first_ids' END)"
    ),
    UNDO: _END,
    APPLY: f"{_AGAIN}, applied_at = clock_timestamp()",
    RECOUNT: _AGAIN,
}

_UNDO_CORRECTIONS: Final = f"""
UPDATE uploads SET state = '{UNDO.target}', epoch = epoch + 1
WHERE corrects = %(number)s AND {guard_of(UNDO)}
RETURNING number
"""

_STATE: Final = "SELECT state, {is_done} FROM uploads WHERE id = %(id)s AND tenant = %(tenant)s"
# An upload that waits for a loader may also be one that has no plan yet, or whose changes are being counted anew.
_IS_APPLIED: Final = f"applied_at IS NOT NULL AND state IN ({sql_list((*ACTIVE_STATES, UploadState.COMPLETED))})"

# -- batches

# The epoch decides: a batch that another loader has claimed, or that was revoked, is no longer ours.
IS_OURS: Final = (
    f"upload_number = %(upload)s AND number = %(batch)s AND epoch = %(epoch)s AND state = '{BatchState.PENDING}'"
)
_FINISH_BATCH: Final = f"""
UPDATE batches
SET state = '{BatchState.DONE}', done_at = clock_timestamp(), lease_until = NULL, session_pid = NULL,
    read_records = %(read)s, loaded_records = %(loaded)s, rejected_records = %(rejected)s,
    duplicate_records = %(duplicate)s, warnings = %(warnings)s::jsonb
WHERE {IS_OURS}
RETURNING number
"""

_REVOKE_BATCHES: Final = "UPDATE batches SET epoch = epoch + 1, lease_until = NULL WHERE upload_number = %(number)s"

_RESET_BATCHES: Final = f"""
UPDATE batches
SET state = '{BatchState.PENDING}', epoch = epoch + 1, attempts = 0, lease_until = NULL, done_at = NULL,
    read_records = 0, loaded_records = 0, rejected_records = 0, duplicate_records = 0, warnings = '[]'
WHERE upload_number = %(number)s
"""


def begin(connection: Connection, upload_id: UUID, columns: str) -> tuple[Any, ...] | None:
    """Join the loading of the upload; return these columns of it, or None if there is nothing left to load."""
    rows = connection.execute(_BEGIN.format(columns=columns), id=str(upload_id))
    return rows[0] if rows else None


def hold_loading(connection: Connection, number: int) -> bool:
    """Lock the row of an upload that is loading until the transaction ends; False if it is no longer loading."""
    return bool(connection.execute(_HOLD.format(guard=guard_of(COMPLETE)), number=number))


def hold_completed(connection: Connection, number: int) -> bool:
    """Lock the row of a completed upload until the transaction ends; False if it is no longer completed."""
    return bool(connection.execute(_HOLD.format(guard=guard_of(UNDO)), number=number))


def complete(connection: Connection, number: int, epoch: int | None, counts: dict[str, int]) -> tuple[int, int] | None:
    """Complete an upload with its record counts; return `header_bytes` and `content_bytes`.

    None if another loader or an action has ended it. `epoch`: that of the claimed publishing; None if the transaction
    holds the upload's row and its only batch.
    """
    rows = connection.execute(_COMPLETE, number=number, epoch=epoch, **counts)
    return (rows[0][0], rows[0][1]) if rows else None


def plan(connection: Connection, number: int, epoch: int, counts: dict[str, int]) -> tuple[int, int] | None:
    """Let an upload that is loaded wait until somebody applies or cancels it; see `complete`."""
    rows = connection.execute(_PLAN, number=number, epoch=epoch, **counts)
    return (rows[0][0], rows[0][1]) if rows else None


def apply(connection: Connection, upload_id: UUID, tenant: str) -> int | None:
    """The number of the planned upload that will be published now; None if it was already applied.

    Raises `NotFound` and `StateConflict`.
    """
    return _act(connection, APPLY, upload_id, tenant, is_done=_IS_APPLIED)


def recount(connection: Connection, upload_id: UUID, tenant: str) -> int | None:
    """The number of the planned upload whose changes are counted anew; None if that is already so."""
    return _act(connection, RECOUNT, upload_id, tenant)


def fail(connection: Connection, number: int, code: str, message: str) -> bool:
    """End an upload as failed and revoke every claim on it; False if it has already ended."""
    has_failed = bool(connection.execute(_FAIL, number=number, code=code, message=message))
    if has_failed:
        connection.execute(_REVOKE_BATCHES, number=number)
    return has_failed


def cancel(connection: Connection, upload_id: UUID, tenant: str) -> int | None:
    """The number of the upload that is cancelled now; None if it was already cancelled.

    Raises `NotFound` and `StateConflict`, as `retry` and `undo` do.
    """
    number = _act(connection, CANCEL, upload_id, tenant)
    if number is not None:
        connection.execute(_RESET_BATCHES, number=number)
    return number


def retry(connection: Connection, upload_id: UUID, tenant: str) -> int | None:
    """The number of the upload that is queued again; None if it is already active."""
    connection.execute(TAKE_RANGE, tenant=tenant)
    number = _act(connection, RETRY, upload_id, tenant, is_done=_ACTIVE)
    if number is not None:
        connection.execute(_RESET_BATCHES, number=number)
    return number


def undo(connection: Connection, upload_id: UUID, tenant: str) -> int | None:
    """The number of the upload that is undone now; None if it was already undone."""
    return _act(connection, UNDO, upload_id, tenant)


def undo_corrections(connection: Connection, number: int) -> list[int]:
    """Numbers of the completed corrections of an upload, which are now undone with it."""
    return [row[0] for row in connection.execute(_UNDO_CORRECTIONS, number=number)]


def finish_batch(
    connection: Connection, upload: int, batch: int, epoch: int, counts: dict[str, int], warnings: str
) -> bool:
    """Mark the batch done in the transaction that holds its rows; False if it is no longer ours.

    `warnings`: a list as JSON.
    """
    return bool(connection.execute(_FINISH_BATCH, upload=upload, batch=batch, epoch=epoch, warnings=warnings, **counts))


def _act(
    connection: Connection, transition: Transition, upload_id: UUID, tenant: str, is_done: str | None = None
) -> int | None:
    # `is_done`: SQL, whether the action was carried out before; by default, whether the upload is in its state.
    names = {"id": str(upload_id), "tenant": tenant}
    statement = _ACT.format(target=transition.target, changes=_CHANGES[transition], guard=guard_of(transition))
    rows = connection.execute(statement, **names)
    if rows:
        return int(rows[0][0])
    current = connection.execute(_STATE.format(is_done=is_done or f"state = '{transition.target}'"), **names)
    if not current:
        raise NotFound("there is no such upload")
    state, was_done = current[0]
    if not was_done:
        raise StateConflict(
            f"the upload is {state}; this is possible only when it is {' or '.join(transition.sources)}",
            {"state": state, "allowed": list(transition.sources)},
        )
    return None
