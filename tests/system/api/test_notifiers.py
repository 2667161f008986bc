"""A message is only a notification: sent after the commit, acknowledged before the work, without a result."""

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable

import httpx
import pytest
from celery.backends.base import DisabledBackend
from sqlalchemy import Engine

from api.cache.stored_answers import StoredAnswers
from api.edits import Edits
from api.limits.counters import Counters
from api.limits.export_slots import ExportSlots
from api.limits.quotas import Limits
from api.limits.slots import Slots
from api.limits.tenant_limits import DecidedLimits
from api.limits.tenant_locks import TenantLocks
from api.main import create_app
from api.notifications.notifiers import Notifiers, create_producer
from api.pictures import Pictures
from api.previews import Previews
from api.runtime import Runtime
from api.search.postgres import PostgresSearch
from shared.advice.hints import Advisor
from shared.database.engine import create_export_engine, create_read_engine, create_request_engine
from shared.database.timing.slow_queries import SlowQueries
from shared.messaging import LOAD_TASK
from shared.settings import Settings
from shared.storage.opening import open_storage
from tests.conftest import REGISTRY, ROOT
from tests.integration.ingest.test_loader import rows
from tests.rows import movies

WORKER = f"""
import json
from worker.app import app
app.loader.import_default_modules()
task = app.tasks[{LOAD_TASK!r}]
print(json.dumps([task.acks_late, task.reject_on_worker_lost, task.ignore_result, type(app.backend).__name__]))
"""


class Witness:
    """A notifier that looks whether a loader that heard it now would find the upload."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.found: list[int] = []

    def notify(self, upload_id: uuid.UUID) -> bool:
        self.found.append(rows(self._engine, "SELECT count(*) FROM uploads WHERE id = :id", id=upload_id)[0][0])
        return True


@pytest.fixture
def send(settings: Settings, engine: Engine) -> Callable[..., tuple[int, list[int]]]:
    """PUT a file to an API in this process; its status, and what its notifier saw."""

    async def put(content: bytes, *, use_celery: bool) -> tuple[int, list[int]]:
        read_engine, counters = create_read_engine(settings), Counters(settings.redis_url)
        request_engine, export_engine = create_request_engine(settings), create_export_engine(settings)
        witness = Witness(engine)
        notifiers = Notifiers(celery=witness, background=witness)
        app = create_app(settings)
        app.state.runtime = Runtime(
            settings=settings,
            registry=REGISTRY,
            advisor=Advisor(REGISTRY.columns),
            storage=open_storage(settings),
            engine=engine,
            request_engine=request_engine,
            read_engine=read_engine,
            export_engine=export_engine,
            slow_queries=SlowQueries(settings.slow_query_ms, read_engine),
            search=PostgresSearch(read_engine),
            counters=counters,
            notifiers=notifiers,
            limits=Limits(settings, counters, DecidedLimits(settings, read_engine)),
            slots=Slots(counters),
            summary_locks=TenantLocks(),
            previews=Previews(),
            pictures=Pictures(),
            edits=Edits(settings),
            export_slots=ExportSlots(settings.exports),
            answers=StoredAnswers(settings),
        )
        transport = httpx.ASGITransport(app)
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1/api/v1") as client:
                params = httpx.QueryParams(filename="movies.csv", use_celery=use_celery)
                answer = await client.put("/upload", params=params, content=content)
        finally:
            request_engine.dispose()
            await read_engine.dispose()
            await counters.aclose()
        return answer.status_code, witness.found

    return lambda content, *, use_celery: asyncio.run(put(content, use_celery=use_celery))


@pytest.mark.parametrize("server", ["18"], indirect=True)
@pytest.mark.parametrize("use_celery", [True, False])
def test_a_loader_is_notified_once_and_after_the_commit(
    send: Callable[..., tuple[int, list[int]]], *, use_celery: bool
) -> None:
    assert send(movies({}), use_celery=use_celery) == (202, [1])


def test_a_worker_acknowledges_before_the_work_and_keeps_no_results() -> None:
    """Late acks deliver a message that kills its worker for ever; a result backend costs seconds when Redis is down."""
    # in a process of its own: the module builds its settings on import and hangs itself on Celery's signals
    addresses = {"DATABASE_URL": "postgresql://unused.invalid/x", "REDIS_URL": "redis://unused.invalid/0"}
    done = subprocess.run(
        [sys.executable, "-c", WORKER],
        cwd=ROOT,
        env={**os.environ, **addresses},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout) == [False, False, True, "DisabledBackend"]


def test_the_api_waits_for_no_results() -> None:
    producer = create_producer(Settings(database_url="postgresql://unused.invalid/x"))
    assert isinstance(producer.backend, DisabledBackend)
    producer.close()
