"""Repairs what was interrupted. The sweep runs in every API and every worker, in one of them at a time.

notifies again   about uploads that wait and have no loader: a lost message, a dead loader, a broker outage
fails            uploads whose batch, or whose publishing, crashed too many loaders
counts           what uploads have replaced, if their loader died before it did
cancels          plans that nobody has applied in time
removes          tables of uploads that ended without being published, or were undone; also what `retention`,
                 `pruning`, `row_retention` and `record_retention` say
"""

import time
import uuid
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final

import structlog
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Connection, Engine, text

from shared.catalog.registry import Registry
from shared.database import leases, state_machine
from shared.database.engine import PlainSql, plain_transaction
from shared.database.state_machine import ACTIVE_STATES, ENDED_UNSEEN_STATES, BatchState, sql_list
from shared.errors import Unavailable
from shared.failpoints import reach
from shared.ingest.lifecycle.actions import drop_table
from shared.ingest.lifecycle.plans import expire_plans
from shared.ingest.lifecycle.pruning import prune
from shared.ingest.lifecycle.record_retention import forget_ended
from shared.ingest.lifecycle.retention import apply_retention
from shared.ingest.lifecycle.row_retention import undo_expired
from shared.ingest.lifecycle.withdrawn import drop_withdrawn
from shared.ingest.versions.replaced import count_replaced, uncounted
from shared.messaging import LOAD_QUEUE, Transport
from shared.observability.metrics import UPLOADS_FAILED, record
from shared.settings import Settings
from shared.storage.protocol import Storage

log = structlog.get_logger()

# Notifies a loader about an upload; False if the notification could not be sent.
Notify = Callable[[uuid.UUID, Transport], bool]

# An arbitrary number that no other lock uses. The lock belongs to a transaction, because session locks leak through
# connection poolers.
_LOCK: Final = text("SELECT pg_try_advisory_xact_lock(7305511)")
_RETENTION_INTERVAL_SECONDS: Final = 300
# A short interval cannot fill the queue, because Redis knows how many messages are waiting.
_NOTIFY_CELERY_AGAIN_SECONDS: Final = 5

_ACTIVE: Final = f"state IN ({sql_list(ACTIVE_STATES)})"

_NOTIFY_AGAIN: Final = text(f"""
UPDATE uploads AS upload
SET notified_at = clock_timestamp()
WHERE {_ACTIVE} AND transport = ANY(:transports)
  AND NOT EXISTS (SELECT FROM tenant_settings AS paused WHERE paused.tenant = upload.tenant AND is_paused)
  -- a queue without a consumer must not fill up with the same notifications
  AND (transport <> '{Transport.CELERY}' OR :messages < (
      SELECT count(*) FROM uploads AS active WHERE active.{_ACTIVE} AND active.transport = '{Transport.CELERY}'))
  AND coalesce(notified_at, '-infinity') < clock_timestamp()
      - make_interval(secs => CASE transport WHEN '{Transport.CELERY}' THEN :celery_seconds ELSE :lease_seconds END)
  AND coalesce(lease_until, '-infinity') < clock_timestamp()
  AND NOT EXISTS (
      SELECT FROM batches
      WHERE upload_number = upload.number AND state = '{BatchState.PENDING}' AND lease_until >= clock_timestamp())
RETURNING id, transport
""")

_DEAD_TABLES: Final = text(f"""
SELECT DISTINCT upload.number
FROM uploads AS upload JOIN pg_class
    ON relname IN (table_name || '_u' || upload.number, table_name || '_w' || upload.number) AND relkind = 'r'
WHERE upload.state IN ({sql_list(ENDED_UNSEEN_STATES)}) AND NOT relispartition
""")


