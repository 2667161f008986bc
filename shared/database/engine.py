"""SQLAlchemy's engines: the sync one for the use cases, the async one for the API's reading queries."""

from sqlalchemy import Engine, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.settings import Settings

# No statement and no lock waits for ever.
_READ_TIMEOUT = "5s"
_POOL_TIMEOUT_SECONDS = 3
_LOCK_TIMEOUT = "5s"
# A process that is paused in the middle of a transaction must not hold its locks for long: an undo has the listing's.
_IDLE_TIMEOUT = "5s"


def create_sync_engine(settings: Settings, application_name: str) -> Engine:
    """Engine (psycopg2) for state changes; `statement_timeout` is left to those that know how long they may take."""
    options = f"-c lock_timeout={_LOCK_TIMEOUT} -c idle_in_transaction_session_timeout={_IDLE_TIMEOUT} -c timezone=UTC"
    return create_engine(
        settings.sync_url,
        pool_size=settings.database_pool_size,
        pool_pre_ping=True,
        hide_parameters=True,  # an error's text goes to the log, and row contents must not
        connect_args={"application_name": application_name, "options": options},
    )


def create_read_engine(settings: Settings) -> AsyncEngine:
    """Engine (asyncpg) for the API's reading queries."""
    return create_async_engine(
        settings.async_url,
        pool_size=settings.database_pool_size,
        pool_pre_ping=True,
        pool_timeout=_POOL_TIMEOUT_SECONDS,
        hide_parameters=True,
        connect_args={
            "timeout": 3,
            "server_settings": {
                "application_name": "ingest-api",
                "statement_timeout": _READ_TIMEOUT,
                "idle_in_transaction_session_timeout": _IDLE_TIMEOUT,
                "timezone": "UTC",
                "jit": "off",
                # A listing's plan is the same whatever its parameters are, and planning over many partitions takes
                # several times as long as reading a page.
                "plan_cache_mode": "force_generic_plan",
            },
        },
    )
