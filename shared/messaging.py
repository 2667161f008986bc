"""What producers (the API) and consumers (the workers) of notifications share: transports, names, wire settings.

A notification holds one upload id. It may get lost or arrive twice: PostgreSQL knows what is to be done.
"""

from enum import StrEnum
from typing import Any, Final


class Transport(StrEnum):
    """How loaders are notified of an upload: by a Celery message, or by the API's own background loaders."""

    CELERY = "celery"
    BACKGROUND = "background"

    @classmethod
    def of(cls, *, use_celery: bool) -> "Transport":
        """The transport that the public parameter `use_celery` means."""
        return cls.CELERY if use_celery else cls.BACKGROUND


LOAD_QUEUE: Final = "ingest.load"
QUEUES: Final = (LOAD_QUEUE,)

LOAD_TASK: Final = "ingest.load_upload"
PULL_DUE_TASK: Final = "ingest.pull_due_sources"

# One immediate retry: while the broker is down, a message then fails in a fraction of a second. Waiting is left to the
# sweep, and the process that notifies does not wait.
PUBLISH_RETRY_POLICY: Final[dict[str, float]] = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.2,
}

# Without socket_timeout a hung Redis blocks a publish for ever, because kombu waits before its own checks run. With
# these settings a hung Redis costs 5 s, in a thread that no request waits for, and a stopped one 0.3 s. The two
# `unacked_restore` values concern only messages that a dying worker had taken and not acknowledged: they are back
# within seconds instead of up to 100 s.
BROKER_TRANSPORT_OPTIONS: Final[dict[str, Any]] = {
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "visibility_timeout": 3600,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 2,
}
