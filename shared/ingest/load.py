"""Loads one upload: claims its batches one by one, and publishes it when none is left.

Any number of loaders, in any number of processes and machines, may call `Loader.load` for the same upload at the same
time. Processes and not threads: two threads shared one interpreter's lock, and took a tenth longer.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

import structlog

from shared.database.loading import LoadingConnection, LoadingPool
from shared.database.partitions import REJECTS_PARTITION
from shared.datasets import DATASETS
from shared.errors import LostLease, Permanent, Transient, UploadEnded
from shared.failpoints import reach
from shared.ingest.mended import Mended, keep_rejected, publish_mended, validate_mended
from shared.ingest.publish import publish_large, publish_small, verify_content
from shared.ingest.read import read_batch
from shared.ingest.turns import take_turn
from shared.ingest.validate import Validated, validate
from shared.ingest.work import (
    ClaimedBatch,
    Work,
    begin,
    claim_batch,
    enforce_budget,
    fail,
    finish_batch,
    give_back,
    hold_upload,
    record_event,
    renew,
    too_many_rejects,
)
from shared.settings import Settings
from shared.storage.local import LocalStorage

log = structlog.get_logger()

# Most batches take a second. One of nothing but rejects takes minutes; beyond this a loader is taken for hung.
_LONGEST_BATCH_SECONDS = 600


class Loader:
    """One per process; keeps its database connections open between uploads.

    `call_others` is told of a large upload that nobody else knows of yet; whether anybody comes is all the same.
    """

    def __init__(self, settings: Settings, call_others: Callable[[UUID], None] = lambda _upload_id: None) -> None:
        self.settings = settings
        self._call_others = call_others
        self.storage = LocalStorage(settings.upload_dir)
        self.pool = LoadingPool(settings)

    def answer(self, rung_id: UUID, should_stop: Callable[[], bool]) -> bool:
        """Answer a bell: load the upload whose turn it is, which may be another one's than `rung_id`.

        True if the bell is to be rung again: there is more to do, or the turn was another's.
        """
        try:
            with self.pool.connection() as connection:
                upload_id = take_turn(connection, rung_id, self.settings.max_attempts)
        except Transient as error:
            log.warning("load_interrupted", upload_id=str(rung_id), code=error.code, reason=error.message)
            return False
        if upload_id is None:
            return False
        try:
            return self.load(upload_id, should_stop) or upload_id != rung_id
        except Exception:
            log.exception("load_crashed", upload_id=str(upload_id))
            raise

    def load(self, upload_id: UUID, should_stop: Callable[[], bool]) -> bool:
        """Work on the upload until nothing is left, `should_stop()` says so, or others have the rest.

        True if it stopped early and is to be called again. Never raises what the sweep or another try can repair.
        """
        with structlog.contextvars.bound_contextvars(upload_id=str(upload_id)):
            try:
                return self._load(upload_id, should_stop)
            except UploadEnded as error:
                log.info("upload_ended", reason=error.message)
            except LostLease as error:
                log.warning("fence_refused", reason=error.message)
            except Transient as error:
                log.warning("load_interrupted", code=error.code, reason=error.message, **error.fields)
            return False

    def close(self) -> None:
        """Close idle connections."""
        self.pool.close()

    def _load(self, upload_id: UUID, should_stop: Callable[[], bool]) -> bool:
        with self.pool.connection() as connection:
            work = begin(connection, upload_id)
        if work is None:
            return False
        reach("load.begun")
        if work.is_new:
            self._call_others(upload_id)
        with structlog.contextvars.bound_contextvars(trace_id=work.trace_id):
            try:
                self._load_batches(work, should_stop)
                if should_stop():
                    return True
                if work.is_large:  # a small one is published by the transaction of its only batch
                    publish_large(self.pool, self.storage, self.settings, work)
            except Permanent as error:
                with self.pool.connection() as connection, connection.transaction():
                    fail(connection, work.number, error)
                log.error("upload_failed", code=error.code, reason=error.message)
        return False

    def _load_batches(self, work: Work, should_stop: Callable[[], bool]) -> None:
        with self.pool.connection() as connection:
            while not should_stop():
                batch = claim_batch(connection, work, self.settings.lease_seconds, self.settings.max_attempts)
                if batch is None:
                    return
                self._load_batch(connection, work, batch)

    def _load_batch(self, connection: LoadingConnection, work: Work, batch: ClaimedBatch) -> None:
        reach("batch.claimed")
        if batch.attempts > 1:
            log.warning("batch_taken_over", batch=batch.number, attempts=batch.attempts)
        try:
            with self._kept(work, batch):
                validated = self._prepare(work, batch)
                reach("batch.prepared")
                commit_batch(connection, work, batch, validated)
        except UploadEnded:
            raise
        except LostLease as error:  # its new owner finishes it; the lane goes on with others
            log.warning("fence_refused", batch=batch.number, reason=error.message)
            with connection.transaction():
                record_event(connection, work.number, "fence_refused", f"batch {batch.number}, epoch {batch.epoch}")
            return
        except Exception as error:
            is_attempt = not isinstance(error, Transient)  # what another try may cure is none
            self.pool.insist(lambda again: give_back(again, work, batch, counts_as_attempt=is_attempt))
            raise
        reach("batch.committed")
        log.info("batch_loaded", batch=batch.number, read=validated.read, rejected=validated.rejected)

    @contextmanager
    def _kept(self, work: Work, batch: ClaimedBatch) -> Iterator[None]:
        """Renew the batch's lease while it is worked on: slow is not dead, as long as it comes to an end."""
        is_over = threading.Event()
        interval = self.settings.lease_seconds / 3

        def keep() -> None:
            for _ in range(int(_LONGEST_BATCH_SECONDS / interval)):
                if is_over.wait(interval):
                    return
                with suppress(Transient), self.pool.connection() as connection:
                    renew(connection, work, batch, self.settings.lease_seconds)

        keeper = threading.Thread(target=keep, name="lease", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            is_over.set()
            keeper.join()

    def _prepare(self, work: Work, batch: ClaimedBatch) -> Validated:
        """Everything that needs no database, with no transaction open."""
        if not work.is_large:  # a large one is verified once, when it is published
            verify_content(self.storage, work)
        data = self.storage.read(work.storage_key, batch.byte_start, batch.byte_end)
        start = 0
        if self.storage.read(work.storage_key, batch.byte_start - 1, batch.byte_start) != b"\n":
            # The rest of a line too long for a batch: its reject came with the batch before.
            start = data.find(b"\n") + 1 or len(data)
        first_line = batch.first_line + data.count(b"\n", 0, start)
        records = read_batch(data[start:], first_line, work.dialect, work.header, batch.byte_start + start)
        if work.mends is not None:
            return validate_mended(records, work, work.mends)
        return validate(records, DATASETS[work.dataset], work.header, work.tenant, work.number)


def commit_batch(connection: LoadingConnection, work: Work, batch: ClaimedBatch, validated: Validated) -> None:
    """The batch's rows, its rejects and its state, in one transaction.

    The fence comes last: it takes the batch's row lock for the shortest time, and a loader that was paused in its COPY
    finds there that the batch is not its own any more. Mended records need the lock of the upload that they belong to
    from the beginning: it decides which of them it still wants.
    """
    with connection.transaction():
        if isinstance(validated, Mended):
            validated = keep_rejected(connection, work, validated)
        read, loaded, rejected = validated.read, int(validated.movies.num_rows), validated.rejected
        is_over_budget = not work.is_large and work.budget.is_exceeded(rejected, read)
        if not is_over_budget:
            connection.copy(work.table, validated.movies)
        connection.copy(REJECTS_PARTITION, validated.rejects)
        reach("batch.copied")
        if not work.is_large or (rejected and work.budget.allowed(0) is not None):
            hold_upload(connection, work)
        finish_batch(connection, work, batch, read, loaded, rejected)
        if is_over_budget:
            fail(connection, work.number, too_many_rejects(rejected))
        elif isinstance(validated, Mended):
            publish_mended(connection, work, validated)
        elif not work.is_large:
            publish_small(connection, work, validated.movies)
        elif rejected:
            enforce_budget(connection, work)
        reach("batch.fenced")
