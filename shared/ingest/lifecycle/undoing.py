"""Undo: the collection becomes what it would be without the upload, in one transaction.

its rows             are gone, wherever they are: among those that readers see, or superseded
what it superseded   is visible again, except what later uploads have set (`shared.ingest.versions` has the rule)
"""

import uuid
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Engine, Row, delete, select, text

from shared.catalog.registry import Registry
from shared.catalog.table import Table
from shared.catalog.write_mode import WriteMode
from shared.database import state_machine
from shared.database.collections import collection_by_number
from shared.database.declarations import table_of
from shared.database.engine import PlainSql
from shared.database.models import Change, Collection, Reject, Upload, UploadKind
from shared.database.partitions import merged_leaf, upload_leaf, withdrawn_leaf
from shared.database.record_ids import end_of, is_large
from shared.database.row_tables import history_name
from shared.database.state_machine import UploadState
from shared.database.superseded_rows import superseded_branch, withdraw_leaf
from shared.errors import StateConflict, Unavailable
from shared.failpoints import reach
from shared.ingest.lifecycle.actions import drop_lock_timeouts, persistently
from shared.ingest.publishing.duplicates import forget_duplicates
from shared.ingest.versions import replacing, totals, upserting
from shared.ingest.versions.branch_locks import end_exports, hold_branch
from shared.ingest.versions.collection_versions import next_version
from shared.ingest.versions.leaves import leaves_of
from shared.ingest.versions.row_changes import Counts, is_listed
from shared.ingest.versions.touched import touch, touch_replaced
from shared.shots import keeping as shots

log = structlog.get_logger()

# No merge can put the leaf away while the collection is locked.
_EXISTS: Final = "SELECT to_regclass(%(table)s) IS NOT NULL"

_OF_UPLOAD: Final = (
    *(Upload.first_id, Upload.mode, Upload.kind, Upload.version, Upload.superseded_by, Upload.collection),
    select(Collection.pruned_version)
    .where(Collection.number == Upload.collection)
    .scalar_subquery()
    .label("pruned_version"),
    *(Upload.new_records, Upload.changed_records, Upload.unchanged_records, Upload.removed_records),
)

# Merged leaves of replaced uploads that have no upload any more: nothing would bring them back.
_EMPTY_MERGES: Final = f"""
DELETE FROM merges
WHERE collection = %(collection)s AND superseded_by IS NOT NULL AND low <= %(first_id)s AND high > %(first_id)s
  AND NOT EXISTS (
      SELECT FROM uploads
      WHERE uploads.collection = merges.collection AND {state_machine.HAS_LARGE_RANGE}
        AND first_id >= low AND first_id < high)
RETURNING number
"""

_RECORD_EVENT: Final = """
INSERT INTO upload_events (upload_number, event, reason) VALUES (%(number)s, %(event)s, %(reason)s)
"""


def undo(
    engine: Engine, registry: Registry, upload_id: uuid.UUID, tenant: str, because: tuple[str, str] | None = None
) -> None:
    """Take a completed upload back, all at once; raises `NotFound`, `StateConflict` and `Unavailable`.

    `because`: an event of the upload's history, and its reason, if no client has asked for it.
    """
    timeouts = drop_lock_timeouts()
    while not persistently(lambda: _undo(engine, registry, upload_id, tenant, next(timeouts), because)):
        log.info("undo_repeated", upload_id=str(upload_id))


def _undo(
    engine: Engine,
    registry: Registry,
    upload_id: uuid.UUID,
    tenant: str,
    lock_timeout: str,
    because: tuple[str, str] | None,
) -> bool:
    """False if it is to be repeated: the upload has changed before its collection was held."""
    with engine.begin() as connection:
        plain = PlainSql(connection)
        connection.execute(text(f"SET LOCAL lock_timeout = '{lock_timeout}'"))
        looked = _look(connection, upload_id, tenant)
        version = _hold_collection(connection, registry, looked, lock_timeout)
        number = state_machine.undo(plain, upload_id, tenant)
        if number is None or _look(connection, upload_id, tenant, UploadState.UNDONE) != looked:
            connection.rollback()
            return number is None
        _undo_corrections(connection, number)
        connection.execute(delete(Reject).where(Reject.upload_number == number))
        forget_duplicates(plain, number)
        _take_back(connection, registry, number, version)
        if because is not None:
            plain.execute(_RECORD_EVENT, number=number, event=because[0], reason=because[1])
        reach("undo.removed")
    log.info("upload_undone", upload_id=str(upload_id))
    reach("undo.committed")
    return True


def _look(
    connection: Connection, upload_id: uuid.UUID, tenant: str, state: UploadState = UploadState.COMPLETED
) -> Row[*tuple[Any, ...]] | None:
    """What decides which locks the undo needs; None if the upload is not in this state."""
    wanted = select(Upload.number, Upload.mode, Upload.superseded_by, Upload.collection, Upload.first_id)
    is_it = Upload.id == upload_id, Upload.tenant == tenant, Upload.state == state
    found: Row[*tuple[Any, ...]] | None = connection.execute(wanted.where(*is_it)).one_or_none()
    return found


