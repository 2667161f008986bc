"""What a loader must know about an upload and a batch that it has claimed, and how it gets them."""

import json
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from shared.catalog.dataset import Dataset, FileColumns
from shared.catalog.registry import Registry
from shared.catalog.schemas.table_schema import TableSchema
from shared.catalog.table import Table
from shared.catalog.write_mode import WriteMode
from shared.csv.dialect import Dialect
from shared.csv.file_warnings import FileWarning, merged
from shared.database import leases, state_machine
from shared.database.collections import collection_of
from shared.database.declarations import declared
from shared.database.loader_connection import LoaderConnection
from shared.database.models.collections import Collection
from shared.database.partitions import STAGED, create_leaf, shared_leaf, staging_table, upload_leaf
from shared.database.record_ids import end_of, is_large
from shared.errors import DatasetGone, LostLease, NothingLoaded, Permanent, TooManyRejects, UploadEnded
from shared.ingest.intake.reject_budget import Budget
from shared.ingest.rejects_columns import REJECT_COLUMNS, SHEET_COLUMNS

LOADER: Final = socket.gethostname()

_COLUMNS: Final = (
    "number, tenant, dataset, declaration, mode, plan, applied_at IS NOT NULL, compared_version, first_id, corrects,"
    " (SELECT first_id FROM uploads AS corrected WHERE corrected.number = uploads.corrects), dialect::text, header,"
    " columns::text, table_schema::text, storage_key, trace_id, on_error, max_rejects, max_rejects_percent"
)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an upload's rows go: `copy_to` is the table that COPY writes to, `first_id` begins their range of ids.

    `leaf`: the partition that will have them; the same, unless only those that change something go there. `is_new`: the
    table of a large upload, and this loader has created it.
    """

    table: Table
    collection: Collection
    copy_to: str
    first_id: int
    leaf: str
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """An upload, as far as loading needs it."""

    id: UUID
    number: int
    tenant: str
    dataset: Dataset
    dialect: Dialect
    header: tuple[str, ...]
    # None for uploads of earlier versions
    columns: FileColumns | None
    schema: TableSchema
    storage_key: str
    trace_id: str
    budget: Budget
    destination: Destination
    mode: WriteMode
    # It stops before it is published. `compared_version`: the version that a plan was compared with: an earlier one, or
    # the one that is applied now.
    is_plan: bool = False
    compared_version: int | None = None
    # number of the upload whose rejected records this one corrects; None if it is not a correction
    corrects: int | None = None

    @property
    def is_large(self) -> bool:
        """Whether its rows go into a leaf of its own."""
        return self.corrects is None and is_large(self.destination.first_id)

    @property
    def target_number(self) -> int:
        """Number of the upload that its rows belong to."""
        return self.number if self.corrects is None else self.corrects

    @property
    def file_columns(self) -> FileColumns:
        """Which columns of the file feed its dataset."""
        ours = {*REJECT_COLUMNS, *SHEET_COLUMNS}
        return self.columns or self.dataset.columns_of([name for name in self.header if name not in ours])

    @property
    def applied_dataset(self) -> Dataset:
        """The dataset as this file has it; raises `InvalidSchema` if the dataset has changed since."""
        return self.schema.applied(self.dataset, self.file_columns)


@dataclass(frozen=True, slots=True)
class ClaimedBatch:
    """A batch that is ours until its lease ends or another loader raises its epoch.

    `checksum` is None for batches of earlier versions, which computed none. `header`: see `Batch`.
    """

    number: int
    byte_start: int
    byte_end: int
    first_line: int
    begins_in_line: bool
    checksum: bytes | None
    header: tuple[str, ...] | None
    epoch: int
    attempts: int


_SPENT: Final = """
SELECT coalesce(sum(rejected_records), 0)::bigint, coalesce(sum(line_feeds), 0)::bigint + 1
FROM batches WHERE upload_number = %(upload)s
"""

_INTAKE_WARNINGS: Final = "SELECT intake_warnings::text FROM uploads WHERE number = %(upload)s"
_BATCH_WARNINGS: Final = """
SELECT warnings::text FROM batches WHERE upload_number = %(upload)s AND warnings <> '[]' ORDER BY number
"""
_STORE_WARNINGS: Final = "UPDATE uploads SET warnings = %(warnings)s::jsonb WHERE number = %(upload)s"

_SET_COLLECTION: Final = """
UPDATE uploads SET collection = %(collection)s
WHERE number = %(upload)s AND collection IS DISTINCT FROM %(collection)s
"""

_COUNT_TAKEOVER: Final = "UPDATE uploads SET attempts = attempts + 1 WHERE number = %(upload)s"

_RECORD_EVENT: Final = """
INSERT INTO upload_events (upload_number, event, reason) VALUES (%(upload)s, %(event)s, %(reason)s)
"""


def begin(connection: LoaderConnection, upload_id: UUID, registry: Registry) -> Work | None:
    """Join the loading of this upload of one of the datasets; None if there is nothing left to load.

    An upload whose dataset is gone fails.
    """
    with connection.transaction():
        row = state_machine.begin(connection, upload_id, _COLUMNS)
        if row is None:
            return None
        number, tenant, name, declaration, mode, is_plan, is_applied, compared, first_id, corrects, *rest = row
        corrected_id, *rest = rest
        dataset = declared(connection, declaration) if declaration is not None else registry.find(name)
        if dataset is None:
            state_machine.fail(connection, number, DatasetGone.code, f"the dataset {name} no longer exists")
            return None
        table = dataset.table
        collection = collection_of(connection, table, tenant, name)
        connection.execute(_SET_COLLECTION, upload=number, collection=collection.number)
        dialect, header, columns, schema, storage_key, trace_id, *budget = rest
        return Work(
            id=upload_id,
            number=number,
            tenant=tenant,
            dataset=dataset,
            dialect=Dialect.from_json(json.loads(dialect)),
            header=tuple(header),
            columns=None if columns is None else FileColumns(**json.loads(columns)),
            schema=TableSchema.from_json(json.loads(schema)),
            storage_key=storage_key,
            trace_id=trace_id,
            budget=Budget(*budget),
            destination=_destination(connection, table, collection, number, first_id, corrected_id, WriteMode(mode)),
            mode=WriteMode(mode),
            is_plan=is_plan and not is_applied,
            compared_version=compared,
            corrects=corrects,
        )


def _destination(
    connection: LoaderConnection,
    table: Table,
    collection: Collection,
    number: int,
    first_id: int,
    corrected_id: int | None,
    mode: WriteMode,
) -> Destination:
    if corrected_id is not None:  # the rows go where those of the corrected upload are
        return Destination(table, collection, collection.branch, corrected_id, collection.branch)
    if not is_large(first_id):
        leaf = shared_leaf(table.name, collection.number)
        return Destination(table, collection, leaf if mode is not WriteMode.UPSERT else STAGED, first_id, leaf)
    leaf = upload_leaf(table.name, number)
    copy_to = leaf if mode is not WriteMode.UPSERT else staging_table(table.name, number)
    is_new = connection.execute("SELECT to_regclass(%(name)s)::text", name=copy_to)[0][0] is None
    if is_new:
        connection.execute(create_leaf(table, collection, copy_to, first_id, end_of(first_id)))
    return Destination(table, collection, copy_to, first_id, leaf, is_new)


def claim_batch(
    connection: LoaderConnection, work: Work, lease_seconds: float, max_attempts: int
) -> ClaimedBatch | None:
    """The first free batch; None if there is none."""
    with connection.transaction():
        row = leases.claim_batch(connection, work.number, f"{LOADER}:{os.getpid()}", lease_seconds, max_attempts)
    if row is None:
        return None
    number, byte_start, byte_end, first_line, begins_in_line, checksum, header, epoch, attempts = row
    batch = ClaimedBatch(
        number=number,
        byte_start=byte_start,
        byte_end=byte_end,
        first_line=first_line,
        begins_in_line=begins_in_line,
        checksum=None if checksum is None else bytes(checksum),
        header=None if header is None else tuple(header),
        epoch=epoch,
        attempts=attempts,
    )
    if batch.attempts > 1:
        with connection.transaction():  # a transaction of its own, because of the lock order
            connection.execute(_COUNT_TAKEOVER, upload=work.number)
            record_event(connection, work.number, "batch_taken_over", f"batch {batch.number}, attempt {batch.attempts}")
    return batch


def hold_upload(connection: LoaderConnection, work: Work) -> None:
    """Lock the upload's row, before that of its batch, in a transaction that changes both; raises `UploadEnded`."""
    if not state_machine.hold_loading(connection, work.number):
        raise UploadEnded("the upload has ended")


