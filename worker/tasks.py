"""The tasks: envelopes around `shared.ingest`."""

import time
from uuid import UUID

from celery import shared_task

from shared.messaging import LOAD_TASK
from worker import lifecycle


@shared_task(name=LOAD_TASK, max_retries=0)
def load_upload(upload_id: str) -> None:
    """Load an upload for a slice of time; if there is more to do, ring again behind the others."""
    turn_ends = time.monotonic() + lifecycle.settings().task_slice_seconds
    if lifecycle.loader().load(UUID(upload_id), lambda: lifecycle.is_stopping() or time.monotonic() > turn_ends):
        load_upload.delay(upload_id)
