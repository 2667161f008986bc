"""Keeps the vocabulary up to date: in every API and every worker, in one of them at a time.

Loads come first: while an upload waits or loads, the filling rests.
"""

import threading
from collections.abc import Callable
from typing import Final

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from shared.catalog.registry import Registry
from shared.database.engine import PlainSql, create_sync_engine
from shared.ingest.versions.leaves import is_loading
from shared.ingest.vocabulary.filling import CHUNK_IDS, fill_chunk
from shared.settings import Settings

log = structlog.get_logger()

# An arbitrary number that no other lock uses.
_LOCK: Final = "SELECT pg_try_advisory_xact_lock(7305514)"


def fill_all(
    engine: Engine, registry: Registry, should_stop: Callable[[], bool] = lambda: False, chunk_ids: int = CHUNK_IDS
) -> None:
    """Add words until all are known, an upload waits or loads, or another process does it.

    Raises errors of SQLAlchemy.
    """
    while not should_stop():
        with engine.begin() as connection:
            plain = PlainSql(connection)
            is_alone = not is_loading(plain) and plain.execute(_LOCK)[0][0]
            if not is_alone or not fill_chunk(plain, registry, chunk_ids):
                return


class Filler:
    """Fills every `sweep_interval_seconds` in a thread, on a connection of its own.

    If a round fails, it is logged, and the next one goes on.
    """

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self._interval_seconds = settings.sweep_interval_seconds
        self._registry = registry
        self._engine = create_sync_engine(settings, "ingest-vocabulary")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vocabulary", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End after the current chunk."""
        self._stopping.set()
        self._thread.join(timeout=10)
        self._engine.dispose()

    def _run(self) -> None:
        while not self._stopping.wait(self._interval_seconds):
            try:
                fill_all(self._engine, self._registry, self._stopping.is_set)
            except SQLAlchemyError as error:
                log.warning("vocabulary_failed", error=type(error).__name__)
