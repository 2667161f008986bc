"""Celery's way to Redis, for which a message that is none is no reason to end.

kombu takes a message apart where the worker's event loop reads it: whatever is wrong with it would end the worker as an
"unrecoverable error", and the next message of that kind the next worker.
"""

from typing import Any

import structlog
from kombu.transport import TRANSPORT_ALIASES, redis

log = structlog.get_logger()

# What bytes that are no text, text that is no JSON or nested too deeply, and JSON that is no message end in.
_GARBAGE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


class Channel(redis.Channel):
    """One that drops messages which cannot be read, and tells so without their contents."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]  # the stubs lack it
        except _GARBAGE as error:
            log.error("message_unreadable", error=type(error).__name__)
            return True


class Transport(redis.Transport):
    """kombu's, with our channels."""

    Channel = Channel


def install() -> None:
    """Take the place of kombu's transport, for this process, under the names by which it goes in addresses."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:{Transport.__name__}"
