"""The tasks: envelopes around `shared.ingest`."""

import time
from uuid import UUID

from celery import shared_task

from shared.messaging import LOAD_TASK
from worker import runtime


class LoadCrashed(Exception):
    """A load ended with an error that nobody foresaw; only its kind is told, because Flower shows it to people."""


@shared_task(name=LOAD_TASK, max_retries=0)
def load_upload(upload_id: str) -> None:
    """Answer a bell for a slice of time; if there is more to do, ring again behind the others."""
    slice_ends = time.monotonic() + runtime.settings().task_slice_seconds
    notified_id = UUID(upload_id)
    try:
        if runtime.loader().answer(notified_id, lambda: runtime.is_stopping() or time.monotonic() > slice_ends):
            runtime.notify(notified_id)
    except Exception as error:  # noqa: BLE001  it is in the log
        # Celery would log the error's own text and send it to Flower, and a database's error quotes the row.
        raise LoadCrashed(type(error).__name__) from None