def _hold_collection(
    connection: Connection, registry: Registry, row: Row[*tuple[Any, ...]] | None, lock_timeout: str
) -> int:
    """Lock the collection, before it the branch if leaves will come back; return the version that the undo makes."""
    if row is None:
        return 0  # the state machine says why not
    plain = PlainSql(connection)
    collection = collection_by_number(plain, row.collection)
    if row.mode == WriteMode.REPLACE and row.superseded_by is None:
        table = _table(plain, registry, collection.table_name)
        if is_large(row.first_id) or leaves_of(plain, table.name, collection.number, superseded_by=row.number):
            hold_branch(plain, table, collection)
            connection.execute(text(f"SET LOCAL lock_timeout = '{lock_timeout}'"))
    return next_version(plain, collection, row.number, Change.UNDONE)


def _table(plain: PlainSql, registry: Registry, name: str) -> Table:
    table = table_of(plain, registry, name)
    if table is None:
        raise Unavailable(f"this version of the service does not know the table {name}")
    return table


def _undo_corrections(connection: Connection, number: int) -> None:
    """Undo the corrections of an upload whose row is locked: their rows belong to it.

    Raises `StateConflict` if the upload is itself a correction.
    """
    if connection.scalar(select(Upload.corrects).where(Upload.number == number)) is not None:
        raise StateConflict("the upload is a correction; undo the upload that it corrects", {"allowed": []})
    for correction in state_machine.undo_corrections(PlainSql(connection), number):
        connection.execute(delete(Reject).where(Reject.upload_number == correction))


def _take_back(connection: Connection, registry: Registry, number: int, version: int) -> None:
    """Remove the rows of an upload, whose row and collection are locked, and bring back what it has superseded."""
    upload = connection.execute(select(*_OF_UPLOAD).where(Upload.number == number)).one()
    mode, own_version, successor = upload.mode, upload.version, upload.superseded_by
    plain = PlainSql(connection)
    collection = collection_by_number(plain, upload.collection)
    table = _table(plain, registry, collection.table_name)
    if mode != WriteMode.APPEND and own_version <= upload.pruned_version:
        raise StateConflict("what the upload has replaced is no longer kept, so it cannot be undone", {"allowed": []})
    if successor is None:
        totals.subtract_upload_from_collection(plain, number, collection.number)
    else:
        _require_counted(connection, successor)
        totals.forget(plain, number)
    counts = Counts.of(*upload[-4:])
    is_manual = upload.kind == UploadKind.MANUAL
    touches = None if is_listed(table, mode, counts) and not is_manual else version
    if touches is not None and mode == WriteMode.REPLACE:
        touch_replaced(plain, collection, version, number)
    if is_manual:
        upserting.follow_changed(plain, collection, number)
        superseded = f"SELECT * FROM {history_name(table.name)} WHERE superseded_by = {number}"
        touch(plain, table, collection, version, superseded)
        for row_id, *_ in plain.execute(f"SELECT id FROM ({superseded}) AS superseded"):
            shots.follow(connection, collection.number, upload.first_id, end_of(upload.first_id), row_id)
    _remove_rows(plain, table, collection, number, upload.first_id, touches, is_superseded=successor is not None)
    if mode == WriteMode.REPLACE:
        replacing.take_back(plain, table, collection, number, successor, own_version, version)
    elif mode == WriteMode.UPSERT and successor is not None:
        upserting.pass_on(plain, table, collection, number, successor, own_version)
    elif mode == WriteMode.UPSERT:
        upserting.take_back(plain, table, collection, number, own_version, version)


def _require_counted(connection: Connection, successor: int) -> None:
    """Raise `Unavailable` while the changes of the upload that has replaced this one are being counted."""
    if connection.scalar(select(Upload.new_records).where(Upload.number == successor)) is None:
        raise Unavailable("the changes of the upload that replaced this one are still being counted")


def _remove_rows(
    plain: PlainSql,
    table: Table,
    collection: Collection,
    number: int,
    first_id: int,
    touches: int | None,
    *,
    is_superseded: bool,
) -> None:
    """Remove the rows of an upload, wherever they are. `touches`: the version that is to know them; None if none is."""
    branch = superseded_branch(table.name, collection.branch) if is_superseded else collection.branch
    leaf = upload_leaf(table.name, number)
    if is_large(first_id) and plain.execute(_EXISTS, table=leaf)[0][0]:
        end_exports(plain, branch)
        for statement in withdraw_leaf(
            collection, leaf, withdrawn_leaf(table.name, number), is_superseded=is_superseded
        ):
            plain.execute(statement)
    else:  # others have rows in the same leaf: small uploads, or those that a merge has put together
        _delete_rows(plain, table, collection, branch, first_id, touches)
    _delete_rows(plain, table, collection, history_name(table.name), first_id, touches)
    if is_superseded:
        for (merge,) in plain.execute(_EMPTY_MERGES, collection=collection.number, first_id=first_id):
            plain.execute(f"DROP TABLE {merged_leaf(table.name, merge)}")


def _delete_rows(
    plain: PlainSql, table: Table, collection: Collection, of: str, first_id: int, touches: int | None
) -> None:
    ids = {"number": collection.number, "first": first_id, "end": end_of(first_id)}
    deleting = f"DELETE FROM {of} WHERE collection = %(number)s AND id >= %(first)s AND id < %(end)s"
    if touches is None:
        plain.execute(deleting, **ids)
    else:
        returned = ", ".join(("id", *table.key))
        touch(plain, table, collection, touches, f"{deleting} RETURNING {returned}", **ids)
