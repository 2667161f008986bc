"""Undo: the collection becomes what it would be without the upload, in one transaction.

its rows             are gone, wherever they are: among those that readers see, or superseded
what it superseded   is visible again, except what later uploads have set (`shared.ingest.versions` has the rule)
"""

import uuid
from typing import Final

import structlog
from sqlalchemy import Connection, Engine, delete, select, text

from shared.catalog.registry import Registry
from shared.catalog.table import Table
from shared.catalog.write_mode import WriteMode
from shared.database import state_machine
from shared.database.collections import collection_by_number
from shared.database.declarations import table_of
from shared.database.engine import PlainSql
from shared.database.models import Change, Collection, Reject, Upload
from shared.database.partitions import merged_leaf, upload_leaf
from shared.database.record_ids import end_of, is_large
from shared.database.row_tables import history_name
from shared.database.superseded_rows import superseded_branch
from shared.errors import StateConflict, Unavailable
from shared.failpoints import reach
from shared.ingest.lifecycle.actions import drop_lock_timeouts, persistently
from shared.ingest.publishing.duplicates import forget_duplicates
from shared.ingest.versions import replacing, totals, upserting
from shared.ingest.versions.branch_locks import end_exports, hold_branch
from shared.ingest.versions.collection_versions import next_version

log = structlog.get_logger()

# No merge can put the leaf away while the collection is locked.
_EXISTS: Final = text("SELECT to_regclass(:table) IS NOT NULL")

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


def undo(engine: Engine, registry: Registry, upload_id: uuid.UUID, tenant: str) -> None:
    """Take a completed upload back, all at once; raises `NotFound`, `StateConflict` and `Unavailable`."""
    timeouts = drop_lock_timeouts()
    persistently(lambda: _undo(engine, registry, upload_id, tenant, next(timeouts)))


def _undo(engine: Engine, registry: Registry, upload_id: uuid.UUID, tenant: str, lock_timeout: str) -> None:
    with engine.begin() as connection:
        plain = PlainSql(connection)
        connection.execute(text(f"SET LOCAL lock_timeout = '{lock_timeout}'"))
        version = _hold_collection(connection, registry, upload_id, tenant, lock_timeout)
        number = state_machine.undo(plain, upload_id, tenant)
        if number is None:
            connection.rollback()
            return
        _undo_corrections(connection, number)
        connection.execute(delete(Reject).where(Reject.upload_number == number))
        forget_duplicates(plain, number)
        _take_back(connection, registry, number, version)
        reach("undo.removed")
    log.info("upload_undone", upload_id=str(upload_id))
    reach("undo.committed")


def _hold_collection(
    connection: Connection, registry: Registry, upload_id: uuid.UUID, tenant: str, lock_timeout: str
) -> int:
    """Lock the collection, before it the branch if leaves will come back; return the version that the undo makes."""
    mine = Upload.id == upload_id, Upload.tenant == tenant
    found = select(Upload.number, Upload.mode, Upload.superseded_by, Upload.state, Upload.collection)
    row = connection.execute(found.where(*mine)).one_or_none()
    if row is None or row.state != state_machine.UploadState.COMPLETED:
        return 0  # the state machine says why not
    plain = PlainSql(connection)
    collection = collection_by_number(plain, row.collection)
    if row.mode == WriteMode.REPLACE and row.superseded_by is None:
        hold_branch(plain, _table(plain, registry, collection.table_name), collection)
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
    of_upload = Upload.first_id, Upload.mode, Upload.version, Upload.superseded_by, Upload.collection
    found = connection.execute(select(*of_upload).where(Upload.number == number)).one()
    first_id, mode, own_version, successor, number_of_collection = found
    assert own_version is not None  # its publishing has made it
    assert number_of_collection is not None
    plain = PlainSql(connection)
    collection = collection_by_number(plain, number_of_collection)
    if successor is None:
        totals.subtract_upload_from_collection(plain, number, collection.number)
    else:
        _require_counted(connection, successor)
        totals.forget(plain, number)
    _remove_rows(connection, collection, number, first_id, is_superseded=successor is not None)
    if mode == WriteMode.REPLACE:
        table = _table(plain, registry, collection.table_name)
        replacing.take_back(plain, table, collection, number, successor, own_version, version)
    elif mode == WriteMode.UPSERT and successor is not None:
        upserting.pass_on(plain, collection, number, successor)
    elif mode == WriteMode.UPSERT:
        table = _table(plain, registry, collection.table_name)
        upserting.take_back(plain, table, collection, number, own_version, version)


def _require_counted(connection: Connection, successor: int) -> None:
    """Raise `Unavailable` while the changes of the upload that has replaced this one are being counted."""
    if connection.scalar(select(Upload.new_records).where(Upload.number == successor)) is None:
        raise Unavailable("the changes of the upload that replaced this one are still being counted")


def _remove_rows(
    connection: Connection, collection: Collection, number: int, first_id: int, *, is_superseded: bool
) -> None:
    table, plain = collection.table_name, PlainSql(connection)
    branch = superseded_branch(table, collection.branch) if is_superseded else collection.branch
    leaf = upload_leaf(table, number)
    ids = {"collection": collection.number, "first": first_id, "end": end_of(first_id)}
    its_rows = "collection = %(collection)s AND id >= %(first)s AND id < %(end)s"
    if is_large(first_id) and connection.scalar(_EXISTS, {"table": leaf}):
        end_exports(plain, branch)
        plain.execute(f"DROP TABLE {leaf}")
    else:  # others have rows in the same leaf: small uploads, or those that a merge has put together
        plain.execute(f"DELETE FROM {branch} WHERE {its_rows}", **ids)
    plain.execute(f"DELETE FROM {history_name(table)} WHERE {its_rows}", **ids)
    if is_superseded:
        for (merge,) in plain.execute(_EMPTY_MERGES, collection=collection.number, first_id=first_id):
            plain.execute(f"DROP TABLE {merged_leaf(table, merge)}")
