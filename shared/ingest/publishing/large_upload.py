"""Publishes a large upload: builds the indexes of its leaf, several at a time, and attaches it.

Each step before the last transaction can be repeated. The last transaction attaches the leaf, reconciles the record
counts and completes the upload: readers see all of it or nothing.
"""

from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Final

from shared.database import leases
from shared.database.loader_connection import LoaderConnection, LoaderPool, RepeatedKeys
from shared.database.partitions import analyze, create_id_index, create_indexes, create_key_index, show_leaf
from shared.database.record_ids import end_of
from shared.errors import LostLease, Transient
from shared.failpoints import reach
from shared.ingest.publishing import totals
from shared.ingest.publishing.completion import complete
from shared.ingest.publishing.duplicates import remove_duplicates
from shared.ingest.work import Destination, Work, record_event
from shared.settings import Settings

# Sorting a million index entries in memory takes some 60 MB, and several builders run at the same time.
_INDEX_MEMORY: Final = "256MB"


def publish_large(pool: LoaderPool, settings: Settings, work: Work) -> bool:
    """Build the indexes, attach the leaf, complete the upload.

    Returns False if another loader is publishing, or if batches are left.
    """
    with pool.connection() as connection:
        epoch = _claim(connection, settings, work)
        if epoch is None:
            return False
        try:
            reach("publish.claimed")
            renew = partial(_renew, connection, settings, work, epoch)
            try:
                _build(pool, settings, work, renew)
            except RepeatedKeys:
                renew()
                remove_duplicates(connection, work)
                reach("publish.deduplicated")
                _build(pool, settings, work, renew)
            reach("publish.built")
            with connection.transaction():
                _attach(connection, work.destination)
                reach("publish.attached")
                complete(connection, work, epoch)
                reach("publish.completed")
        except Exception as error:
            # What another attempt may cure does not count; anything else must come to an end.
            is_attempt = not isinstance(error, Transient)
            pool.insist(lambda again: _release(again, work, epoch, counts_as_attempt=is_attempt))
            raise
    reach("publish.committed")
    return True


def _claim(connection: LoaderConnection, settings: Settings, work: Work) -> int | None:
    with connection.transaction():
        claimed = leases.claim_publishing(connection, work.number, settings.lease_seconds, settings.max_attempts)
        if claimed is None:
            return None
        epoch, attempt = claimed
        record_event(connection, work.number, "publishing", f"attempt {attempt}")
        return epoch


def _release(connection: LoaderConnection, work: Work, epoch: int, *, counts_as_attempt: bool) -> None:
    with connection.transaction():
        leases.release_publishing(connection, work.number, epoch, counts_as_attempt=counts_as_attempt)


def _renew(connection: LoaderConnection, settings: Settings, work: Work, epoch: int) -> None:
    with connection.transaction():
        if not leases.renew_publishing(connection, work.number, epoch, settings.lease_seconds):
            raise LostLease("another loader publishes this upload now")


def _build(pool: LoaderPool, settings: Settings, work: Work, renew: Callable[[], None]) -> None:
    """Build indexes, totals and statistics; each has a transaction of its own and can be repeated."""
    table, leaf = work.destination.table, work.destination.copy_to
    statements = [  # the longest first, so that all builders end at about the same time
        *create_key_index(table, leaf, is_unique=True),
        *create_indexes(table, leaf),
        create_id_index(leaf),
        totals.count_leaf(table, work.number, leaf),
        analyze(table, leaf),
    ]
    with ThreadPoolExecutor(settings.index_builders, thread_name_prefix="index") as executor:
        running: set[Future[None]] = {executor.submit(_run, pool, statement) for statement in statements}
        try:
            while running:
                done, running = wait(running, settings.lease_seconds / 3, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
                renew()
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise


def _run(pool: LoaderPool, statement: str) -> None:
    with pool.connection() as connection, connection.transaction():
        connection.execute(f"SET LOCAL maintenance_work_mem = '{_INDEX_MEMORY}'")
        connection.execute(statement)


def _attach(connection: LoaderConnection, destination: Destination) -> None:
    leaf, first_id = destination.copy_to, destination.first_id
    for statement in show_leaf(destination.collection, leaf, first_id, end_of(first_id)):
        connection.execute(statement)
