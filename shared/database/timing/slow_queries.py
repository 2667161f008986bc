"""Slow statements of requests: a line in the log for each, with the plan if this name had none within a minute.

Plans are asked for after the statement, in connections of their own and one at a time, so no request waits for them.
"""

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.database.tenancy import (
    all_tenants_reading,
    tenant_reading,
    tenant_transaction,
    tenantless_reading,
)
from shared.database.timing.plan_shapes import is_planned, plan_shape
from shared.database.timing.query_times import Origin, SentStatement

log = structlog.get_logger()

_PLAN_INTERVAL_SECONDS: Final = 60.0
_MOST_WAITING: Final = 100


class SlowQueries:
    """To be made within the event loop. `least_milliseconds`: which statements are slow, 0 for none.

    `read_engine` plans what was read, so that no plan takes one of the few connections of exports.
    """

    def __init__(self, least_milliseconds: int, read_engine: AsyncEngine) -> None:
        self._least_milliseconds = least_milliseconds or math.inf
        self._read_engine = read_engine
        self._planned_at: dict[str, float] = {}
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[tuple[SentStatement, dict[str, Any]]] = asyncio.Queue(_MOST_WAITING)
        self._planning = self._loop.create_task(self._plan_all())

    def consider(self, sent: SentStatement, route: Callable[[], str]) -> None:
        """Log the statement soon if it was slow; in any thread, with what is bound to the log there."""
        if sent.milliseconds >= self._least_milliseconds:
            fields = {**structlog.contextvars.get_contextvars(), "route": route(), **sent.to_log()}
            self._loop.call_soon_threadsafe(self._take, sent, fields)

    async def aclose(self) -> None:
        """End a question for a plan that is under way."""
        self._planning.cancel()
        await asyncio.gather(self._planning, return_exceptions=True)

    def _take(self, sent: SentStatement, fields: dict[str, Any]) -> None:
        if not self._is_plan_due(sent) or self._waiting.full():
            log.warning("slow_query", **fields)
        else:
            self._planned_at[sent.name] = time.monotonic()
            self._waiting.put_nowait((sent, fields))

    def _is_plan_due(self, sent: SentStatement) -> bool:
        if sent.origin is None or not is_planned(sent.origin):
            return False
        return time.monotonic() - self._planned_at.get(sent.name, -math.inf) >= _PLAN_INTERVAL_SECONDS

    async def _plan_all(self) -> None:
        while True:
            sent, fields = await self._waiting.get()
            try:
                plan = await self._plan(sent.origin) if sent.origin else None
            except (SQLAlchemyError, OSError) as error:  # the line matters more than its plan
                log.warning("slow_query", **fields, plan_error=type(error).__name__)
            else:
                log.warning("slow_query", **fields, query_plan=plan)

    async def _plan(self, origin: Origin) -> list[str]:
        if origin.engine is not None:
            return await asyncio.to_thread(_plan_in_thread, origin.engine, origin)
        async with self._reading(origin) as connection:
            return await connection.run_sync(plan_shape, origin)

    def _reading(self, origin: Origin) -> AbstractAsyncContextManager[AsyncConnection]:
        if origin.tenant is None:
            return tenantless_reading(self._read_engine)
        return tenant_reading(self._read_engine, origin.tenant, upload_number=origin.upload_number)


def _plan_in_thread(engine: Engine, origin: Origin) -> list[str]:
    if origin.tenant is not None:
        with tenant_transaction(engine, origin.tenant) as connection:
            return plan_shape(connection, origin)
    with all_tenants_reading(engine) as connection:
        return plan_shape(connection, origin)
