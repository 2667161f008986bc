"""How a batch gets into the database: rows, rejects and state in one transaction, by one of three strategies.

    SmallUploadCommit    the upload's only batch: its transaction publishes the upload as well
    LargeUploadCommit    one of many batches of a table that is not visible yet
    CorrectionCommit     the only batch of a correction: its rows go into the corrected upload

The fence comes last. So the transaction holds the lock of the batch's row for the shortest time, and a loader that was
paused in its COPY finds out there that the batch belongs to another loader now. A correction locks the corrected upload
first, because that decides which of its records the upload still lacks.
"""

from typing import Protocol

from shared.catalog.dataset import Dataset
from shared.csv.reading.records import Records
from shared.database.loader_connection import LoaderConnection
from shared.database.partitions import REJECTS_PARTITION
from shared.errors import Permanent
from shared.failpoints import reach
from shared.ingest.corrections.correction_loading import (
    hold_corrected,
    keep_rejected,
    publish_corrected,
    validate_corrected,
)
from shared.ingest.loading.measures import record_batch
from shared.ingest.publishing.duplicates import first_of_each_key, list_duplicates
from shared.ingest.publishing.publication import begin_version, persistently
from shared.ingest.publishing.small_upload import copy_rows, publish_small
from shared.ingest.validation.validate import Validated, validate
from shared.ingest.work import (
    ClaimedBatch,
    Work,
    enforce_budget,
    fail,
    finish_batch,
    hold_upload,
    nothing_loaded,
    too_many_rejects,
)
from shared.observability.metrics import UPLOADS_COMPLETED, UPLOADS_FAILED, record
from shared.observability.steps import batch_step


class Commit(Protocol):
    """Loads the records of a batch."""

    def load(self, connection: LoaderConnection, batch: ClaimedBatch, records: Records) -> Validated:
        """Validate the records, then commit them; raises `LostLease`, and errors of validation and database."""


def commit_of(work: Work) -> Commit:
    """The strategy for an upload; raises `InvalidSchema` if its dataset has changed since."""
    dataset = work.applied_dataset
    if work.corrects is not None:
        return CorrectionCommit(work, dataset)
    return LargeUploadCommit(work, dataset) if work.is_large else SmallUploadCommit(work, dataset)


class SmallUploadCommit:
    """One transaction loads and publishes the upload, or fails it if too few of its records are valid."""

    def __init__(self, work: Work, dataset: Dataset) -> None:
        self._work = work
        self._dataset = dataset

    def load(self, connection: LoaderConnection, batch: ClaimedBatch, records: Records) -> Validated:
        """See `Commit`."""
        work, validated = self._work, _validate(self._work, self._dataset, records)
        rows, duplicates = first_of_each_key(work.destination.table, validated.rows, work.destination.first_id)
        error = _why_failed(work, validated)

        def commit() -> None:
            with connection.transaction():
                if error is None:
                    copy_rows(connection, work, rows)
                    list_duplicates(connection, work.number, duplicates)
                _copy_rejects(connection, validated)
                version = 0 if error is not None else begin_version(connection, work)
                hold_upload(connection, work)
                _fence(connection, work, batch, validated, len(duplicates["lines"]))
                if error is not None:
                    fail(connection, work, error)
                else:
                    publish_small(connection, work, rows, version)
                reach("batch.fenced")

        with batch_step("copy"):
            persistently(commit)
        record_batch(validated, 0 if error is not None else rows.num_rows)
        if error is None:
            record(UPLOADS_COMPLETED)
        else:
            record(UPLOADS_FAILED, 1, error.code)
        return validated


class LargeUploadCommit:
    """The rows go into the upload's own table; `publishing.large_upload` makes it visible."""

    def __init__(self, work: Work, dataset: Dataset) -> None:
        self._work = work
        self._dataset = dataset

    def load(self, connection: LoaderConnection, batch: ClaimedBatch, records: Records) -> Validated:
        """See `Commit`."""
        work, validated = self._work, _validate(self._work, self._dataset, records)
        may_exceed_budget = validated.rejected and work.budget.allowed(0) is not None
        with batch_step("copy"), connection.transaction():
            connection.copy(work.destination.copy_to, validated.rows)
            _copy_rejects(connection, validated)
            if may_exceed_budget:
                hold_upload(connection, work)
            _fence(connection, work, batch, validated)
            if may_exceed_budget:
                enforce_budget(connection, work)
            reach("batch.fenced")
        record_batch(validated, validated.rows.num_rows)
        return validated


class CorrectionCommit:
    """The rows become rows of the corrected upload, whose record counts and totals change in the same transaction."""

    def __init__(self, work: Work, dataset: Dataset) -> None:
        self._work = work
        self._dataset = dataset

    def load(self, connection: LoaderConnection, batch: ClaimedBatch, records: Records) -> Validated:
        """See `Commit`; raises `CorrectedUploadEnded` as well."""
        work = self._work
        with batch_step("validate"):
            corrected = validate_corrected(records, work, self._dataset)
        reach("batch.prepared")
        with batch_step("copy"), connection.transaction():
            version = hold_corrected(connection, work)
            corrected = keep_rejected(connection, work, corrected)
            connection.copy(work.destination.copy_to, corrected.rows)
            _copy_rejects(connection, corrected)
            hold_upload(connection, work)
            _fence(connection, work, batch, corrected)
            publish_corrected(connection, work, corrected, version)
            reach("batch.fenced")
        record_batch(corrected, corrected.rows.num_rows)
        record(UPLOADS_COMPLETED)
        return corrected


def _validate(work: Work, dataset: Dataset, records: Records) -> Validated:
    with batch_step("validate"):
        validated = validate(records, dataset, work.file_columns, work.destination, work.number)
    reach("batch.prepared")
    return validated


def _copy_rejects(connection: LoaderConnection, validated: Validated) -> None:
    connection.copy(REJECTS_PARTITION, validated.rejects)
    reach("batch.copied")


def _why_failed(work: Work, validated: Validated) -> Permanent | None:
    if work.budget.is_exceeded(validated.rejected, validated.read):
        return too_many_rejects(validated.rejected)
    return None if validated.rows.num_rows else nothing_loaded(validated.rejected)


def _fence(
    connection: LoaderConnection, work: Work, batch: ClaimedBatch, validated: Validated, duplicates: int = 0
) -> None:
    loaded = int(validated.rows.num_rows) - duplicates
    counts = {"read": validated.read, "loaded": loaded, "rejected": validated.rejected, "duplicate": duplicates}
    finish_batch(connection, work, batch, counts, validated.warnings)
