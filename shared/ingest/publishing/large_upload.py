"""Publishes a large upload: builds the indexes of its leaf, several at a time, and attaches it.

Each step before the last transaction can be repeated. The last transaction does to the rows before it what the upload's
mode says, attaches the leaf, reconciles the record counts and completes the upload: readers see all of it or nothing.

The records of an upsert are compared with the rows that are there. If the collection has changed by the time of the
last transaction, they are compared once more within it. Only those that change something get into the leaf, and in the
last transaction: a reader whose snapshot is older must see none of them, because it still sees what they supersede.

An upload with a plan stops before the last transaction (`planning`). If its plan is applied, only that is left.
"""

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import Final

from shared.catalog.table import Table
from shared.catalog.write_mode import WriteMode
from shared.database import leases
from shared.database.loader_connection import LoaderConnection, LoaderPool, RepeatedKeys
from shared.database.partitions import (
    analyze,
    close_to_requests,
    create_id_index,
    create_indexes,
    create_key_index,
    create_leaf,
    show_leaf,
)
from shared.database.record_ids import end_of
from shared.errors import LostLease, PlanStale, Transient
from shared.failpoints import reach
from shared.ingest.publishing.completion import complete
from shared.ingest.publishing.duplicates import remove_duplicates
from shared.ingest.publishing.planning import plan, plan_again, planned_changes
from shared.ingest.publishing.publication import begin_version, persistently
from shared.ingest.versions import replacing, totals, upserting
from shared.ingest.versions.collection_versions import current_version
from shared.ingest.versions.row_changes import COMPARING_MEMORY, Counts
from shared.ingest.work import Destination, Work, record_event
from shared.observability.metrics import PUBLISH_SECONDS, UPLOADS_COMPLETED, record
from shared.settings import Settings

# What is sorted in so little memory stays in a core's cache: to sort a million entries at once, in some 60 MB, took a
# third more time than to sort them in parts and merge those. With 4 MB, PostgreSQL merges fifteen parts at a time; with
# the square root of the rows it merges once, however many there are.
_INDEX_MEMORY: Final = """
SELECT set_config('maintenance_work_mem', (4096 * greatest(sqrt(sum(loaded_records) / 1e6), 1))::int || 'kB', true)
FROM batches WHERE upload_number = %(upload)s
"""

# takes how many steps have ended, and of how many; None while that is not known
Show = Callable[[int, int | None], None]


def publish_large(pool: LoaderPool, settings: Settings, work: Work) -> bool:
    """Build the indexes, attach the leaf, complete the upload, or let it wait if it is a plan.

    Returns False if another loader is publishing, or if batches are left.
    """
    with pool.connection() as connection:
        epoch = _claim(connection, settings, work)
        if epoch is None:
            return False
        started = time.perf_counter()
        try:
            reach("publish.claimed")
            if work.compared_version is None:  # otherwise all is built, and has waited since
                _build_once(pool, settings, connection, work, partial(_show, connection, settings, work, epoch))
            reach("publish.built")
            with _kept(pool, settings, work, epoch):
                is_published = _finish(connection, work, epoch)
        except Exception as error:
            # What another attempt may cure does not count; anything else must come to an end.
            is_attempt = not isinstance(error, Transient)
            pool.insist(lambda again: _release(again, work, epoch, counts_as_attempt=is_attempt))
            raise
    reach("publish.committed")
    record(PUBLISH_SECONDS, time.perf_counter() - started)
    record(UPLOADS_COMPLETED, int(is_published))
    return True


def _build_once(pool: LoaderPool, settings: Settings, connection: LoaderConnection, work: Work, show: Show) -> None:
    """Build what `_build` builds, without the rows that repeat a key."""
    try:
        _build(pool, settings, work, show)
    except RepeatedKeys:
        show(0, None)
        remove_duplicates(connection, work)
        reach("publish.deduplicated")
        _build(pool, settings, work, show)


def _finish(connection: LoaderConnection, work: Work, epoch: int) -> bool:
    """False if it waits as a plan."""
    if work.is_plan:
        plan(connection, work, epoch)
        return False
    publish = _publish_upsert if work.mode is WriteMode.UPSERT else _publish_leaf
    try:
        publish(connection, work, epoch)
    except PlanStale:
        plan_again(connection, work, epoch)
        return False
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


