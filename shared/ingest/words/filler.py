"""Keeps the vocabulary up to date: in every API and every worker, in one of them at a time.

Loads come first: while an upload waits or loads, the filling rests.
"""

from collections.abc import Callable
from typing import Final

from sqlalchemy import Engine

from shared.catalog.registry import Registry
from shared.database.engine import plain_transaction
from shared.ingest.versions.leaves import is_loading
from shared.ingest.words.filling import CHUNK_IDS, fill_chunk

# An arbitrary number that no other lock uses.
_LOCK: Final = "SELECT pg_try_advisory_xact_lock(7305514)"


def fill_all(
    engine: Engine, registry: Registry, should_stop: Callable[[], bool] = lambda: False, chunk_ids: int = CHUNK_IDS
) -> None:
    """Add words until all are known, an upload waits or loads, or another process does it.

    Raises errors of SQLAlchemy.
    """
    while not should_stop():
        with plain_transaction(engine) as connection:
            is_alone = not is_loading(connection) and connection.execute(_LOCK)[0][0]
            if not is_alone or not fill_chunk(connection, registry, chunk_ids):
                return
