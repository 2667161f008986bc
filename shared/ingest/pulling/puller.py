"""Pulls in threads of every API and every worker: each pull is fetched by the side that is to load it."""

import threading
from collections.abc import Collection
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from shared.catalog.registry import Registry
from shared.database.engine import PlainSql, create_sync_engine
from shared.ingest.pulling.claims import claim
from shared.ingest.pulling.pulling import Notify, Pulling
from shared.ingest.pulling.schedule import pull_due
from shared.messaging import Transport
from shared.settings import Settings
from shared.storage.protocol import Storage

log = structlog.get_logger()

_STOP_SECONDS: Final = 10


class Puller:
    """Looks every `sweep_interval_seconds` which sources are due and which pulls wait, and carries these out.

    Without listed hosts it does nothing. If a round fails, it is logged, and the next one goes on.
    """

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        storage: Storage,
        notify: Notify,
        transports: Collection[Transport],
    ) -> None:
        """`transports`: of the pulls that it carries out, and those that `notify` can use."""
        self._settings = settings
        self._transports = transports
        self._engine = create_sync_engine(settings, "ingest-pulls")
        self._stopping = threading.Event()
        self._pulling = Pulling(self._engine, registry, storage, settings, notify, self._stopping.is_set)
        count = settings.pulls if settings.pull_hosts else 0
        self._threads = [threading.Thread(target=self._run, name=f"pull-{n}", daemon=True) for n in range(count)]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End; a file that is being fetched is left to another process."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=_STOP_SECONDS)
        self._pulling.close()
        self._engine.dispose()

    def _run(self) -> None:
        while not self._stopping.wait(self._settings.sweep_interval_seconds):
            try:
                pull_due(self._engine)
                while not self._stopping.is_set() and self._pull_next():
                    pass
            except SQLAlchemyError as error:
                log.warning("pulls_failed", error=type(error).__name__)
            except Exception as error:  # noqa: BLE001  a file that ends its thread would end every one in turn
                log.error("pull_crashed", error=type(error).__name__)

    def _pull_next(self) -> bool:
        """Carry out one pull; False if none waits."""
        with self._engine.begin() as connection:
            pull = claim(PlainSql(connection), self._transports, self._settings.lease_seconds)
        if pull is not None:
            self._pulling.carry_out(pull)
        return pull is not None
