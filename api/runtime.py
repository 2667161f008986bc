"""The connections and helpers that the API keeps open while it runs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from api.cache.stored_answers import StoredAnswers
from api.edits import Edits
from api.limits.counters import Counters
from api.limits.export_slots import ExportSlots
from api.limits.quotas import Limits
from api.limits.slots import Slots
from api.limits.tenant_limits import DecidedLimits
from api.limits.tenant_locks import TenantLocks
from api.metrics.pools import PoolCollector
from api.metrics.system import SystemCollector
from api.notifications.background_loaders import BackgroundLoaders
from api.notifications.notifiers import CeleryNotifier, Notifiers
from api.pictures import Pictures
from api.previews import Previews
from api.search.engine import SearchEngine
from api.search.postgres import PostgresSearch
from shared.advice.hints import Advisor
from shared.catalog.registry import Registry
from shared.database.engine import (
    create_export_engine,
    create_read_engine,
    create_request_engine,
    create_sync_engine,
)
from shared.database.timing.slow_queries import SlowQueries
from shared.ingest.background_work import background_work
from shared.messaging import Transport
from shared.observability.serving import ServedMetrics
from shared.observability.starting import start_tracing
from shared.settings import Settings
from shared.storage.opening import open_storage
from shared.storage.protocol import Storage

_THREADS: Final = 32


@dataclass(frozen=True)
class Runtime:
    """Connections and helpers, one of each per process.

    `engine` logs in as the owner of the tables. The sweep needs it, cancel, retry and undo (they drop tables), the
    list of all tenants, and operators. Every other query of a request uses one of the other engines, through
    `tenancy`.
    """

    settings: Settings
    registry: Registry
    advisor: Advisor
    storage: Storage
    engine: Engine
    request_engine: Engine
    read_engine: AsyncEngine
    export_engine: AsyncEngine
    slow_queries: SlowQueries
    search: SearchEngine
    counters: Counters
    notifiers: Notifiers
    limits: Limits
    slots: Slots
    summary_locks: TenantLocks
    previews: Previews
    pictures: Pictures
    edits: Edits
    export_slots: ExportSlots
    answers: StoredAnswers


@asynccontextmanager
async def open_runtime(settings: Settings, registry: Registry) -> AsyncIterator[Runtime]:
    """Open everything and close it in reverse order, so that a connection is closed after everything that uses it."""
    # Threads store blocks, commit uploads and notify loaders. The default on two cores is six threads: with so few, a
    # slow database would delay the files of all clients.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS, thread_name_prefix="api"))
    async with AsyncExitStack() as stack:
        _close_in_thread(stack, start_tracing(settings, "api"))
        metrics = ServedMetrics.begin(settings.metrics_host, settings.metrics_port, settings.api_workers)
        engines = _open_engines(stack, settings)
        slow_queries = SlowQueries(settings.slow_query_ms, engines.reading)
        stack.push_async_callback(slow_queries.aclose)
        counters = Counters(settings.redis_url)
        stack.push_async_callback(counters.aclose)
        answers = await asyncio.to_thread(StoredAnswers, settings)
        stack.push_async_callback(answers.aclose)

        notifiers = await _open_notifiers(stack, settings, metrics)
        previews, pictures, edits = Previews(), Pictures(), Edits(settings)
        for helpers in (previews, pictures, edits):
            stack.push_async_callback(helpers.aclose)
        storage = open_storage(settings)
        for work in background_work(
            settings, registry, storage, notifiers.notify, transports=tuple(Transport), pulled=[Transport.BACKGROUND]
        ):
            work.start()
            _close_in_thread(stack, work.stop)
        if metrics is not None:
            _serve_metrics(stack, metrics, SystemCollector(settings, registry), engines)
        yield Runtime(
            settings=settings,
            registry=registry,
            advisor=Advisor(registry.columns),
            storage=storage,
            engine=engines.owner,
            request_engine=engines.requests,
            read_engine=engines.reading,
            export_engine=engines.exports,
            slow_queries=slow_queries,
            search=PostgresSearch(engines.reading),
            counters=counters,
            notifiers=notifiers,
            limits=Limits(settings, counters, DecidedLimits(settings, engines.reading)),
            slots=Slots(counters),
            summary_locks=TenantLocks(),
            previews=previews,
            pictures=pictures,
            edits=edits,
            export_slots=ExportSlots(settings.exports),
            answers=answers,
        )


class _Engines(NamedTuple):
    """See `Runtime`."""

    owner: Engine
    requests: Engine
    reading: AsyncEngine
    exports: AsyncEngine


def _open_engines(stack: AsyncExitStack, settings: Settings) -> _Engines:
    engines = _Engines(
        create_sync_engine(settings, "ingest-api"),
        create_request_engine(settings),
        create_read_engine(settings),
        create_export_engine(settings),
    )
    for engine in (engines.owner, engines.requests):
        _close_in_thread(stack, engine.dispose)
    for async_engine in (engines.reading, engines.exports):
        stack.push_async_callback(async_engine.dispose)
    return engines


async def _open_notifiers(stack: AsyncExitStack, settings: Settings, metrics: ServedMetrics | None) -> Notifiers:
    metrics_end = None if metrics is None else metrics.writing_end
    background = await asyncio.to_thread(BackgroundLoaders, settings, metrics_end)
    _close_in_thread(stack, background.close)
    celery = CeleryNotifier(settings)
    stack.callback(celery.close)
    return Notifiers(celery=celery, background=background)


def _serve_metrics(stack: AsyncExitStack, metrics: ServedMetrics, system: SystemCollector, engines: _Engines) -> None:
    _close_in_thread(stack, system.close)
    pools = {"owner": engines.owner, "requests": engines.requests}
    pools |= {"reading": engines.reading.sync_engine, "exports": engines.exports.sync_engine}
    metrics.serve(system, PoolCollector(pools))
    _close_in_thread(stack, metrics.stop)


def _close_in_thread(stack: AsyncExitStack, close: Callable[[], object]) -> None:
    stack.push_async_callback(asyncio.to_thread, close)
