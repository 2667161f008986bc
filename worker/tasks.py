"""The Celery task: a thin wrapper around `shared.ingest`."""

import time
from uuid import UUID

from celery import shared_task

from shared.messaging import LOAD_TASK
from worker import runtime


class LoadCrashed(Exception):
    """A load ended with an unexpected error. The message has only the error's type, because Flower shows it."""


@shared_task(name=LOAD_TASK, max_retries=0)
def load_upload(upload_id: str) -> None:
    """Answer a notification for a slice of time. If there is more to do, notify again: that message goes to the end."""
    slice_ends = time.monotonic() + runtime.settings().task_slice_seconds
    notified_id = UUID(upload_id)
    try:
        if runtime.loader().answer(notified_id, lambda: runtime.is_stopping() or time.monotonic() > slice_ends):
            runtime.notify(notified_id)
    except Exception as error:  # noqa: BLE001  the loader has logged it
        # Celery would log the error's text and send it to Flower, and a database error quotes the row.
        raise LoadCrashed(type(error).__name__) from None
