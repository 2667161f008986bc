"""Structured logs: one static event name per line, values as fields, identifiers bound once, no contents of rows."""

import logging
import re
import sys
import threading
from types import TracebackType

import structlog

from shared.observability.metrics import LOGGED, record
from shared.observability.spans import current_span, w3c_trace_id
from shared.observability.starting import error_reports
from shared.settings import Settings
from shared.tracebacks import without_values

log = structlog.get_logger()

_TROUBLE = ("warning", "error", "critical")
# Characters that could begin a new line, or control a terminal.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def configure(settings: Settings, service: str) -> None:
    """Send the log records of structlog and of the standard library to stdout, as JSON or as text for a terminal."""
    shared_processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_service(service),
        _add_span,
        _count,
        *error_reports(settings, service),
        structlog.processors.ExceptionRenderer(without_values),
    ]
    renderers: list[structlog.typing.Processor] = (
        [structlog.processors.JSONRenderer()]
        if settings.log_format == "json"
        else [_on_one_line, structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())]
    )
    structlog.configure(
        processors=[*shared_processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log_level)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared_processors,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    # Of each step of a fetch it would log the address, which may have a secret in its query, and the headers.
    logging.getLogger("httpcore").setLevel(logging.WARNING)
    sys.excepthook = _log_end_of_process
    threading.excepthook = _log_end_of_thread


def _log_end_of_process(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """In place of Python's own, which prints the error's message whatever it quotes."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        log.critical("process_died", exc_info=(kind, error, trace))


def _log_end_of_thread(ended: threading.ExceptHookArgs) -> None:
    error, thread = ended.exc_value, ended.thread
    if error is not None and not isinstance(error, SystemExit):
        exc_info = (ended.exc_type, error, ended.exc_traceback)
        log.critical("thread_died", thread="" if thread is None else thread.name, exc_info=exc_info)


def _add_service(service: str) -> structlog.typing.Processor:
    def add(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return {"service": service, **event}

    return add


def _add_span(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """The id of the current span; and that of its trace, if the client's is not one by itself."""
    if (span := current_span()) is None:
        return event
    event["span_id"] = f"{span.span_id:016x}"
    known = event.get("trace_id", "")
    return event if known == w3c_trace_id(known) else {**event, "w3c_trace_id": f"{span.trace_id:032x}"}


def _count(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if (level := event["level"]) in _TROUBLE:
        record(LOGGED, 1, level)
    return event


def _on_one_line(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Escape control characters, so that no value can forge a log line in the console format.

    JSON escapes them anyway. Tracebacks are our own text and stay as they are.
    """
    return {
        name: _CONTROL.sub(lambda found: ascii(found[0])[1:-1], value)
        if isinstance(value, str) and name != "exception"
        else value
        for name, value in event.items()
    }
