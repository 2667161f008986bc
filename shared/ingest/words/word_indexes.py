"""Builds the indexes of words for leaves of large uploads, after readers see them.

To build them takes as long as all the rest of a load, so no upload waits for them; what searches do until then says
`search.unindexed`. A build locks its leaf against writers and other changes, and gives way to the first who waits.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

import structlog
from psycopg2 import errorcodes
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from shared.catalog.registry import Registry
from shared.database import leases
from shared.database.engine import plain_transaction
from shared.database.partitions import LEAVES_WITHOUT_WORDS, create_word_indexes
from shared.database.sqlstates import LOCK_TROUBLE, sqlstate_of
from shared.database.state_machine import Connection
from shared.ingest.versions.leaves import build, is_loading

log = structlog.get_logger()

# An arbitrary number that no other lock uses: one process at a time builds.
_LOCK: Final = "SELECT pg_try_advisory_xact_lock(7305515)"
_PID: Final = "SELECT pg_backend_pid()"

_FIND: Final = f"""
SELECT leaf.relname, table_name, extract(epoch FROM clock_timestamp() - finished_at)::float8
FROM (SELECT DISTINCT table_name, branch FROM collections WHERE table_name = ANY(%(tables)s::text[])) AS held
{LEAVES_WITHOUT_WORDS}
ORDER BY uploads.number
"""
_GIVE_WAY: Final = """
SELECT pg_cancel_backend(%(pid)s)
WHERE EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = to_regclass(%(leaf)s)
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""

# Loads come first, but not for ever.
_PATIENCE_SECONDS: Final = 120
# Those who change rows wait for a lock for a second at least.
_LOOK_SECONDS: Final = 0.2
# After it has given way, a leaf may be changed again soon.
_PAUSE_SECONDS: Final = 10


class WordIndexes:
    """Builds what is missing, one leaf at a time, in one process at a time.

    `should_stop` says whether the process is about to end.
    """

    def __init__(self, engine: Engine, registry: Registry, should_stop: Callable[[], bool] = lambda: False) -> None:
        self._engine = engine
        self._tables = {name: table for name, table in registry.tables.items() if table.words}
        self._should_stop = should_stop
        self._resting: dict[str, float] = {}

    def build_all(self) -> None:
        """Build until nothing is missing that may be built now. Raises errors of SQLAlchemy."""
        while not self._should_stop() and (found := self._next()) is not None:
            leaf, table = found
            try:
                for step in create_word_indexes(self._tables[table], leaf):
                    if not self._build(leaf, step):
                        return
            except DBAPIError as error:
                if sqlstate_of(error) not in (errorcodes.QUERY_CANCELED, errorcodes.UNDEFINED_TABLE, *LOCK_TROUBLE):
                    raise
                log.info("word_index_gave_way", leaf=leaf)
                self._resting[leaf] = time.monotonic() + _PAUSE_SECONDS

    def _next(self) -> tuple[str, str] | None:
        with plain_transaction(self._engine) as connection:
            rests = is_loading(connection)
            found = connection.execute(_FIND, tables=list(self._tables))
        now = time.monotonic()
        for leaf, table, waits_seconds in found:
            if self._resting.get(leaf, now) <= now and (not rests or waits_seconds > _PATIENCE_SECONDS):
                return leaf, table
        return None

    def _build(self, leaf: str, step: str) -> bool:
        """False if another process builds."""
        with plain_transaction(self._engine) as connection:
            if not connection.execute(_LOCK)[0][0]:
                return False
            begun = time.monotonic()
            with self._giving_way(connection, leaf):
                build(connection, step)
        log.info("word_index_built", leaf=leaf, seconds=round(time.monotonic() - begun, 1))
        return True

    @contextmanager
    def _giving_way(self, connection: Connection, leaf: str) -> Iterator[None]:
        """Cancel the statement of the block as soon as anybody waits for the leaf."""
        [[pid]] = connection.execute(_PID)

        def look() -> None:
            with suppress(SQLAlchemyError), plain_transaction(self._engine) as other:
                other.execute(_GIVE_WAY, pid=pid, leaf=leaf)

        with leases.kept(3 * _LOOK_SECONDS, look):
            yield
