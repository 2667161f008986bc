"""Asks PostgreSQL, the broker and the disk when Prometheus reads, at most every few seconds."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import psutil
import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from shared.catalog.registry import Registry
from shared.database.engine import PlainSql, create_sync_engine
from shared.ingest.system_figures import SystemFigures, measure
from shared.messaging import LOAD_QUEUE
from shared.settings import Settings

log = structlog.get_logger()

# Several that read at the same time ask once.
_KEPT_SECONDS: Final = 5.0
_BROKER_SECONDS: Final = 2


class SystemCollector(Collector):
    """Gauges of what all processes share. A server that does not answer is a gauge of 0, and its figures are absent."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self._registry = registry
        # The directory within `data_dir` is there only when there are files; a bucket has no free bytes.
        self._directory = settings.upload_dir if settings.storage_url else settings.data_dir
        self._is_in_bucket = settings.is_in_bucket
        self._engine = create_sync_engine(settings, "ingest-metrics")
        self._broker = Redis.from_url(
            settings.redis_url, socket_timeout=_BROKER_SECONDS, socket_connect_timeout=_BROKER_SECONDS
        )
        self._lock = threading.Lock()
        self._kept: list[Metric] = []
        self._kept_until = 0.0

    def describe(self) -> list[Metric]:
        """Nothing: the registry need not ask PostgreSQL for the names."""
        return []

    def collect(self) -> list[Metric]:
        """Called by prometheus_client."""
        with self._lock:
            if time.monotonic() >= self._kept_until:
                self._kept = [*self._database(), *self._queue(), *self._disk()]
                self._kept_until = time.monotonic() + _KEPT_SECONDS
            return self._kept

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()
        self._broker.close()

    def _database(self) -> Iterator[Metric]:
        figures = None
        try:
            with self._engine.begin() as connection:
                figures = measure(PlainSql(connection), self._registry)
        except SQLAlchemyError as error:
            log.warning("figures_unavailable", error=type(error).__name__)
        yield _gauge("ingest_database_up", "Whether PostgreSQL answers within its time.", figures is not None)
        if figures is not None:
            yield from _gauges(figures)

    def _queue(self) -> Iterator[Metric]:
        waiting = None
        with suppress(RedisError):
            waiting = int(self._broker.llen(LOAD_QUEUE))
        yield _gauge("ingest_broker_up", "Whether the broker answers.", waiting is not None)
        if waiting is not None:
            yield _gauge("ingest_queue_messages", "Notifications that no worker has taken yet.", waiting)

    def _disk(self) -> Iterator[Metric]:
        if self._is_in_bucket:
            return
        with suppress(OSError):
            disk = psutil.disk_usage(str(self._directory))
            yield _gauge("ingest_storage_free_bytes", "Free bytes of the disk of the stored files.", disk.free)
            yield _gauge("ingest_storage_size_bytes", "Size of that disk.", disk.total)


def _gauges(figures: SystemFigures) -> Iterator[Metric]:
    uploads = GaugeMetricFamily("ingest_uploads", "Uploads that wait or load.", labels=["state"])
    for state, count in figures.uploads.items():
        uploads.add_metric([state], count)
    yield uploads
    leases = GaugeMetricFamily("ingest_leases", "Claims that hold now.", labels=["of"])
    leases.add_metric(["batch"], figures.leased_batches)
    leases.add_metric(["publishing"], figures.leased_publishings)
    yield leases
    for name, text, value in (
        ("ingest_pending_batches", "Batches that are not committed.", figures.pending_batches),
        (
            "ingest_oldest_waiting_seconds",
            "Age of the oldest upload with a batch that no loader holds; 0 if there is none.",
            figures.oldest_waiting_seconds,
        ),
        ("ingest_leaves", "Leaves of large uploads that readers see.", figures.leaves),
        ("ingest_most_leaves", "Leaves of large uploads in the collection that has most.", figures.most_leaves),
        ("ingest_merging_paused", "Whether merging is paused.", figures.is_merging_paused),
        ("ingest_merges", "Merges under way.", figures.merges),
        ("ingest_unknown_words", "Collections whose newest words the vocabulary lacks.", figures.unknown_words),
        ("ingest_leaves_without_words", "Leaves without indexes of words.", figures.leaves_without_words),
    ):
        yield _gauge(name, text, value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
