"""Spans of a trace: from a request through its upload to each batch, over all processes.

The id of a trace is the trace id of the request, which the upload keeps. The span in which an upload was registered has
an id that follows from the upload's: so a loader knows its parent, whichever way it was notified, without a message
that says so. Without an exporter no span is made.
"""

import hashlib
import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final
from uuid import UUID

Attribute = str | int | float | bool


class Kind(Enum):
    """What a span is to other processes; the names are OpenTelemetry's."""

    INTERNAL = auto()
    SERVER = auto()
    PRODUCER = auto()
    CONSUMER = auto()


@dataclass(slots=True)
class Span:
    """A piece of work in a trace. Times are nanoseconds since 1970; `error` is the type of what was raised."""

    name: str
    trace_id: int
    span_id: int
    parent_id: int | None
    kind: Kind = Kind.INTERNAL
    started_ns: int = field(default_factory=time.time_ns)
    ended_ns: int = 0
    attributes: dict[str, Attribute] = field(default_factory=dict)
    error: str | None = None


@dataclass(slots=True)
class _Process:
    export: Callable[[Span], None] | None = None
    ratio: float = 1.0


_process = _Process()
_current: ContextVar[Span | None] = ContextVar("span", default=None)
_W3C_ID: Final = re.compile(r"(?!0{32})[0-9a-f]{32}")
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")
_LOW: Final = 2**64 - 1
# The part of a trace id that is random in every kind of id, a UUID's included.
_RANDOM: Final = 2**56 - 1
# One for all: it keeps nothing.
_NO_SPAN: Final = nullcontext(None)


def export_with(export: Callable[[Span], None] | None, ratio: float = 1.0) -> None:
    """Make spans and pass each to `export` when it ends: for this share of all traces, the same in each process."""
    _process.export, _process.ratio = export, ratio


def w3c_trace_id(trace_id: str) -> str:
    """The trace id as 32 hexadecimal digits: itself if it is that, also with hyphens; otherwise a hash of it."""
    plain = trace_id.replace("-", "").lower()
    return plain if _W3C_ID.fullmatch(plain) else hashlib.blake2b(trace_id.encode(), digest_size=16).hexdigest()


def traceparent(header: str) -> tuple[str, int] | None:
    """The trace id and the span that a caller says it is in (W3C Trace Context); None if it says neither."""
    found = _TRACEPARENT.fullmatch(header)
    return None if found is None or header.startswith("ff") else (found[1], int(found[2], 16))


def span_of_upload(upload_id: UUID) -> int:
    """The id of the span in which this upload was registered: the second half of its own, which is random."""
    return upload_id.int & _LOW


def trace(
    name: str, trace_id: str, parent_id: int | None, kind: Kind, **attributes: Attribute
) -> AbstractContextManager[Span | None]:
    """A span that begins this process's part of a trace; None if it is not exported."""
    if _process.export is None:
        return _NO_SPAN
    number = int(w3c_trace_id(trace_id), 16)
    if (number & _RANDOM) >= _process.ratio * 2**56:
        return _NO_SPAN
    return _running(Span(name, number, _new_id(), parent_id, kind, attributes=attributes))


def span(name: str, kind: Kind = Kind.INTERNAL, **attributes: Attribute) -> AbstractContextManager[Span | None]:
    """A span within the current one; None outside of any."""
    parent = _current.get()
    if parent is None:
        return _NO_SPAN
    return _running(Span(name, parent.trace_id, _new_id(), parent.span_id, kind, attributes=attributes))


def current_span() -> Span | None:
    """The span that runs here."""
    return _current.get()


@contextmanager
def _running(running: Span) -> Iterator[Span]:
    token = _current.set(running)
    try:
        yield running
    except BaseException as error:
        running.error = type(error).__name__
        raise
    finally:
        _current.reset(token)
        running.ended_ns = time.time_ns()
        if _process.export is not None:
            _process.export(running)


def _new_id() -> int:
    return random.getrandbits(64) or 1  # nosec B311  a name, no secret
