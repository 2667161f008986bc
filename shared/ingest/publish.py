"""Makes a loaded upload visible, all of it in one transaction, after proving that nothing is missing.

A small upload's rows are in the shared partition already, uncommitted, when its only batch ends: it is published by the
transaction that loads it. A large one gets its indexes, several side by side, and is attached as a partition.
"""

from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any

import pyarrow as pa
import structlog

from shared.database.loading import LoadingConnection, LoadingPool
from shared.database.partitions import INDEXED_COLUMNS, allow_autovacuum, create_indexes, first_id
from shared.errors import AccountMismatch, LostLease, StoredFileDamaged, Transient
from shared.failpoints import reach
from shared.ingest.validate import count_by_year_and_language
from shared.ingest.work import Work, record_event, too_many_rejects
from shared.settings import Settings
from shared.storage.local import LocalStorage

log = structlog.get_logger()

# Sorting a million index entries in memory takes some 60 MB; builders run side by side.
_INDEX_MEMORY = "256MB"

_CLAIM = """
UPDATE uploads
SET epoch = epoch + 1, publish_attempts = publish_attempts + 1, phase = 'indexing',
    lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s)
WHERE number = %(upload)s AND state = 'loading' AND publish_attempts < %(max_attempts)s
  AND (lease_until IS NULL OR lease_until < clock_timestamp())
  AND NOT EXISTS (SELECT FROM batches WHERE upload_number = %(upload)s AND state = 'pending')
RETURNING epoch, publish_attempts
"""

_RENEW = """
UPDATE uploads SET lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s)
WHERE number = %(upload)s AND epoch = %(epoch)s AND state = 'loading'
RETURNING number
"""

_RELEASE = """
UPDATE uploads SET lease_until = NULL, publish_attempts = publish_attempts - %(refunded)s
WHERE number = %(upload)s AND epoch = %(epoch)s AND state = 'loading'
"""

_COUNT_MOVIES = """
INSERT INTO upload_totals (upload_number, release_year, original_language, movies)
SELECT {number}, coalesce(release_year, 0), coalesce(original_language, ''), count(*) FROM {table} GROUP BY 2, 3
ON CONFLICT (upload_number, release_year, original_language) DO UPDATE SET movies = excluded.movies
"""

# Not by COPY: the table has policies.
_STORE_TOTALS = """
INSERT INTO upload_totals (upload_number, release_year, original_language, movies)
SELECT %(upload)s, year, language, movies
FROM unnest(%(years)s::smallint[], %(languages)s::text[], %(movies)s::bigint[]) AS counted (year, language, movies)
"""

# In the order of the key, so that two publications can never wait for each other.
_ADD_TO_TOTALS = """
INSERT INTO movie_totals AS total (tenant, release_year, original_language, movies)
SELECT %(tenant)s, release_year, original_language, movies FROM upload_totals WHERE upload_number = %(upload)s
ORDER BY 2, 3
ON CONFLICT (tenant, release_year, original_language) DO UPDATE SET movies = total.movies + excluded.movies
"""

_ACCOUNT = """
SELECT coalesce(bool_and(state = 'done' AND byte_start = expected_byte AND first_line = expected_line), false),
       coalesce(min(byte_start), 0), coalesce(max(byte_end), 0),
       coalesce(sum(read_records), 0)::bigint, coalesce(sum(loaded_records), 0)::bigint,
       coalesce(sum(rejected_records), 0)::bigint, coalesce(sum(duplicate_records), 0)::bigint,
       (SELECT coalesce(sum(movies), 0)::bigint FROM upload_totals WHERE upload_number = %(upload)s),
       (SELECT count(*) FROM rejects WHERE upload_number = %(upload)s AND position = 0)
FROM (
    SELECT *,
           lag(byte_end, 1, byte_start) OVER ordered AS expected_byte,
           lag(first_line + line_feeds, 1, first_line) OVER ordered AS expected_line
    FROM batches WHERE upload_number = %(upload)s
    WINDOW ordered AS (ORDER BY number)
) AS tiled
"""

_COMPLETE = """
UPDATE uploads
SET state = 'completed', phase = 'done', finished_at = clock_timestamp(), lease_until = NULL,
    read_records = %(read)s, loaded_records = %(loaded)s, rejected_records = %(rejected)s,
    duplicate_records = %(duplicate)s
WHERE number = %(upload)s AND state = 'loading' AND epoch = coalesce(%(epoch)s, epoch)
RETURNING header_bytes, content_bytes
"""


def publish_small(connection: LoadingConnection, work: Work, movies: pa.Table) -> None:
    """Inside the transaction that loads the upload's only batch."""
    connection.execute(_STORE_TOTALS, upload=work.number, **counted(movies))
    complete(connection, work, epoch=None)


def counted(movies: pa.Table) -> dict[str, list[Any]]:
    """How many movies there are: lists `years`, `languages` and `movies`, equally long."""
    counts = count_by_year_and_language(movies)
    years, languages = [year for year, _ in counts], [language for _, language in counts]
    return {"years": years, "languages": languages, "movies": list(counts.values())}


