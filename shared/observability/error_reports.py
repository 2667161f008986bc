"""Sends errors that nobody expected to Sentry. Imported only where a DSN is set: it takes 0.1 s.

A report is made here, of a list of what it may hold: types, messages that hold no values (`shared.tracebacks`), files,
lines and functions, and identifiers. It has no variables, no source lines, no headers, no parameters and no fields of
the log but those identifiers. Sentry's own integrations are off: they would collect all of that.
"""

import atexit
import os
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, Final, cast

import structlog
from sentry_sdk import Client
from sentry_sdk.types import Event

from shared.tracebacks import ExceptionInfo, chain_of, safe_message

# Fields of a line of the log that identify and contain nothing.
_TAGS: Final = ("service", "trace_id", "upload_id", "batch", "code")
# What of an event is sent. Sentry's client adds more, as the name of the machine and the arguments of the process.
_SENT: Final = frozenset(
    {
        *("event_id", "timestamp", "platform", "environment", "release"),
        *("level", "logger", "transaction", "exception", "tags"),
    }
)
_END_SECONDS: Final = 2.0
_ROOT: Final = str(Path(__file__).resolve().parents[2])


class ErrorReports:
    """A processor for structlog that reports each line with an exception, and lets it pass."""

    def __init__(self, dsn: str, service: str) -> None:
        self._service = service
        self._client = Client(
            dsn,
            default_integrations=False,
            auto_enabling_integrations=False,
            include_local_variables=False,
            include_source_context=False,
            send_default_pii=False,
            max_breadcrumbs=0,
            send_client_reports=False,
            auto_session_tracking=False,
            before_send=_without_what_was_added,
            shutdown_timeout=_END_SECONDS,
        )
        atexit.register(self.close)

    def __call__(self, _logger: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        """See `structlog.typing.Processor`."""
        if (exc_info := exception_of(event)) is not None:
            self._client.capture_event(report(exc_info, method, {"service": self._service, **event}))
        return event

    def close(self) -> None:
        """Send what is left, within seconds."""
        self._client.close(timeout=_END_SECONDS)


def report(exc_info: ExceptionInfo, level: str, line: dict[str, Any]) -> Event:
    """The event for Sentry."""
    return {
        "level": "warning" if level == "warning" else "error",
        "logger": "imdb-ingest",
        "transaction": str(line.get("event", "")),
        "exception": {"values": [_shown(error) for error in chain_of(exc_info[1])]},
        "tags": {name: str(line[name]) for name in _TAGS if name in line},
    }


def exception_of(event: structlog.typing.EventDict) -> ExceptionInfo | None:
    """The exception of a line of the log, in whichever of logging's three ways the line has it."""
    given: Any = event.get("exc_info")
    if isinstance(given, BaseException):
        return type(given), given, given.__traceback__
    found = sys.exc_info() if given is True else given
    return found if isinstance(found, tuple) and found[1] is not None else None


def _without_what_was_added(event: Event, _hint: dict[str, Any]) -> Event:
    return cast("Event", {name: value for name, value in event.items() if name in _SENT})


def _shown(error: BaseException) -> dict[str, Any]:
    return {
        "type": type(error).__qualname__,
        "module": type(error).__module__,
        "value": safe_message(error),
        "stacktrace": {"frames": _frames(error.__traceback__)},
    }


def _frames(trace: TracebackType | None) -> list[dict[str, Any]]:
    return [
        {
            "filename": os.path.relpath(frame.f_code.co_filename, _ROOT),
            "module": frame.f_globals.get("__name__", ""),
            "function": frame.f_code.co_name,
            "lineno": line,
            "in_app": frame.f_code.co_filename.startswith(_ROOT),
        }
        for frame, line in traceback.walk_tb(trace)
    ]
