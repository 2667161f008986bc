"""The Celery application. Postgres is the truth; a message is only a notification, so none is worth keeping.

Start it with `celery -A worker.app:app worker --queues=ingest.load`.
"""

from celery import Celery

from shared.messaging import BROKER_TRANSPORT_OPTIONS, LOAD_QUEUE, LOAD_TASK, PUBLISH_RETRY_POLICY
from shared.settings import Settings
from worker import broker_transport, runtime

# The one module that builds settings on import: Celery's command line takes an application, not a factory.
settings = Settings()
broker_transport.install()
app = Celery("imdb-ingest", broker=settings.redis_url, include=["worker.tasks"])
app.conf.update(
    # Messages hold ids. Pickle would give a shell to whoever reaches Redis.
    task_serializer="json",
    accept_content=["json"],
    result_accept_content=["json"],
    # No results: what happened stands in Postgres. A result backend also makes every publish subscribe to Redis, which
    # turned 1 s into 19 s when Redis was down.
    task_ignore_result=True,
    result_backend=None,
    task_default_queue=LOAD_QUEUE,
    task_routes={LOAD_TASK: {"queue": LOAD_QUEUE}},
    # The message is acknowledged before the work: the sweep owns recovery. Late acks redeliver poison for ever (187
    # times in 40 s) and run long tasks twice.
    task_acks_late=False,
    task_reject_on_worker_lost=False,
    # A busy worker must not hoard notifications that an idle one could answer.
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    # A task works for a slice and rings again; only an index build on a huge upload takes long. This limit frees the
    # slot of a task that hangs for good. No soft limit: it raises at any bytecode, even inside a commit.
    task_soft_time_limit=None,
    task_time_limit=3600,
    worker_max_tasks_per_child=1000,
    worker_max_memory_per_child=1_500_000,  # KiB; checked after a task
    # Wait for the broker for ever, at start and later; the default gives up after 100 tries.
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_channel_error_retry=True,
    broker_transport_options=BROKER_TRANSPORT_OPTIONS,
    task_publish_retry_policy=PUBLISH_RETRY_POLICY,
    # Flower needs events; start the worker with -E where it runs.
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
)
runtime.install(app, settings)