def publish_large(pool: LoadingPool, storage: LocalStorage, settings: Settings, work: Work) -> bool:
    """Build the indexes, prove the account, attach the table; False if somebody else does or batches are left."""
    with pool.connection() as connection:
        epoch = _claim(connection, settings, work)
        if epoch is None:
            return False
        try:
            reach("publish.claimed")
            _build(pool, storage, settings, work, partial(_renew, connection, settings, work, epoch))
            reach("publish.built")
            with connection.transaction():
                _attach(connection, work)
                reach("publish.attached")
                complete(connection, work, epoch)
                reach("publish.completed")
        except Exception as error:
            # What another try may cure is no attempt; anything else must come to an end.
            refunded = int(isinstance(error, Transient))
            pool.insist(lambda again: _release(again, work, epoch, refunded))
            raise
    reach("publish.committed")
    return True


def _claim(connection: LoadingConnection, settings: Settings, work: Work) -> int | None:
    with connection.transaction():
        rows = connection.execute(
            _CLAIM, upload=work.number, lease_seconds=settings.lease_seconds, max_attempts=settings.max_attempts
        )
        if not rows:
            return None
        epoch, attempt = rows[0]
        record_event(connection, work.number, "publishing", f"attempt {attempt}")
        return int(epoch)


def _release(connection: LoadingConnection, work: Work, epoch: int, refunded: int) -> None:
    with connection.transaction():
        connection.execute(_RELEASE, upload=work.number, epoch=epoch, refunded=refunded)


def _renew(connection: LoadingConnection, settings: Settings, work: Work, epoch: int) -> None:
    with connection.transaction():
        if not connection.execute(_RENEW, upload=work.number, epoch=epoch, lease_seconds=settings.lease_seconds):
            raise LostLease("another loader publishes this upload now")


def verify_content(storage: LocalStorage, work: Work) -> None:
    """Raise `StoredFileDamaged` unless the stored bytes are those that came in."""
    if storage.sha256(work.storage_key) != work.content_sha256:
        raise StoredFileDamaged("the stored file is not what was received: its SHA-256 has changed")


def _build(pool: LoadingPool, storage: LocalStorage, settings: Settings, work: Work, renew: Callable[[], None]) -> None:
    """Indexes, totals, statistics and the file's hash; each is a transaction of its own and may be repeated."""
    statements = [  # the longest first, so that the builders end at about the same time
        *create_indexes(work.table),
        f"CREATE UNIQUE INDEX IF NOT EXISTS {work.table}_pkey ON {work.table} (id)",
        _COUNT_MOVIES.format(number=work.number, table=work.table),
        f"ANALYZE {work.table} ({', '.join(INDEXED_COLUMNS)})",
    ]
    with ThreadPoolExecutor(settings.index_builders, thread_name_prefix="index") as executor:
        running: set[Future[None]] = {executor.submit(_run, pool, statement) for statement in statements}
        running.add(executor.submit(verify_content, storage, work))
        try:
            while running:
                done, running = wait(running, settings.lease_seconds / 3, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
                renew()
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise


def _run(pool: LoadingPool, statement: str) -> None:
    with pool.connection() as connection, connection.transaction():
        connection.execute(f"SET LOCAL maintenance_work_mem = '{_INDEX_MEMORY}'")
        connection.execute(statement)


def _attach(connection: LoadingConnection, work: Work) -> None:
    low, high = first_id(work.number), first_id(work.number + 1)
    connection.execute(
        f"ALTER TABLE {work.table} ADD CONSTRAINT {work.table}_pkey PRIMARY KEY USING INDEX {work.table}_pkey"
    )
    connection.execute(allow_autovacuum(work.table))
    connection.execute(f"ALTER TABLE movies ATTACH PARTITION {work.table} FOR VALUES FROM ({low}) TO ({high})")


def complete(connection: LoadingConnection, work: Work, epoch: int | None, counted_elsewhere: int = 0) -> None:
    """Prove the account and end the upload; raises `AccountMismatch`, or `LostLease` if it is not ours now.

    `counted_elsewhere`: how many of its movies stand in the totals of another upload.
    """
    account = connection.execute(_ACCOUNT, upload=work.number)[0]
    tiled, byte_start, byte_end, read, loaded, rejected, duplicate, counted_movies, counted_rejects = account
    counted_movies += counted_elsewhere
    connection.execute(_ADD_TO_TOTALS, upload=work.number, tenant=work.tenant)
    if work.budget.is_exceeded(rejected, read):
        raise too_many_rejects(rejected)
    counts = {"read": read, "loaded": loaded, "rejected": rejected, "duplicate": duplicate}
    rows = connection.execute(_COMPLETE, upload=work.number, epoch=epoch, **counts)
    if not rows:
        raise LostLease("the upload is not ours to publish any more")
    header_bytes, content_bytes = rows[0]
    if not tiled or byte_start != header_bytes or byte_end != content_bytes:
        raise AccountMismatch("the batches do not cover the file without gap or overlap")
    if (read, loaded, rejected) != (loaded + rejected + duplicate, counted_movies, counted_rejects):
        raise AccountMismatch(
            f"{read} records were read, {counted_movies} movies and {counted_rejects} rejected records are stored"
        )
    log.info("upload_completed", read=read, loaded=loaded, rejected=rejected)
