"""Connections of requests: each is a transaction of one tenant, and the database shows it only that tenant's rows.

    DATABASE_URL's user ("owner")   sweep, loaders, cancel, retry, undo, migrations: every row
      `-- SET ROLE imdb_api         requests: owns nothing, sees only rows of `app.tenant`, may do only what requests do

The first barrier is `WHERE tenant = ...` in each statement; this is the second one. Policies (see the migration)
compare each row with `app.tenant`. That setting ends with the transaction, so a connection that returns to the pool has
no tenant. The API gets its connections only here; a test checks that. A request for the rejects of one upload also sets
`app.upload_number`: if the upload belongs to the tenant, the policy of rejects compares with this one number, and not
with those of all its uploads. The options `tenant` and `upload_number` of a connection say the same to `timing`, which
asks how a statement would be planned for them.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import adbc_driver_postgresql
import pyarrow as pa
from adbc_driver_manager import AdbcConnection, AdbcStatement
from sqlalchemy import Connection, Engine, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

# `true`: for this transaction only, like SET LOCAL, which takes no parameter.
_TENANT: Final = "SELECT set_config('app.tenant', :tenant, true)"
_SET_TENANT: Final = text(_TENANT)
_SET_TENANT_AND_UPLOAD: Final = text(f"{_TENANT}, set_config('app.upload_number', :upload_number, true)")

_SET_KEY: Final = text("SELECT set_config('app.key_id', :key_id, true)")


@asynccontextmanager
async def tenant_reading(
    engine: AsyncEngine, tenant: str, *, upload_number: int | None = None, is_snapshot: bool = False
) -> AsyncIterator[AsyncConnection]:
    """A read-only transaction of this tenant, rolled back at its end.

    `upload_number`: it sees the rejects of this upload only, and is fast however many uploads the tenant has.
    `is_snapshot`: all statements see the database as it was at the first one, so that totals match their pages.
    """
    async with engine.connect() as connection:
        level = "REPEATABLE READ" if is_snapshot else "READ COMMITTED"
        await connection.execution_options(
            isolation_level=level, postgresql_readonly=True, tenant=tenant, upload_number=upload_number
        )
        if upload_number is None:
            await connection.execute(_SET_TENANT, {"tenant": tenant})
        else:
            names = {"tenant": tenant, "upload_number": str(upload_number)}
            await connection.execute(_SET_TENANT_AND_UPLOAD, names)
        yield connection


@contextmanager
def tenant_batches(address: str, tenant: str) -> Iterator[AdbcStatement]:
    """A statement whose result are Arrow batches, in a read-only transaction of this tenant.

    `address` is `engine.export_address`. It blocks, and belongs to one thread at a time; only `cancel` may be called by
    another one. Closing the connection ends the transaction, and a statement in the middle of its rows.
    """
    with adbc_driver_postgresql.connect(address) as database, AdbcConnection(database) as connection:
        connection.set_autocommit(False)
        with AdbcStatement(connection) as naming:
            naming.set_sql_query("SELECT set_config('app.tenant', $1, true)")
            naming.bind(pa.record_batch({"tenant": [tenant]}))
            with result_of(naming) as result:
                result.read_all()
        with AdbcStatement(connection) as statement:
            yield statement


def result_of(statement: AdbcStatement) -> pa.RecordBatchReader:
    """Run the statement; its rows come as they are read."""
    stream, _unknown_count = statement.execute_query()
    return pa.RecordBatchReader.from_stream(stream)


@contextmanager
def tenant_transaction(engine: Engine, tenant: str) -> Iterator[Connection]:
    """A transaction of this tenant, committed at its end, or rolled back after an error."""
    with engine.begin() as connection:
        connection.execution_options(tenant=tenant)
        connection.execute(_SET_TENANT, {"tenant": tenant})
        yield connection


@asynccontextmanager
async def key_transaction(engine: AsyncEngine, key_id: str) -> AsyncIterator[AsyncConnection]:
    """A transaction that sees this API key, if it exists, and no data of tenants.

    It is committed at its end, or rolled back after an error.
    """
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="READ COMMITTED")
        async with connection.begin():
            await connection.execute(_SET_KEY, {"key_id": key_id})
            yield connection


@asynccontextmanager
async def tenantless_reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """For data that belongs to no tenant, such as that of health checks; it sees no row of any tenant's tables."""
    async with engine.connect() as connection:
        yield connection


@contextmanager
def all_tenants_reading(engine: Engine) -> Iterator[Connection]:
    """The rows of all tenants, on the owner's engine; on the engine of requests there are none.

    All statements see the database as it was at the first one, so that totals match their pages.
    """
    with engine.connect() as connection:
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        yield connection


@contextmanager
def all_tenants_transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction of an operator, on the owner's engine, committed at its end, or rolled back after an error."""
    with engine.begin() as connection:
        yield connection
