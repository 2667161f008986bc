"""The objects that live as long as a worker process.

The parent has the `background_work` and the watchdog, each process of the pool a loader.

Celery passes no context to its tasks, so this module holds the objects. `install` connects them to Celery's signals and
has no other effect.
"""

import mmap
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from celery import Celery, signals
from celery.bootsteps import RUN  # type: ignore[attr-defined]  # the stubs lack it
from celery.worker import state
from kombu.exceptions import OperationalError
from sqlalchemy import Engine

from shared import failpoints, logs
from shared.catalog.registry import Registry
from shared.database.engine import create_sync_engine
from shared.ingest.background_work import background_work
from shared.ingest.loading.loader import Loader
from shared.ingest.rounds import Rounds
from shared.messaging import LOAD_TASK, Transport
from shared.observability.metrics import NOTIFICATIONS, record
from shared.observability.serving import ServedMetrics
from shared.observability.starting import start_tracing
from shared.settings import Settings
from shared.storage.opening import open_storage, open_storage_in_forking_process
from worker.watchdog import Watchdog

log = structlog.get_logger()

# One byte of memory that the parent shares with its forked children: Celery informs only the parent of a shutdown, but
# a child that is loading should stop at its next batch.
_stopping = mmap.mmap(-1, 1)


@dataclass(slots=True)
class _Process:
    app: Celery | None = None
    settings: Settings | None = None
    loader: Loader | None = None
    background_work: Sequence[Rounds] = ()
    watchdog: Watchdog | None = None
    metrics: ServedMetrics | None = None
    stop_tracing: Callable[[], None] | None = None


_process = _Process()


def install(app: Celery, configuration: Settings) -> None:
    """Connect this module to the signals of the app's worker."""
    _process.app = app
    _process.settings = configuration
    open_storage(configuration)  # only to fail now, if the environment lacks something, and not in each task
    failpoints.arm(configuration.failpoint)
    signals.setup_logging.connect(_configure_logs, weak=False)
    signals.worker_init.connect(lambda **_: _prepare(), weak=False)
    signals.worker_process_init.connect(lambda **_: _start_child(), weak=False)
    signals.worker_process_shutdown.connect(lambda **_: _stop_child(), weak=False)
    signals.worker_ready.connect(lambda sender, **_: _start(sender), weak=False)
    signals.worker_shutting_down.connect(lambda **_: _stopping.__setitem__(0, 1), weak=False)
    signals.worker_shutdown.connect(lambda **_: _stop(), weak=False)


def settings() -> Settings:
    """The settings of the worker."""
    assert _process.settings is not None
    return _process.settings


def loader() -> Loader:
    """The loader of this process. The first task creates it, after the fork, so that processes share no connection."""
    if _process.loader is None:
        _process.loader = Loader(settings(), Registry.built_in(), open_storage(settings()), _call_others)
    return _process.loader


@contextmanager
def engine() -> Iterator[Engine]:
    """An engine for a few statements, closed at the end: a task that comes once a minute keeps no connection."""
    made = create_sync_engine(settings(), "ingest-worker")
    try:
        yield made
    finally:
        made.dispose()


def _call_others(upload_id: uuid.UUID) -> None:
    """Notify more loaders of a large upload. Best effort: without them the upload only takes longer."""
    for _ in range(settings().parallelism - 1):
        if not notify(upload_id):
            return


def notify(upload_id: uuid.UUID) -> bool:
    """Send a notification; False if the broker is unavailable."""
    assert _process.app is not None
    try:
        _process.app.send_task(LOAD_TASK, args=[str(upload_id)])
        record(NOTIFICATIONS, 1, Transport.CELERY, "sent")
    except OperationalError:
        record(NOTIFICATIONS, 1, Transport.CELERY, "failed")
        log.warning("notification_failed", upload_id=str(upload_id))
        return False
    return True


def is_stopping() -> bool:
    """Whether the worker is shutting down."""
    return _stopping[0] == 1


def _configure_logs(**_: Any) -> None:
    logs.configure(settings(), "worker")


def _prepare() -> None:
    """Before the pool forks: only the owner can read files that a worker writes; children find the pipe of metrics."""
    os.umask(0o077)
    _process.metrics = ServedMetrics.begin(settings().metrics_host, settings().worker_metrics_port)


def _start_child() -> None:
    if _process.metrics is not None:
        _process.metrics.record_in_child()
    _process.stop_tracing = start_tracing(settings(), "worker")


def _stop_child() -> None:
    if _process.stop_tracing is not None:
        _process.stop_tracing()


def _start(consumer: Any) -> None:
    def is_overdue() -> bool:
        """Whether it should have ended: it was asked to stop and has no task, or its consumer has stopped by itself."""
        return not state.active_requests if is_stopping() else bool(consumer.controller.blueprint.state != RUN)

    if _process.metrics is not None:
        _process.metrics.serve()
    _process.background_work = background_work(
        settings(),
        Registry.built_in(),
        open_storage_in_forking_process(settings()),
        notify=lambda upload_id, _transport: notify(upload_id),
        transports=[Transport.CELERY],
        pulled=[Transport.CELERY],
    )
    for work in _process.background_work:
        work.start()
    _process.watchdog = Watchdog(settings(), is_overdue)
    _process.watchdog.start()


def _stop() -> None:
    if _process.watchdog is not None:
        _process.watchdog.stop()
    for work in reversed(_process.background_work):
        work.stop()
    if _process.metrics is not None:
        _process.metrics.stop()