def _show(
    connection: LoaderConnection, settings: Settings, work: Work, epoch: int, done: int, total: int | None
) -> None:
    """Say how many of the steps have ended, and keep the claim; raises `LostLease`."""
    with connection.transaction():
        if not leases.show_indexing(connection, work.number, epoch, settings.lease_seconds, done=done, total=total):
            raise LostLease("another loader publishes this upload now")


def _kept(pool: LoaderPool, settings: Settings, work: Work, epoch: int) -> AbstractContextManager[None]:
    """Keep the claim while the block runs: comparing takes longer than a lease."""

    def renew() -> None:
        with suppress(Transient), pool.connection() as connection, connection.transaction():
            leases.renew_publishing(connection, work.number, epoch, settings.lease_seconds)

    return leases.kept(settings.lease_seconds, renew)


def _publish_leaf(connection: LoaderConnection, work: Work, epoch: int) -> None:
    """Attach the leaf, in the place of all others if the upload replaces them."""

    def publish() -> None:
        with connection.transaction():
            version = begin_version(connection, work)
            changes = planned_changes(connection, work, version)
            if work.mode is WriteMode.REPLACE:
                destination = work.destination
                table, collection = destination.table, destination.collection
                replacing.replace_all(connection, table, collection, work.number, destination.first_id, version)
                reach("publish.superseded")
            if work.compared_version is not None:
                for statement in close_to_requests(work.destination.leaf):
                    connection.execute(statement)
            _attach(connection, work.destination)
            reach("publish.attached")
            complete(connection, work, epoch, version, changes)
            reach("publish.completed")

    persistently(publish)


def _publish_upsert(connection: LoaderConnection, work: Work, epoch: int) -> None:
    """Compare, then insert what changes something and supersede what it changes."""
    destination = work.destination
    table, collection, staged = destination.table, destination.collection, destination.copy_to

    def compared() -> Counts:
        [[records]] = connection.execute(f"SELECT count(*) FROM {staged}")
        return upserting.compare(connection, table, collection, work.number, staged, records)

    changes, before = None, work.compared_version
    if before is None:
        with connection.transaction():
            connection.execute(COMPARING_MEMORY)
            before = current_version(connection, collection)
            changes = compared()
        reach("publish.compared")
    with connection.transaction():
        version = begin_version(connection, work)
        if changes is None:
            changes = planned_changes(connection, work, version)
        elif version != before + 1:
            changes = compared()
        leaf, first_id = destination.leaf, destination.first_id
        connection.execute(create_leaf(table, collection, leaf, first_id, end_of(first_id)))
        upserting.upsert(connection, table, collection, work.number, staged, leaf, version)
        reach("publish.superseded")
        for statement in _indexes_of(table, leaf):
            connection.execute(statement)
        connection.execute(f"DROP TABLE {staged}")
        _attach(connection, destination)
        reach("publish.attached")
        complete(connection, work, epoch, version, changes)
        reach("publish.completed")


def _indexes_of(table: Table, leaf: str) -> list[str]:
    """SQL for the indexes of a leaf and its statistics: the longest first, so that all builders end together."""
    return [
        *create_key_index(table, leaf, is_unique=True),
        *create_indexes(table, leaf),
        create_id_index(leaf),
        analyze(table, leaf),
    ]


def _build(pool: LoaderPool, settings: Settings, work: Work, show: Show) -> None:
    """Build indexes, totals and statistics; each has a transaction of its own and can be repeated."""
    table, copied = work.destination.table, work.destination.copy_to
    if work.mode is WriteMode.UPSERT:  # most of its records may not become rows
        statements = [*create_key_index(table, copied, is_unique=True), analyze(table, copied)]
    else:
        statements = [*_indexes_of(table, copied), *totals.count_leaf(table, work.number, copied)]
    with ThreadPoolExecutor(settings.index_builders, thread_name_prefix="index") as executor:
        running: set[Future[None]] = {executor.submit(_run, pool, work, statement) for statement in statements}
        try:
            show(0, len(statements))
            while running:
                done, running = wait(running, settings.lease_seconds / 3, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                show(len(statements) - len(running), len(statements))
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise


def _run(pool: LoaderPool, work: Work, statement: str) -> None:
    with pool.connection() as connection, connection.transaction():
        connection.execute(_INDEX_MEMORY, upload=work.number)
        connection.execute(statement)


def _attach(connection: LoaderConnection, destination: Destination) -> None:
    leaf, first_id = destination.leaf, destination.first_id
    for statement in show_leaf(destination.collection, leaf, first_id, end_of(first_id)):
        connection.execute(statement)
