"""The Celery tasks: thin wrappers around `shared.ingest`."""

import time
from uuid import UUID

from celery import shared_task
from sqlalchemy.exc import SQLAlchemyError

from shared.ingest.pulling.schedule import pull_due
from shared.messaging import LOAD_TASK, PULL_DUE_TASK
from worker import runtime


class ScheduleUnread(Exception):
    """The sources could not be asked for; the next message asks again. The message has only the error's type."""


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


@shared_task(name=PULL_DUE_TASK, max_retries=0)
def pull_due_sources() -> None:
    """Make a pull of each source that is due; the pullers of workers and APIs carry them out."""
    if not runtime.settings().pull_hosts:
        return
    try:
        with runtime.engine() as engine:
            pull_due(engine)
    except SQLAlchemyError as error:
        raise ScheduleUnread(type(error).__name__) from None
