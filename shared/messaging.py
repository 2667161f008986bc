"""The names and wire settings that a producer (API) and a consumer (worker) of messages must agree on.

A message is a doorbell: it holds one upload id, may vanish and may come twice. Postgres knows what is to be done.
"""

from typing import Any, Final

LOAD_QUEUE: Final = "ingest.load"
QUEUES: Final = (LOAD_QUEUE,)

LOAD_TASK: Final = "ingest.load_upload"

# One more try, at once: with the broker down a message then fails in a fraction of a second, and the sweep is better at
# waiting than whoever rings.
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
