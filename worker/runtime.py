"""What lives as long as a worker process: in the parent the sweep and the watchdog, in each pool child a loader.

Celery hands tasks no context, so the process's own objects stand in this module; `install` hangs them on Celery's
signals and has no other effect.
"""

import mmap
import os
import uuid
from dataclasses import dataclass
from typing import Any

import structlog
from celery import Celery, signals
from celery.bootsteps import RUN  # type: ignore[attr-defined]  # the stubs lack it
from celery.worker import state
from kombu.exceptions import OperationalError

from shared import failpoints, logs
from shared.catalog.registry import Registry
from shared.database.engine import create_sync_engine
from shared.ingest.lifecycle.sweep import Sweeper
from shared.ingest.loading.loader import Loader
from shared.messaging import LOAD_TASK, Transport
from shared.settings import Settings
from shared.storage.opening import open_storage
from worker.watchdog import Watchdog

log = structlog.get_logger()

# One byte that the parent and its forked children share: Celery tells only the parent of a shutdown, and a child that
# is loading should stop at its next batch.
_stopping = mmap.mmap(-1, 1)


@dataclass(slots=True)
class _Process:
    app: Celery | None = None
    settings: Settings | None = None
    loader: Loader | None = None
    sweeper: Sweeper | None = None
    watchdog: Watchdog | None = None


_process = _Process()


def install(app: Celery, configuration: Settings) -> None:
    """Connect everything to the signals of this app's worker."""
    _process.app = app
    _process.settings = configuration
    failpoints.arm(configuration.failpoint)
    signals.setup_logging.connect(_configure_logs, weak=False)
    # Before the pool is forked: what a worker writes is nobody else's.
    signals.worker_init.connect(lambda **_: os.umask(0o077), weak=False)
    signals.worker_ready.connect(lambda sender, **_: _start(sender), weak=False)
    signals.worker_shutting_down.connect(lambda **_: _stopping.__setitem__(0, 1), weak=False)
    signals.worker_shutdown.connect(lambda **_: _stop(), weak=False)


def settings() -> Settings:
    """The settings that the worker was started with."""
    assert _process.settings is not None
    return _process.settings


def loader() -> Loader:
    """This process's loader; made at its first task, after the fork, so that no connection is shared."""
    if _process.loader is None:
        _process.loader = Loader(settings(), Registry.built_in(), _call_others)
    return _process.loader


def _call_others(upload_id: uuid.UUID) -> None:
    """Notify the other loaders that may work on a large upload. Best effort: without them it takes longer."""
    for _ in range(settings().parallelism - 1):
        if not notify(upload_id):
            return


def notify(upload_id: uuid.UUID) -> bool:
    """Send a notification; False if the broker does not take it."""
    assert _process.app is not None
    try:
        _process.app.send_task(LOAD_TASK, args=[str(upload_id)])
    except OperationalError:
        log.warning("notification_failed", upload_id=str(upload_id))
        return False
    return True


def is_stopping() -> bool:
    """Whether the worker was told to shut down."""
    return _stopping[0] == 1


def _configure_logs(**_: Any) -> None:
    logs.configure(settings(), "worker")


def _start(consumer: Any) -> None:
    def is_overdue() -> bool:
        """It was told to stop and has nothing to finish, or stops though nobody told it to."""
        return not state.active_requests if is_stopping() else bool(consumer.controller.blueprint.state != RUN)

    engine = create_sync_engine(settings(), "ingest-worker")
    _process.sweeper = Sweeper(
        engine,
        open_storage(settings()),
        settings(),
        notify=lambda upload_id, _transport: notify(upload_id),
        transports=[Transport.CELERY],
    )
    _process.sweeper.start()
    _process.watchdog = Watchdog(settings(), is_overdue)
    _process.watchdog.start()


def _stop() -> None:
    if _process.watchdog is not None:
        _process.watchdog.stop()
    if _process.sweeper is not None:
        _process.sweeper.stop()
