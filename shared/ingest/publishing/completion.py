"""Where loading ends: reconciles an upload's record counts with what is stored, and completes it or lets it wait."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from shared.catalog.write_mode import WriteMode
from shared.database import state_machine
from shared.database.loader_connection import LoaderConnection
from shared.database.models.collections import ROWS
from shared.database.state_machine import Connection
from shared.errors import LostLease, RecordCountsMismatch
from shared.ingest.versions import totals
from shared.ingest.versions.row_changes import Counts
from shared.ingest.work import Work, collect_warnings, nothing_loaded, too_many_rejects

log = structlog.get_logger()

# Do the batches cover the file without gap or overlap? What did they count, and what is stored?
_COUNTS: Final = f"""
SELECT coalesce(bool_and(state = 'done' AND byte_start = expected_byte AND first_line = expected_line), false),
       coalesce(min(byte_start), 0), coalesce(max(byte_end), 0),
       coalesce(sum(read_records), 0)::bigint, coalesce(sum(loaded_records), 0)::bigint,
       coalesce(sum(rejected_records), 0)::bigint, coalesce(sum(duplicate_records), 0)::bigint,
       (SELECT coalesce(sum(row_count), 0)::bigint FROM upload_totals
        WHERE upload_number = %(upload)s AND breakdown = '{ROWS}')
FROM (
    SELECT *,
           lag(byte_end, 1, byte_start) OVER ordered AS expected_byte,
           lag(first_line + line_feeds, 1, first_line) OVER ordered AS expected_line
    FROM batches WHERE upload_number = %(upload)s
    WINDOW ordered AS (ORDER BY number)
) AS tiled
"""

_STORED_REJECTS: Final = "SELECT count(*) FROM rejects WHERE upload_number = %(upload)s AND position = 0"

_SET_COUNTS: Final = """
UPDATE uploads
SET new_records = %(new)s, changed_records = %(changed)s, unchanged_records = %(unchanged)s,
    removed_records = %(removed)s
WHERE number = %(upload)s
"""
_SET_VERSION: Final = """
UPDATE uploads SET version = %(version)s, rows_version = %(version)s, current_records = %(current)s
WHERE number = %(upload)s
"""
_SET_COMPARED: Final = "UPDATE uploads SET compared_version = %(version)s WHERE number = %(upload)s"


@dataclass(frozen=True, slots=True)
class _Reconciled:
    """The record counts over an upload's batches, and how many rows are in its totals."""

    counts: dict[str, int]
    counted_rows: int


def complete(
    connection: LoaderConnection,
    work: Work,
    epoch: int | None,
    version: int,
    changes: Counts | None = None,
    counted_elsewhere: int = 0,
) -> None:
    """Reconcile the record counts and complete the upload, which makes the version `version` of its collection.

    `epoch`: that of the claimed publishing; None if there was no claim. `changes`: what it changes, compared with the
    rows before it; None if all its records are new, or if they are counted later. `counted_elsewhere`: how many of its
    rows are in the totals of another upload. Raises `RecordCountsMismatch`, `TooManyRejects`, `NothingLoaded`, and
    `LostLease` if another loader or an action has taken the upload.
    """
    stored_rejects = _count_rejects(connection, work)
    totals.add_upload_to_collection(connection, work.number, work.destination.collection)
    uncounted = counted_elsewhere
    if changes is not None and work.mode is WriteMode.UPSERT:  # no row is made of a record that changes nothing
        uncounted += changes.unchanged
    finish = partial(state_machine.complete, connection, work.number, epoch)
    reconciled = _reconcile(connection, work, finish, uncounted, stored_rejects)
    counts = reconciled.counts
    if work.corrects is None:
        known = changes or (Counts(counts["loaded"], 0, 0, 0) if work.mode is WriteMode.APPEND else None)
        set_version(connection, work.number, version, known, reconciled.counted_rows)
    log.info("upload_completed", read=counts["read"], loaded=counts["loaded"], rejected=counts["rejected"])


def set_version(connection: Connection, number: int, version: int, changes: Counts | None, current: int) -> None:
    """Write which version an upload has made, what it has changed, and how many rows it has now.

    `changes`: None if they are counted later.
    """
    counted = changes.to_json() if changes else dict.fromkeys(("new", "changed", "unchanged", "removed"))
    connection.execute(_SET_COUNTS, upload=number, **counted)
    connection.execute(_SET_VERSION, upload=number, version=version, current=current)


def wait_for_decision(
    connection: LoaderConnection, work: Work, epoch: int, version: int, changes: Counts, uncounted: int
) -> None:
    """Reconcile the record counts and let the upload wait until somebody applies or cancels it.

    `changes`: what it would change in the version `version` of its collection. `uncounted`: how many of its rows are in
    no totals. Raises what `complete` raises.
    """
    finish = partial(state_machine.plan, connection, work.number, epoch)
    counts = _reconcile(connection, work, finish, uncounted, _count_rejects(connection, work)).counts
    connection.execute(_SET_COUNTS, upload=work.number, **changes.to_json())
    connection.execute(_SET_COMPARED, upload=work.number, version=version)
    log.info("upload_planned", read=counts["read"], loaded=counts["loaded"], rejected=counts["rejected"])


def _count_rejects(connection: LoaderConnection, work: Work) -> int:
    """How many rejected records are stored. Those of a correction are rejected records of another upload already."""
    if work.corrects is None:
        return totals.count_rejected(connection, work.number)
    return int(connection.execute(_STORED_REJECTS, upload=work.number)[0][0])


def _reconcile(
    connection: LoaderConnection,
    work: Work,
    finish: Callable[[dict[str, int]], tuple[int, int] | None],
    uncounted: int,
    stored_rejects: int,
) -> _Reconciled:
    """Compare the record counts with each other and with what is stored; `finish` changes the state in between."""
    row = connection.execute(_COUNTS, upload=work.number)[0]
    is_tiled, byte_start, byte_end, read, loaded, rejected, duplicate, counted_rows = row
    if work.budget.is_exceeded(rejected, read):
        raise too_many_rejects(rejected)
    if not loaded and work.corrects is None:
        raise nothing_loaded(rejected)
    collect_warnings(connection, work.number)
    counts = {"read": read, "loaded": loaded, "rejected": rejected, "duplicate": duplicate}
    content = finish(counts)
    if content is None:
        raise LostLease("another loader has the publishing of this upload now, or the upload has ended")
    if not is_tiled or (byte_start, byte_end) != content:
        raise RecordCountsMismatch("the batches do not cover the file without gap or overlap")
    stored_rows = counted_rows + uncounted
    if (read, loaded, rejected) != (loaded + rejected + duplicate, stored_rows, stored_rejects):
        raise RecordCountsMismatch(
            f"{read} records were read, {stored_rows} rows and {stored_rejects} rejected records are stored"
        )
    return _Reconciled(counts, counted_rows)
