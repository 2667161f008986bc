"""The tasks: envelopes around `shared.ingest`."""

import time
from uuid import UUID

import structlog
from celery import shared_task

from shared.messaging import LOAD_TASK
from worker import lifecycle

log = structlog.get_logger()


class LoadCrashed(Exception):
    """A load ended with an error that nobody foresaw; only its kind is told, because Flower shows it to people."""


@shared_task(name=LOAD_TASK, max_retries=0)
def load_upload(upload_id: str) -> None:
    """Load an upload for a slice of time; if there is more to do, ring again behind the others."""
    turn_ends = time.monotonic() + lifecycle.settings().task_slice_seconds
    try:
        if lifecycle.loader().load(UUID(upload_id), lambda: lifecycle.is_stopping() or time.monotonic() > turn_ends):
            load_upload.delay(upload_id)
    except Exception as error:
        # Celery would log the error's own text and send it to Flower, and a database's error quotes the row.
        log.exception("load_crashed", upload_id=upload_id)
        raise LoadCrashed(type(error).__name__) from None
