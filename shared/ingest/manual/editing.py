"""Carries an edit out: the record is written as a file, and one transaction registers, loads and publishes the upload.

So a process that dies leaves either all of it or nothing but a stored file, which the sweep removes.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from shared.catalog.dataset import Dataset
from shared.catalog.hand_made import hand_made
from shared.catalog.registry import Registry
from shared.catalog.schemas.table_schema import TableSchema
from shared.catalog.table import Table
from shared.catalog.write_mode import WriteMode
from shared.csv.split import Span, checksum_of
from shared.database import state_machine
from shared.database.arrow_schemas import JSONB_VERSION
from shared.database.collections import collection_of
from shared.database.engine import PlainSql
from shared.database.models import Change, Collection, UploadKind
from shared.database.partitions import STAGED, create_staged, shared_leaf
from shared.database.row_tables import sql_type
from shared.database.sqlstates import is_transient, sqlstate_of
from shared.errors import PreconditionFailed, RecordExists, Unavailable
from shared.failpoints import reach
from shared.ingest.intake import idempotency
from shared.ingest.intake.file_intake import StagedFile
from shared.ingest.intake.registration import UploadOptions, register
from shared.ingest.lifecycle.actions import persistently
from shared.ingest.manual.edit import FIRST_LINE, Edit, Edited
from shared.ingest.manual.record import DIALECT, WrittenRecord, header_of, lines, write
from shared.ingest.publishing.completion import set_version
from shared.ingest.versions import row_changes, totals, upserting
from shared.ingest.versions.collection_versions import next_version
from shared.ingest.versions.row_changes import Counts
from shared.ingest.versions.touched import touch
from shared.messaging import Transport
from shared.shots import keeping as shots
from shared.storage.protocol import Storage, remove_object

log = structlog.get_logger()

# What people write has no file name of its own.
FILENAME: Final = "manual.csv"
_LOCK_TIMEOUT: Final = text("SET LOCAL lock_timeout = '1s'")
_SET_COLLECTION: Final = "UPDATE uploads SET collection = %(collection)s WHERE number = %(number)s"
_HOLD_TARGET: Final = "SELECT FROM {branch} WHERE collection = %(collection)s AND id = %(target)s"
_IS_KEY_TAKEN: Final = """
SELECT EXISTS (
    SELECT FROM {branch} AS present JOIN {staged} AS staged ON {same_key} WHERE present.collection = %(collection)s)
