"""What the API holds open while it runs."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from api.background import BackgroundLoaders
from api.bells import Bells, CeleryBell
from api.counters import Counters
from api.limits import Limits
from api.slots import Slots
from api.turnstiles import Turnstiles
from shared.database.engine import create_read_engine, create_request_engine, create_sync_engine
from shared.ingest.sweep import Sweeper
from shared.settings import Settings
from shared.storage.local import LocalStorage

_THREADS: Final = 32


@dataclass(frozen=True)
class Runtime:
    """Connections and helpers, one of each per process.

    `engine` is the owner's, for what is no single tenant's or drops tables: sweep, cancel, retry, undo, the list of all
    tenants. Whatever else a request asks goes by `request_engine` and `read_engine`, through `tenancy`.
    """

    settings: Settings
    storage: LocalStorage
    engine: Engine
    request_engine: Engine
    read_engine: AsyncEngine
    counters: Counters
    bells: Bells
    limits: Limits
    slots: Slots
    summaries: Turnstiles


@asynccontextmanager
async def open_runtime(settings: Settings) -> AsyncIterator[Runtime]:
    """Open everything; close it in the reverse order: nobody rings a bell or asks a pool that is gone."""
    # Threads store blocks, commit uploads and ring bells; the default of six would let a slow database hold up files.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS, thread_name_prefix="api"))
    async with AsyncExitStack() as stack:
        engine = create_sync_engine(settings, "ingest-api")
        stack.push_async_callback(asyncio.to_thread, engine.dispose)
        request_engine = create_request_engine(settings)
        stack.push_async_callback(asyncio.to_thread, request_engine.dispose)
        read_engine = create_read_engine(settings)
        stack.push_async_callback(read_engine.dispose)
        counters = Counters(settings.redis_url)
        stack.push_async_callback(counters.aclose)

        background = await asyncio.to_thread(BackgroundLoaders, settings)
        stack.push_async_callback(asyncio.to_thread, background.close)
        celery = CeleryBell(settings)
        stack.callback(celery.close)
        bells = Bells(celery=celery, background=background)

        storage = LocalStorage(settings.upload_dir)
        sweeper = Sweeper(engine, storage, settings, bells.ring)
        sweeper.start()
        stack.push_async_callback(asyncio.to_thread, sweeper.stop)
        of_clients = Limits(settings, counters), Slots(counters), Turnstiles()
        yield Runtime(settings, storage, engine, request_engine, read_engine, counters, bells, *of_clients)
