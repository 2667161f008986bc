"""Loads one upload: claims its batches one by one, and publishes it when none is left.

Any number of loaders, in any number of processes and on any number of machines, may call `Loader.load` for the same
upload at the same time. Loaders are processes and not threads: two threads share one interpreter lock, and took a tenth
longer.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Final
from uuid import UUID

import structlog

from shared.catalog.registry import Registry
from shared.catalog.write_mode import WriteMode
from shared.csv.reading.read import read_batch
from shared.csv.reading.records import Records
from shared.csv.split import checksum_of
from shared.database import leases
from shared.database.loader_connection import LoaderConnection, LoaderPool
from shared.errors import LostLease, Permanent, StoredFileCorrupt, Transient, UploadEnded
from shared.failpoints import reach
from shared.ingest.loading.commits import Commit, commit_of
from shared.ingest.loading.scheduling import next_upload
from shared.ingest.publishing.large_upload import publish_large
from shared.ingest.versions.replaced import count_replaced
from shared.ingest.work import ClaimedBatch, Work, begin, claim_batch, fail, record_event
from shared.observability import spans
from shared.observability.metrics import (
    BATCH_SECONDS,
    BYTES_LOADED,
    FENCE_REFUSALS,
    INTERRUPTIONS,
    TAKEOVERS,
    UPLOADS_FAILED,
    record,
)
from shared.observability.steps import batch_step
from shared.settings import Settings
from shared.storage.protocol import Storage

log = structlog.get_logger()

# Most batches take a second, and one that consists of rejects takes minutes. A loader that takes longer than this is
# considered hung.
_LONGEST_BATCH_SECONDS: Final = 600


class Loader:
    """One for each process; it keeps its database connections open between uploads.

    `call_others` is called with a large upload that no other loader works on yet. It is best effort: correctness does
    not depend on it.
    """

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        storage: Storage,
        call_others: Callable[[UUID], None] = lambda _upload_id: None,
    ) -> None:
        self.settings = settings
        self.registry = registry
        self._call_others = call_others
        self.storage = storage
        self.pool = LoaderPool(settings)

    def answer(self, notified_id: UUID, should_stop: Callable[[], bool]) -> bool:
        """Answer a notification: load the upload that fair scheduling chooses, perhaps another than `notified_id`.

        Returns True if the notification must be sent again: there is more to do, or another upload was served instead.
        """
        try:
            with self.pool.connection() as connection:
                upload_id = next_upload(connection, notified_id, self.settings.max_attempts)
        except Transient as error:
            _log_interruption(error, upload_id=str(notified_id))
            return False
        if upload_id is None:
            return False
        try:
            return self._try(upload_id, should_stop) or upload_id != notified_id
        except Transient:  # at once it would fail again, and again: the sweep sends the notification later
            return False
        except Exception:
            log.exception("load_crashed", upload_id=str(upload_id))
            raise

    def load(self, upload_id: UUID, should_stop: Callable[[], bool]) -> bool:
        """Work on the upload until nothing is left, `should_stop()` says so, or other loaders have the rest.

        Returns True if it stopped early and should be called again. It raises no error that the sweep or another
        attempt can repair.
        """
        try:
            return self._try(upload_id, should_stop)
        except Transient:
            return False

    def close(self) -> None:
        """Close idle connections."""
        self.pool.close()

    def _try(self, upload_id: UUID, should_stop: Callable[[], bool]) -> bool:
        """As `load`, but raises the other errors of `Transient`, which it logs."""
        with structlog.contextvars.bound_contextvars(upload_id=str(upload_id)):
            try:
                return self._load(upload_id, should_stop)
            except UploadEnded as error:
                log.info("upload_ended", reason=error.message)
            except LostLease as error:
                record(FENCE_REFUSALS)
                log.warning("fence_refused", reason=error.message)
            except Transient as error:
                _log_interruption(error)
                raise
            return False

    def _load(self, upload_id: UUID, should_stop: Callable[[], bool]) -> bool:
        with self.pool.connection() as connection:
            work = begin(connection, upload_id, self.registry)
        if work is None:
            return False
        reach("load.begun")
        if work.destination.is_new:
            self._call_others(upload_id)
        with structlog.contextvars.bound_contextvars(trace_id=work.trace_id), _traced(work):
            try:
                return self._load_all(work, should_stop)
            except Permanent as error:
                with self.pool.connection() as connection, connection.transaction():
                    fail(connection, work, error)
                record(UPLOADS_FAILED, 1, error.code)
                log.error("upload_failed", code=error.code, reason=error.message)
        return False

    def _load_all(self, work: Work, should_stop: Callable[[], bool]) -> bool:
        """As `load`, with the upload begun; raises `Permanent`."""
        self._load_batches(work, commit_of(work), should_stop)
        if should_stop():
            return True
        if work.is_large:  # a small upload is published by the transaction of its only batch
            with spans.span("publish"):
                publish_large(self.pool, self.settings, work)
        if work.mode is WriteMode.REPLACE and work.corrects is None:
            self._count_replaced(work)
        return False

    def _count_replaced(self, work: Work) -> None:
        """Count what the upload has changed, if it is published; what goes wrong here, the sweep does again."""
        with suppress(Transient), self.pool.connection() as connection, connection.transaction():
            count_replaced(connection, self.registry, work.number)
        reach("publish.counted")

    def _load_batches(self, work: Work, commit: Commit, should_stop: Callable[[], bool]) -> None:
        with self.pool.connection() as connection:
            while not should_stop():
                with spans.span("claim"):
                    batch = claim_batch(connection, work, self.settings.lease_seconds, self.settings.max_attempts)
                if batch is None:
                    return
                with spans.span("batch", batch=batch.number, attempt=batch.attempts):
                    self._load_batch(connection, work, batch, commit)

    def _load_batch(self, connection: LoaderConnection, work: Work, batch: ClaimedBatch, commit: Commit) -> None:
        reach("batch.claimed")
        started = time.perf_counter()
        if batch.attempts > 1:
            record(TAKEOVERS)
            log.warning("batch_taken_over", batch=batch.number, attempts=batch.attempts)
        try:
            with self._kept(work, batch):
                with batch_step("read"):
                    records = self._read(work, batch)
                loaded = commit.load(connection, batch, records)
        except UploadEnded:
            raise
        except LostLease as error:  # the new loader finishes this batch; this loader goes on with others
            record(FENCE_REFUSALS)
            log.warning("fence_refused", batch=batch.number, reason=error.message)
            with connection.transaction():
                record_event(connection, work.number, "fence_refused", f"batch {batch.number}, epoch {batch.epoch}")
            return
        except Exception as error:
            is_attempt = not isinstance(error, Transient)  # what another attempt may cure does not count
            self.pool.insist(lambda again: _give_back(again, work, batch, counts_as_attempt=is_attempt))
            raise
        reach("batch.committed")
        record(BATCH_SECONDS, time.perf_counter() - started)
        record(BYTES_LOADED, batch.byte_end - batch.byte_start)
        log.info("batch_loaded", batch=batch.number, read=loaded.read, rejected=loaded.rejected)

    def _kept(self, work: Work, batch: ClaimedBatch) -> AbstractContextManager[None]:
        """Keep the lease of the batch while the block runs."""
        lease_seconds = self.settings.lease_seconds

        def renew() -> None:
            with suppress(Transient), self.pool.connection() as connection, connection.transaction():
                leases.renew_batch(connection, work.number, batch.number, batch.epoch, lease_seconds)

        return leases.kept(lease_seconds, renew, longest_seconds=_LONGEST_BATCH_SECONDS)

    def _read(self, work: Work, batch: ClaimedBatch) -> Records:
        """The batch's records, with no transaction open; raises `StoredFileCorrupt`."""
        data = self.storage.read(work.storage_key, batch.byte_start, batch.byte_end)
        if batch.checksum is not None and checksum_of(data) != batch.checksum:
            raise StoredFileCorrupt(
                f"bytes {batch.byte_start} to {batch.byte_end} of the stored file are not what was stored"
            )
        start = 0
        if batch.begins_in_line:
            # The rest of a line that was too long for the batch before; that batch has its reject.
            start = data.find(b"\n") + 1 or len(data)
        first_line = batch.first_line + data.count(b"\n", 0, start)
        return read_batch(data[start:], first_line, work.dialect, work.header, batch.byte_start + start, batch.header)


def _give_back(connection: LoaderConnection, work: Work, batch: ClaimedBatch, *, counts_as_attempt: bool) -> None:
    with connection.transaction():
        leases.give_back_batch(connection, work.number, batch.number, batch.epoch, counts_as_attempt=counts_as_attempt)


def _traced(work: Work) -> AbstractContextManager[spans.Span | None]:
    """This loader's part of the upload's trace."""
    parent = spans.span_of_upload(work.id)
    return spans.trace("load", work.trace_id, parent, spans.Kind.CONSUMER, upload_id=str(work.id))


def _log_interruption(error: Transient, **names: str) -> None:
    record(INTERRUPTIONS, 1, error.code)
    log.warning("load_interrupted", code=error.code, reason=error.message, fields=error.fields, **names)