def sweep(
    engine: Engine, settings: Settings, notify: Notify, transports: Collection[Transport], messages: int = 0
) -> None:
    """One round. `transports`: those that `notify` can use; `messages`: how many are already waiting in the queue.

    Raises errors of SQLAlchemy.
    """
    with engine.begin() as connection:
        if not connection.scalar(_LOCK):
            return
        failed = _fail_exhausted(connection, settings)
        waiting = _waiting(connection, settings, transports, messages)
        dead = connection.execute(_DEAD_TABLES).scalars().all()
    for number in failed:
        record(UPLOADS_FAILED, 1, "attempts_exhausted")
        log.error("upload_failed", number=number, code="attempts_exhausted")
    _notify_again(waiting, notify)
    for number in dead:
        with suppress(Unavailable):  # in use; the next round tries again
            drop_table(engine, number)
            log.info("table_removed", number=number)


def count_what_is_left(engine: Engine, registry: Registry, lease_seconds: float) -> None:
    """Count the changes of uploads that have replaced others and whose loader has not; raises errors of SQLAlchemy."""
    with engine.connect() as connection:
        numbers = uncounted(PlainSql(connection), lease_seconds)
    for number in numbers:
        with plain_transaction(engine) as connection:
            count_replaced(connection, registry, number)
        log.info("changes_counted", number=number)


def messages_waiting(broker: Redis) -> int:
    """How many notifications no worker has taken yet; 0 if the broker does not answer."""
    try:
        return int(broker.llen(LOAD_QUEUE))
    except RedisError:
        return 0


class Sweeping:
    """What a process needs to sweep; it remembers when it last looked at what is to be forgotten."""

    def __init__(
        self,
        engine: Engine,
        registry: Registry,
        storage: Storage,
        settings: Settings,
        notify: Notify,
        transports: Collection[Transport],
    ) -> None:
        self._engine = engine
        self._registry = registry
        self._storage = storage
        self._settings = settings
        self._notify = notify
        self._transports = transports
        self._broker = Redis.from_url(settings.redis_url, socket_timeout=2, socket_connect_timeout=2)
        self._retained_at = time.monotonic()

    def close(self) -> None:
        """Close what it holds beside the engine."""
        self._broker.close()

    def sweep_all(self) -> None:
        """One round of everything; raises errors of SQLAlchemy, `IngestError` and errors of the storage."""
        waiting = messages_waiting(self._broker)
        sweep(self._engine, self._settings, self._notify, self._transports, waiting)
        count_what_is_left(self._engine, self._registry, self._settings.lease_seconds)
        drop_withdrawn(self._engine, self._registry)
        expire_plans(self._engine, self._settings.plan_hours)
        if time.monotonic() - self._retained_at > _RETENTION_INTERVAL_SECONDS:
            self._retained_at = time.monotonic()
            apply_retention(self._engine, self._storage, self._settings)
            prune(self._engine, self._settings.superseded_days)
            undo_expired(self._engine, self._registry)
            forget_ended(self._engine)


def _fail_exhausted(connection: Connection, settings: Settings) -> list[int]:
    """Numbers of the uploads that fail now."""
    exhausted = leases.exhausted(PlainSql(connection), settings.max_attempts)
    return [
        number
        for number, message in exhausted
        if state_machine.fail(PlainSql(connection), number, "attempts_exhausted", message)
    ]


def _waiting(
    connection: Connection, settings: Settings, transports: Collection[Transport], messages: int
) -> list[tuple[uuid.UUID, Transport]]:
    parameters = {
        "lease_seconds": settings.lease_seconds,
        "celery_seconds": min(_NOTIFY_CELERY_AGAIN_SECONDS, settings.lease_seconds),
        "transports": list(transports),
        "messages": messages,
    }
    return [(row.id, Transport(row.transport)) for row in connection.execute(_NOTIFY_AGAIN, parameters)]


def _notify_again(waiting: Collection[tuple[uuid.UUID, Transport]], notify: Notify) -> None:
    silent: set[Transport] = set()
    for upload_id, transport in waiting:
        if transport in silent:  # a transport that hangs is not tried for each upload; the next rounds try it again
            continue
        reach("sweep.selected")
        log.info("notified_again", upload_id=str(upload_id))
        if not notify(upload_id, transport):
            silent.add(transport)
        reach("sweep.notified")
