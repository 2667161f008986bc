"""Notifiers: the two ways to notify a loader of a waiting upload.

A notification may be lost without harm: the upload is committed before it is sent, and the sweep notifies again.
"""

import contextvars
import threading
import time
import uuid
from queue import SimpleQueue
from typing import Protocol

import structlog
from celery import Celery

from shared.messaging import BROKER_TRANSPORT_OPTIONS, LOAD_QUEUE, LOAD_TASK, PUBLISH_RETRY_POLICY, Transport
from shared.observability.metrics import NOTIFICATIONS, record
from shared.settings import Settings

log = structlog.get_logger()


class Notifier(Protocol):
    """Sends an upload id to a loader."""

    def notify(self, upload_id: uuid.UUID) -> bool:
        """Send a notification within `notify_timeout_seconds`. Never raises; returns False if it was not sent."""


def create_producer(settings: Settings) -> Celery:
    """A Celery app that only sends, in JSON. It has no result backend, so that sending subscribes to nothing."""
    producer = Celery("ingest-api", broker=settings.redis_url, set_as_current=False)
    producer.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        result_backend=None,
        broker_transport_options=BROKER_TRANSPORT_OPTIONS,
        task_publish_retry_policy=PUBLISH_RETRY_POLICY,
        task_default_queue=LOAD_QUEUE,
    )
    return producer


class _Message:
    """One message on its way; `is_done` is set once it was sent or sending failed."""

    def __init__(self, upload_id: uuid.UUID) -> None:
        self.upload_id = upload_id
        self.is_done = threading.Event()
        self.is_sent = False
        # the identifiers of the request, for the lines of the log
        self.context = contextvars.copy_context()


class CeleryNotifier:
    """Sends Celery messages in one thread of its own, so that a caller waits only for `notify_timeout_seconds`.

    A broker that hangs blocks that thread for seconds, up to the socket timeouts. In this time `notify` skips further
    messages instead of waiting again. The thread is a daemon, so that it cannot delay the end of the process.
    """

    def __init__(self, settings: Settings) -> None:
        self._producer = create_producer(settings)
        self._timeout_seconds = settings.notify_timeout_seconds
        self._messages: SimpleQueue[_Message | None] = SimpleQueue()
        self._stuck: _Message | None = None
        threading.Thread(target=self._send_all, name="celery-notifier", daemon=True).start()

    def notify(self, upload_id: uuid.UUID) -> bool:
        """Send a message; if the broker hangs, return False and leave the notification to the sweep."""
        stuck = self._stuck
        if stuck is not None and not stuck.is_done.is_set():
            log.warning("notification_skipped", notifier="celery", upload_id=str(upload_id))
            return False
        message = _Message(upload_id)
        self._messages.put(message)
        if not message.is_done.wait(self._timeout_seconds):
            self._stuck = message
            log.warning(
                "notification_timed_out", notifier="celery", upload_id=str(upload_id), seconds=self._timeout_seconds
            )
        return message.is_sent

    def close(self) -> None:
        """Let the thread end; does not wait for a message that hangs."""
        self._messages.put(None)

    def _send_all(self) -> None:
        while (message := self._messages.get()) is not None:
            message.context.run(self._send, message)
        self._producer.close()

    def _send(self, message: _Message) -> None:
        upload_id, started = str(message.upload_id), time.perf_counter()
        try:
            self._producer.send_task(LOAD_TASK, args=[upload_id], queue=LOAD_QUEUE, ignore_result=True)
        except Exception as error:  # noqa: BLE001  the sweep notifies again; the text may contain the URL
            log.warning("notification_failed", notifier="celery", upload_id=upload_id, error=type(error).__name__)
        else:
            message.is_sent = True
            milliseconds = round((time.perf_counter() - started) * 1000, 1)
            log.info("notified", notifier="celery", upload_id=upload_id, milliseconds=milliseconds)
        finally:
            message.is_done.set()


class Notifiers:
    """The notifiers by transport."""

    def __init__(self, celery: Notifier, background: Notifier) -> None:
        self._by_transport = {Transport.CELERY: celery, Transport.BACKGROUND: background}

    def notify(self, upload_id: uuid.UUID, transport: Transport) -> bool:
        """Notify loaders by the upload's transport. Never raises; returns False if the notification was not sent."""
        is_sent = self._by_transport[transport].notify(upload_id)
        record(NOTIFICATIONS, 1, transport, "sent" if is_sent else "failed")
        return is_sent
