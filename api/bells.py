"""Bells: the two ways to tell a loader that an upload waits.

Either may fail without harm: the upload is committed before anybody rings, and the sweep rings again.
"""

import threading
import time
import uuid
from queue import SimpleQueue
from typing import Protocol

import structlog
from celery import Celery

from shared.messaging import BROKER_TRANSPORT_OPTIONS, LOAD_QUEUE, LOAD_TASK, PUBLISH_RETRY_POLICY
from shared.settings import Settings

log = structlog.get_logger()


class Bell(Protocol):
    """Something that an upload id can be sent to."""

    def ring(self, upload_id: uuid.UUID) -> bool:
        """Tell a loader; returns within `ring_timeout_seconds`, never raises, False if the bell did not sound."""


def create_producer(settings: Settings) -> Celery:
    """A Celery app that only sends: no result backend, so that sending subscribes to nothing; JSON only."""
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
    """One message on its way; `is_done` once it was sent or has failed."""

    def __init__(self, upload_id: uuid.UUID) -> None:
        self.upload_id = upload_id
        self.is_done = threading.Event()
        self.is_sent = False


class CeleryBell:
    """Sends a Celery message, in one thread of its own: who rings waits for it only so long.

    A hung broker holds that thread for seconds, up to its socket timeouts. While it does, nobody waits again. The
    thread is a daemon, so that it cannot hold up the end of the process either.
    """

    def __init__(self, settings: Settings) -> None:
        self._producer = create_producer(settings)
        self._timeout_seconds = settings.ring_timeout_seconds
        self._messages: SimpleQueue[_Message | None] = SimpleQueue()
        self._stuck: _Message | None = None
        threading.Thread(target=self._send_all, name="celery-bell", daemon=True).start()

    def ring(self, upload_id: uuid.UUID) -> bool:
        """Send the message, or leave it to the sweep when the broker hangs."""
        stuck = self._stuck
        if stuck is not None and not stuck.is_done.is_set():
            log.warning("ring_skipped", bell="celery", upload_id=str(upload_id))
            return False
        message = _Message(upload_id)
        self._messages.put(message)
        if not message.is_done.wait(self._timeout_seconds):
            self._stuck = message
            log.warning("ring_timed_out", bell="celery", upload_id=str(upload_id), seconds=self._timeout_seconds)
        return message.is_sent

    def close(self) -> None:
        """End the thread; a hung message is left behind."""
        self._messages.put(None)

    def _send_all(self) -> None:
        while (message := self._messages.get()) is not None:
            self._send(message)
        self._producer.close()

    def _send(self, message: _Message) -> None:
        upload_id, started = str(message.upload_id), time.perf_counter()
        try:
            self._producer.send_task(LOAD_TASK, args=[upload_id], queue=LOAD_QUEUE, ignore_result=True)
        except Exception as error:  # noqa: BLE001  whatever it is, the sweep rings again, and the text may hold the URL
            log.warning("ring_failed", bell="celery", upload_id=upload_id, error=type(error).__name__)
        else:
            message.is_sent = True
            milliseconds = round((time.perf_counter() - started) * 1000, 1)
            log.info("rung", bell="celery", upload_id=upload_id, milliseconds=milliseconds)
        finally:
            message.is_done.set()


class Bells:
    """Both bells; an upload says which one is its own."""

    def __init__(self, celery: Bell, background: Bell) -> None:
        self._celery = celery
        self._background = background

    def ring(self, upload_id: uuid.UUID, use_celery: bool) -> bool:
        """Ring the upload's own bell; bounded, never raises, False if it did not sound."""
        return (self._celery if use_celery else self._background).ring(upload_id)
