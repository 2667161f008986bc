"""The Celery application. PostgreSQL holds the truth; a message is only a notification and may be lost.

Start it with `celery -A worker.app:app worker --queues=ingest.load`.
"""

import sys

from celery import Celery
from pydantic import ValidationError

from shared.messaging import BROKER_TRANSPORT_OPTIONS, LOAD_QUEUE, LOAD_TASK, PUBLISH_RETRY_POLICY, PULL_DUE_TASK
from shared.settings import Settings, wrong_settings
from shared.starting import import_once
from worker import broker_transport

# Only this module builds settings on import: Celery's command line takes an application, not a factory.
try:
    settings = Settings()
except ValidationError as error:
    sys.exit(f"worker: settings: {wrong_settings(error)}")
broker_transport.install()
app = Celery("imdb-ingest", broker=settings.redis_url, include=["worker.tasks"])
app.conf.update(
    # JSON only: with pickle, anyone who can write to the broker could run code in the worker.
    task_serializer="json",
    accept_content=["json"],
    result_accept_content=["json"],
    # No results: PostgreSQL has the outcome. A result backend also makes every publish subscribe to the broker, which
    # took 19 s instead of 1 s while the broker was down.
    task_ignore_result=True,
    result_backend=None,
    task_default_queue=LOAD_QUEUE,
    task_routes={LOAD_TASK: {"queue": LOAD_QUEUE}, PULL_DUE_TASK: {"queue": LOAD_QUEUE}},
    # A worker acknowledges a message before the work, because the sweep recovers interrupted work. With late
    # acknowledgement Celery redelivers a poisonous message for ever (187 times in 40 s) and runs long tasks twice.
    task_acks_late=False,
    task_reject_on_worker_lost=False,
    # A busy worker must not reserve notifications that an idle worker could take.
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    # A task works for a slice of time and then notifies again; only an index build on a huge upload takes longer. The
    # limit frees the pool process of a task that hangs. No soft limit: it would raise anywhere, even inside a commit.
    task_soft_time_limit=None,
    task_time_limit=3600,
    worker_max_tasks_per_child=1000,
    worker_max_memory_per_child=1_500_000,  # KiB; checked after a task
    # Wait for the broker without end, at the start and later; by default Celery gives up after 100 tries.
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_channel_error_retry=True,
    broker_transport_options=BROKER_TRANSPORT_OPTIONS,
    task_publish_retry_policy=PUBLISH_RETRY_POLICY,
    # Beat sends one message a minute, which asks PostgreSQL for the sources that are due. Any number of beats may run,
    # or none: each API and worker asks, too (decision 62). Nothing is kept in a file.
    beat_schedule={"pull-due-sources": {"task": PULL_DUE_TASK, "schedule": 60.0, "options": {"expires": 55}}},
    beat_scheduler="celery.beat:Scheduler",
    # Flower needs events; start the worker with -E if you run Flower.
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
)
import_once("worker.runtime").install(app, settings)
