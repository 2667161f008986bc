"""What a producer (the API) and a consumer (a worker) of notifications must agree on: transports, names, wire settings.

A notification holds one upload id. It may be lost and may arrive twice: PostgreSQL knows what there is to do.
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

# One more try, at once: with the broker down a message then fails in a fraction of a second. The sweep is better at
# waiting than the process that notifies.
PUBLISH_RETRY_POLICY: Final[dict[str, float]] = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.2,
}

# Without socket_timeout a hung Redis blocks a publish for ever (kombu waits before its own checks run); with these a
# hung one costs 5 s in a thread nobody waits for and a stopped one 0.3 s. The two `unacked_restore` values matter only
# for messages that a dying worker had taken and not acknowledged: back in seconds instead of up to 100 s.
BROKER_TRANSPORT_OPTIONS: Final[dict[str, Any]] = {
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "visibility_timeout": 3600,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 2,
}
