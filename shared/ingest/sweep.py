"""Repairs what was interrupted: runs wherever an API or a worker runs, one at a time in the whole system.

rings again    for uploads that wait and on which nobody works: a lost message, a dead loader, a broker that was down
fails          uploads whose batch, or whose publication, ended in a crash too often
removes        tables of uploads that ended without being published, and files that belong to no upload
"""

import threading
import time
import uuid
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final

import structlog
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from shared.errors import IngestError, Unavailable
from shared.failpoints import reach
from shared.ingest.control import drop_table
from shared.ingest.housekeeping import keep_house
from shared.messaging import LOAD_QUEUE
from shared.settings import Settings
from shared.storage.local import LocalStorage

log = structlog.get_logger()

# Rings for an upload and its `use_celery`; False if the bell did not sound.
Ring = Callable[[uuid.UUID, bool], bool]

# Arbitrary, and no other lock's key. It is a transaction's lock: session locks leak through poolers.
_LOCK: Final = text("SELECT pg_try_advisory_xact_lock(7305511)")
_HOUSEKEEPING_INTERVAL_SECONDS: Final = 300
# Redis can be asked how many messages wait, so that ringing again soon fills no queue.
_RING_CELERY_AGAIN_SECONDS: Final = 5

_FAIL_EXHAUSTED: Final = text("""
UPDATE uploads AS upload
SET state = 'failed', phase = 'done', finished_at = clock_timestamp(), epoch = upload.epoch + 1, lease_until = NULL,
    error_code = 'attempts_exhausted', error_message = poison.message
FROM (
    SELECT DISTINCT ON (upload_number) upload_number, format(
        'loading stopped %s times in batch %s: bytes %s to %s, from line %s on',
        attempts, number, byte_start, byte_end, first_line) AS message
    FROM batches
    WHERE state = 'pending' AND attempts >= :max_attempts AND coalesce(lease_until, '-infinity') < clock_timestamp()
    UNION ALL
    SELECT number, format('publishing stopped %s times', publish_attempts)
    FROM uploads
    WHERE state = 'loading' AND publish_attempts >= :max_attempts
      AND coalesce(lease_until, '-infinity') < clock_timestamp()
) AS poison
WHERE upload.number = poison.upload_number AND upload.state = 'loading'
RETURNING upload.number
""")

# Loaders of its other batches may be alive.
_REVOKE_BATCHES: Final = text("""
UPDATE batches SET epoch = epoch + 1, lease_until = NULL WHERE upload_number = ANY(:numbers)
""")

_RING_AGAIN: Final = text("""
UPDATE uploads AS upload
SET rung_at = clock_timestamp()
WHERE state IN ('queued', 'loading') AND use_celery = ANY(:kinds)
  -- a queue that nobody empties must not fill up with the same bells again
  AND (NOT use_celery OR :messages < (
      SELECT count(*) FROM uploads AS active WHERE active.state IN ('queued', 'loading') AND active.use_celery))
  AND coalesce(rung_at, '-infinity') < clock_timestamp()
      - make_interval(secs => CASE WHEN use_celery THEN :celery_seconds ELSE :lease_seconds END)
  AND coalesce(lease_until, '-infinity') < clock_timestamp()
  AND NOT EXISTS (
      SELECT FROM batches
      WHERE upload_number = upload.number AND state = 'pending' AND lease_until >= clock_timestamp())
RETURNING id, use_celery
""")

_DEAD_TABLES: Final = text("""
SELECT upload.number
FROM uploads AS upload JOIN pg_class ON relname = 'movies_u' || upload.number AND relkind = 'r'
WHERE upload.state IN ('failed', 'cancelled', 'undone') AND NOT relispartition
""")


def sweep(engine: Engine, settings: Settings, ring: Ring, kinds: Collection[bool], messages: int = 0) -> None:
    """One round; `kinds` are the values of `use_celery` that `ring` can ring for, `messages` wait in the queue already.

    Raises SQLAlchemy's errors.
    """
    with engine.begin() as connection:
        if not connection.scalar(_LOCK):
            return
        failed = connection.execute(_FAIL_EXHAUSTED, {"max_attempts": settings.max_attempts}).scalars().all()
        if failed:
            connection.execute(_REVOKE_BATCHES, {"numbers": list(failed)})
        waiting = _waiting(connection, settings, kinds, messages)
        dead = connection.execute(_DEAD_TABLES).scalars().all()
    for number in failed:
        log.error("upload_failed", number=number, code="attempts_exhausted")
    silent: set[bool] = set()
    for upload_id, use_celery in waiting:
        if use_celery in silent:  # a bell that hangs is not tried for each of them; the next rounds do it
            continue
        reach("sweep.selected")
        log.info("rung_again", upload_id=str(upload_id))
        if not ring(upload_id, use_celery):
            silent.add(use_celery)
        reach("sweep.rung")
    for number in dead:
        with suppress(Unavailable):  # in use; the next round tries again
            drop_table(engine, number)
            log.info("table_removed", number=number)


def messages_waiting(broker: Redis) -> int:
    """How many bells nobody has answered yet; 0 if the broker cannot be asked."""
    try:
        return int(broker.llen(LOAD_QUEUE))
    except RedisError:
        return 0


class Sweeper:
    """Sweeps every `sweep_interval_seconds` in a thread; a round that fails is logged, and the next one tries again."""

    def __init__(
        self,
        engine: Engine,
        storage: LocalStorage,
        settings: Settings,
        ring: Ring,
        kinds: Collection[bool] = (True, False),
    ) -> None:
        self._engine = engine
        self._storage = storage
        self._settings = settings
        self._ring = ring
        self._kinds = list(kinds)
        self._broker = Redis.from_url(settings.redis_url, socket_timeout=2, socket_connect_timeout=2)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweep", daemon=True)

    def start(self) -> None:
        """Begin to sweep."""
        self._thread.start()

    def stop(self) -> None:
        """End after the round that is running."""
        self._stopping.set()
        self._thread.join(timeout=10)
        self._broker.close()

    def _run(self) -> None:
        kept_house_at = time.monotonic()
        while not self._stopping.wait(self._settings.sweep_interval_seconds):
            try:
                sweep(self._engine, self._settings, self._ring, self._kinds, messages_waiting(self._broker))
                if time.monotonic() - kept_house_at > _HOUSEKEEPING_INTERVAL_SECONDS:
                    kept_house_at = time.monotonic()
                    keep_house(self._engine, self._storage, self._settings)
            except (SQLAlchemyError, IngestError, OSError) as error:
                log.warning("sweep_failed", error=type(error).__name__)


def _waiting(
    connection: Connection, settings: Settings, kinds: Collection[bool], messages: int
) -> list[tuple[uuid.UUID, bool]]:
    parameters = {
        "lease_seconds": settings.lease_seconds,
        "celery_seconds": min(_RING_CELERY_AGAIN_SECONDS, settings.lease_seconds),
        "kinds": list(kinds),
        "messages": messages,
    }
    return [(row.id, row.use_celery) for row in connection.execute(_RING_AGAIN, parameters)]
