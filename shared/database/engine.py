"""The engines of SQLAlchemy: the owner's for the use cases, and three for requests, which have another role."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from psycopg2.extensions import make_dsn
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.database.sqlstates import LOCK_TROUBLE
from shared.database.timing.query_times import measure
from shared.settings import Settings

# The migration of row-level security defines what this role may do and which rows it sees.
API_ROLE: Final = "imdb_api"

# No statement waits for ever, neither for its result nor for a lock.
_READ_TIMEOUT = "5s"
# A registration may wait for two locks, and for a large file it writes some thousand batches.
_WRITE_TIMEOUT = "15s"
# For a server that hangs and cannot stop a statement itself: the client gives up after this time.
_READ_ANSWER_SECONDS = 6
_POOL_TIMEOUT_SECONDS = 3
_LOCK_TIMEOUT = "5s"
# A process that is paused within a transaction must not hold its locks for long: an undo locks the listing.
_IDLE_TIMEOUT = "5s"

_SESSION: Final = {
    "lock_timeout": _LOCK_TIMEOUT,
    "idle_in_transaction_session_timeout": _IDLE_TIMEOUT,
    "timezone": "UTC",
}

# The name of an export's session, by which an undo finds it.
EXPORT_NAME: Final = "ingest-export"
# A client may take an export as slowly as the transfer rate allows: the last bytes wait in buffers while the
# transaction is idle. The server notices within ten seconds that an API has vanished, also before the first row.
EXPORT_SESSION: Final = {
    "role": API_ROLE,
    "default_transaction_read_only": "on",
    "statement_timeout": "0",
    "lock_timeout": _LOCK_TIMEOUT,
    "idle_in_transaction_session_timeout": "15min",
    "client_connection_check_interval": "10s",
    "timezone": "UTC",
    "datestyle": "ISO",
    "standard_conforming_strings": "on",
    "jit": "off",
    # An export takes one core at most; the others are for loading.
    "max_parallel_workers_per_gather": "0",
}


def create_sync_engine(settings: Settings, application_name: str) -> Engine:
    """Engine (psycopg2) for state changes by the owner of the tables, who sees the rows of every tenant.

    It sets no `statement_timeout`: only the caller knows how long a statement may take.
    """
    return _sync_engine(settings, settings.sync_url, application_name, _SESSION)


def create_request_engine(settings: Settings) -> Engine:
    """Engine (psycopg2) for the writes of requests; use it through `tenancy.tenant_transaction`."""
    session = {**_SESSION, "role": API_ROLE, "statement_timeout": _WRITE_TIMEOUT}
    return _sync_engine(settings, settings.request_sync_url, "ingest-api", session)


def create_read_engine(settings: Settings) -> AsyncEngine:
    """Engine (asyncpg) for the API's queries; use it through `tenancy.tenant_reading`."""
    engine = create_async_engine(
        settings.request_async_url,
        pool_size=settings.database_pool_size,
        pool_pre_ping=True,
        pool_timeout=_POOL_TIMEOUT_SECONDS,
        hide_parameters=True,
        # The caller chooses the kind of transaction. Otherwise the ping before each use would be a transaction, too:
        # three messages instead of one.
        isolation_level="AUTOCOMMIT",
        connect_args={
            "timeout": 3,
            "command_timeout": _READ_ANSWER_SECONDS,
            "server_settings": {
                "application_name": "ingest-api",
                "role": API_ROLE,
                "statement_timeout": _READ_TIMEOUT,
                "idle_in_transaction_session_timeout": _IDLE_TIMEOUT,
                "timezone": "UTC",
                "jit": "off",
                # The plan of a listing does not depend on its parameters, and planning over many partitions takes
                # several times as long as reading a page.
                "plan_cache_mode": "force_generic_plan",
            },
        },
    )
    measure(engine.sync_engine)
    return engine


def create_export_engine(settings: Settings) -> AsyncEngine:
    """Engine (asyncpg) for exports, which take as long as their clients do; use it through `tenancy.tenant_reading`."""
    engine = create_async_engine(
        settings.request_async_url,
        pool_size=settings.exports,
        max_overflow=0,
        pool_pre_ping=True,
        pool_timeout=_POOL_TIMEOUT_SECONDS,
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": 3, "server_settings": {"application_name": EXPORT_NAME, **EXPORT_SESSION}},
    )
    measure(engine.sync_engine)
    return engine


def export_address(settings: Settings) -> str:
    """The same sessions for libpq; use it through `tenancy.tenant_batches`."""
    options = " ".join(f"-c {name}={value}" for name, value in EXPORT_SESSION.items())
    address = settings.request_sync_url.set(drivername="postgresql").render_as_string(hide_password=False)
    return make_dsn(address, application_name=EXPORT_NAME, options=options)


def is_lock_trouble(error: DBAPIError) -> bool:
    """Whether a lock timeout or a deadlock has rolled the transaction back."""
    return getattr(error.orig, "pgcode", None) in LOCK_TROUBLE


class PlainSql:
    """A connection of a sync engine that runs SQL text with `%(name)s` for each value, like the loader's connection.

    So each state change is written once, for both (`state_machine.Connection`).
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, **values: Any) -> Sequence[tuple[Any, ...]]:
        """Run one statement; return its rows, if it has any."""
        result = self._connection.exec_driver_sql(sql, values)
        return [tuple(row) for row in result] if result.returns_rows else []


@contextmanager
def plain_transaction(engine: Engine) -> Iterator[PlainSql]:
    """A transaction of plain SQL, on a connection of its own."""
    with engine.begin() as connection:
        yield PlainSql(connection)


def _sync_engine(settings: Settings, url: URL, application_name: str, session: dict[str, str]) -> Engine:
    connect_args: dict[str, Any] = {
        "application_name": application_name,
        "options": " ".join(f"-c {name}={value}" for name, value in session.items()),
    }
    engine = create_engine(
        url,
        pool_size=settings.database_pool_size,
        pool_pre_ping=True,
        hide_parameters=True,  # the text of an error goes to the log, which must not contain the contents of rows
        connect_args=connect_args,
    )
    measure(engine)
    return engine