"""


class _Unchanged(Exception):
    """The record is what it was."""


@dataclass(frozen=True)
class Editor:
    """Carries edits out, as the owner of the tables."""

    engine: Engine
    registry: Registry
    storage: Storage

    def apply(self, edit: Edit) -> Edited:
        """Carry the edit out.

        Raises `InvalidRecord`, `RecordExists`, `PreconditionFailed` if its target is not visible any more,
        `Unavailable`, and what the storage raises.
        """
        dataset = hand_made(self.registry.get(edit.dataset), has_key=edit.has_key)
        record = None if edit.values is None else write(dataset, edit.values, edit.extra)
        staged = _store(self.storage, dataset, edit, record)
        reach("edit.stored")
        try:
            edited = _translated(partial(persistently, partial(_carry_out, self.engine, dataset, edit, staged, record)))
        except _Unchanged:
            remove_object(self.storage, staged.storage_key)
            return Edited(None, edit.target)
        except Unavailable:  # it may be committed; if it is not, the sweep removes the file
            raise
        except Exception:
            remove_object(self.storage, staged.storage_key)
            raise
        reach("edit.committed")
        log.info("record_edited", upload_id=str(edited.upload_id))
        return edited


def _store(storage: Storage, dataset: Dataset, edit: Edit, record: WrittenRecord | None) -> StagedFile:
    """The file of an upload: of one that removes a record, only its header."""
    if record is None:
        header, columns = header_of(dataset, edit.extra)
        content = lines([header])
        header_bytes = len(content)
    else:
        header, columns, content, header_bytes = record.header, record.columns, record.content, record.header_bytes
    key = storage.new_key()
    file = storage.create(key)
    try:
        file.write(content)
        file.commit()
    except BaseException:
        file.discard()
        raise
    return StagedFile(
        filename=FILENAME,
        dataset=dataset,
        dialect=DIALECT,
        header=header,
        columns=columns,
        table_schema=TableSchema(),
        warnings=[],
        storage_key=key,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content_bytes=len(content),
        header_bytes=header_bytes,
        spans=_spans(content, header_bytes),
        is_small=True,
    )


def _spans(content: bytes, header_bytes: int) -> list[Span]:
    record = content[header_bytes:]
    if not record:
        return []
    line_feeds = record.count(b"\n")
    return [
        Span(header_bytes, len(content), FIRST_LINE, line_feeds, begins_in_line=False, checksum=checksum_of(record))
    ]


def _carry_out(
    engine: Engine, dataset: Dataset, edit: Edit, staged: StagedFile, record: WrittenRecord | None
) -> Edited:
    with engine.begin() as connection:
        connection.execute(_LOCK_TIMEOUT)
        plain, table = PlainSql(connection), dataset.table
        options = UploadOptions(
            edit.tenant,
            Transport.BACKGROUND,
            edit.trace_id,
            forced=True,
            mode=WriteMode.UPSERT,
            kind=UploadKind.MANUAL,
        )
        upload_id = register(connection, staged, options).upload_id
        number, first_id = state_machine.begin(plain, upload_id, "number, first_id") or (0, 0)
        collection = collection_of(plain, table, edit.tenant, dataset.name)
        plain.execute(_SET_COLLECTION, collection=collection.number, number=number)
        version = next_version(plain, collection, number, Change.PUBLISHED)
        row_id = None if record is None else first_id + FIRST_LINE
        _stage(plain, table, collection, row_id, record)
        changes = _compare(plain, table, collection, edit.target, number, row_id)
        if row_id is not None and not edit.has_key:  # to those who follow, it is another record than its target
            touch(plain, table, collection, version, f"SELECT * FROM {STAGED}")
            if edit.target is not None:
                shots.follow(connection, collection.number, edit.target, edit.target + 1, row_id)
        leaf = shared_leaf(table.name, collection.number)
        upserting.upsert(plain, table, collection, number, STAGED, leaf, version)
        _complete(plain, collection, number, version, changes, records=0 if record is None else 1)
        if edit.reservation is not None:
            idempotency.complete(connection, edit.reservation, edit.fingerprint, upload_id)
        reach("edit.published")
    return Edited(upload_id, row_id)


def _compare(
    plain: PlainSql, table: Table, collection: Collection, target: int | None, number: int, row_id: int | None
) -> Counts:
    """Find out and list what the upload changes; the collection is held, and the record is in `STAGED`."""
    if target is None:
        same_key = " AND ".join(f"present.{name} = staged.{name}" for name in table.key)
        is_taken = _IS_KEY_TAKEN.format(branch=collection.branch, staged=STAGED, same_key=same_key)
        if plain.execute(is_taken, collection=collection.number)[0][0]:
            raise RecordExists("There is a record with this key; change it, or choose another key.")
        return row_changes.add_one(plain, table, number, STAGED)
    held = _HOLD_TARGET.format(branch=collection.branch)
    if not plain.execute(held, collection=collection.number, target=target):
        raise PreconditionFailed("The record has been changed or removed in the meantime; read it again.")
    if row_id is not None and not row_changes.differs_from(plain, table, collection, STAGED, target):
        raise _Unchanged
    return row_changes.change_one(plain, table, collection, number, target, row_id)


def _stage(
    plain: PlainSql, table: Table, collection: Collection, row_id: int | None, record: WrittenRecord | None
) -> None:
    """Write the record into a table of the transaction, where it is compared with the rows."""
    plain.execute(create_staged(table))
    if record is None:
        return
    [row] = record.row.to_pylist()
    row |= {"id": row_id, "tenant": collection.tenant, "collection": collection.number}
    row["extra"] = row["extra"] and row["extra"].removeprefix(JSONB_VERSION)
    values = ", ".join(f"%({name})s::{sql_type(table, name)}" for name in row)
    plain.execute(f"INSERT INTO {STAGED} ({', '.join(row)}) VALUES ({values})", **row)


def _complete(
    plain: PlainSql, collection: Collection, number: int, version: int, changes: Counts, records: int
) -> None:
    counts = {"read": records, "loaded": records, "rejected": 0, "duplicate": 0}
    if records:
        state_machine.finish_batch(plain, number, batch=0, epoch=0, counts=counts, warnings="[]")
    totals.add_upload_to_collection(plain, number, collection)
    state_machine.complete(plain, number, None, counts)
    set_version(plain, number, version, changes, records)


def _translated(action: Callable[[], Edited]) -> Edited:
    """Raises `Unavailable` for errors of the database that another attempt may cure."""
    try:
        return action()
    except DBAPIError as error:
        if not is_transient(sqlstate_of(error)):
            raise
        raise Unavailable("the database is not available", {"sqlstate": sqlstate_of(error)}) from error