def finish_batch(
    connection: LoaderConnection,
    work: Work,
    batch: ClaimedBatch,
    counts: dict[str, int],
    warnings: Sequence[FileWarning],
) -> None:
    """Mark the batch done in the transaction that holds its rows; raises `LostLease` if it is no longer ours.

    `counts`: `read`, `loaded`, `rejected` and `duplicate`.
    """
    stored = json.dumps([warning.to_json() for warning in warnings])
    if not state_machine.finish_batch(connection, work.number, batch.number, batch.epoch, counts, stored):
        raise LostLease("another loader has this batch now")


def record_event(connection: LoaderConnection, number: int, event: str, reason: str) -> None:
    """Add an event to the upload's history, inside a transaction."""
    connection.execute(_RECORD_EVENT, upload=number, event=event, reason=reason)


def fail(connection: LoaderConnection, work: Work, error: Permanent) -> None:
    """End the upload as failed, inside a transaction; nothing happens if it has already ended."""
    collect_warnings(connection, work.number)
    state_machine.fail(connection, work.number, error.code, error.message)


def collect_warnings(connection: LoaderConnection, number: int) -> None:
    """Write the upload's warnings, once it ends: those of its intake and of its batches, each kind once."""
    rows = connection.execute(_INTAKE_WARNINGS, upload=number) + connection.execute(_BATCH_WARNINGS, upload=number)
    found = [FileWarning.from_json(stored) for row in rows for stored in json.loads(row[0])]
    if found:
        stored = json.dumps([warning.to_json() for warning in merged(found)])
        connection.execute(_STORE_WARNINGS, upload=number, warnings=stored)


def enforce_budget(connection: LoaderConnection, work: Work) -> None:
    """Fail the upload, inside the transaction of a batch, once it has more rejects than its budget can ever allow."""
    if work.budget.allowed(0) is None:
        return
    # There are at least as many lines as records, so a percentage of the lines is never exceeded too early; completing
    # the upload checks it exactly.
    rejected, lines = connection.execute(_SPENT, upload=work.number)[0]
    if work.budget.is_exceeded(rejected, lines):
        fail(connection, work, too_many_rejects(rejected))


def too_many_rejects(rejected: int) -> TooManyRejects:
    """The error of an upload that exceeds its budget."""
    return TooManyRejects(f"{rejected} records were rejected, which is more than the upload's budget allows")


def nothing_loaded(rejected: int) -> NothingLoaded:
    """The error of an upload without a valid record."""
    if not rejected:
        return NothingLoaded("the file holds no records: all of its rows are blank")
    return NothingLoaded(f"none of the {rejected} records could be loaded; the rejects say why")
