"""kombu's Redis transport, changed so that an unreadable message does not end the worker.

kombu decodes a message in the worker's event loop. Any error there would end the worker with an "unrecoverable error",
and the next unreadable message would end the next worker.
"""

from typing import Any

import structlog
from kombu.transport import TRANSPORT_ALIASES, redis

log = structlog.get_logger()

# The errors from bytes that are not text, text that is not JSON or nested too deeply, and JSON that is not a message.
_GARBAGE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


class Channel(redis.Channel):
    """A channel that drops unreadable messages. It logs the kind of error and never the content."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]  # the stubs lack it
        except _GARBAGE as error:
            log.error("message_unreadable", error=type(error).__name__)
            return True


class Transport(redis.Transport):
    """kombu's transport with this channel."""

    Channel = Channel


def install() -> None:
    """Replace kombu's transport in this process, for the URL schemes `redis` and `rediss`."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:{Transport.__name__}"
