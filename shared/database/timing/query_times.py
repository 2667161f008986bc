"""Measures each statement that a request sends: for the request's line in the log, and for lines of its own.

What no request sends is not measured: the sweep, merging, the loaders.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import structlog
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext, ExecutionContext

from shared.database.timing.statement_names import sent_by

log = structlog.get_logger()

_STARTED: Final = "statement_started"


class Origin(NamedTuple):
    """What is needed to ask for the plan of a statement: of its parameters only the names, or their number.

    `engine`: what has run it, None if it was read by asyncpg or for an export. `tenant` and `upload_number` are those
    of `tenancy.tenant_reading`, None if it was no transaction of a tenant; `settings`: those of the planner in it.
    """

    sql: str
    parameters: int | tuple[str, ...]
    engine: Engine | None
    tenant: str | None
    upload_number: int | None = None
    settings: tuple[str, ...] = ()


class SentStatement(NamedTuple):
    """A statement that has ended. `error`: its SQLSTATE, or the type of what ended it; `origin`: None for many sets."""

    name: str
    milliseconds: float
    rows: int | None
    error: str | None
    origin: Origin | None

    def to_log(self) -> dict[str, Any]:
        """Fields of a line of the log; those that are unknown are absent."""
        fields = {"statement": self.name, "milliseconds": round(self.milliseconds, 1), "rows": self.rows}
        return {name: value for name, value in {**fields, "error": self.error}.items() if value is not None}


@dataclass(slots=True)
class RequestQueries:
    """What a request has sent so far, also from threads, which work for it one after the other.

    `route`: the template of its route, once that is found; `consider`: takes each statement, in any thread.
    """

    route: Callable[[], str]
    consider: Callable[[SentStatement, Callable[[], str]], None]
    count: int = field(default=0, init=False)
    milliseconds: float = field(default=0.0, init=False)

    def add(self, sent: SentStatement) -> None:
        """Count a statement."""
        self.count += 1
        self.milliseconds += sent.milliseconds
        if log.is_enabled_for(logging.DEBUG):
            log.debug("query", route=self.route(), **sent.to_log())
        self.consider(sent, self.route)


_request: ContextVar[RequestQueries | None] = ContextVar("request", default=None)


@contextmanager
def measuring(queries: RequestQueries) -> Iterator[None]:
    """Add what is sent in this context, and in tasks and threads that begin in it, to `queries`."""
    token = _request.set(queries)
    try:
        yield
    finally:
        _request.reset(token)


class Stopwatch:
    """The time that goes by from now on, without that within `paused` blocks."""

    def __init__(self) -> None:
        self._started = time.perf_counter()

    @property
    def milliseconds(self) -> float:
        """So far."""
        return (time.perf_counter() - self._started) * 1000

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The block does not wait for the database."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._started += time.perf_counter() - began


@contextmanager
def measured(name: str, origin: Origin) -> Iterator[Stopwatch]:
    """The block is a statement that bypasses SQLAlchemy."""
    stopwatch, error = Stopwatch(), None
    try:
        yield stopwatch
    except BaseException as raised:
        error = _error_name(raised)
        raise
    finally:
        if (queries := _request.get()) is not None:
            queries.add(SentStatement(name, stopwatch.milliseconds, None, error, origin))


def measure(engine: Engine) -> None:
    """Measure what requests send through this engine."""
    event.listen(engine, "before_cursor_execute", _begin)
    event.listen(engine, "after_cursor_execute", _end)
    event.listen(engine, "handle_error", _fail)


def _begin(
    connection: Connection, _cursor: Any, sql: str, _parameters: Any, context: ExecutionContext, _is_many: bool
) -> None:
    if _request.get() is not None:
        if context.execution_options.get("is_planner_setting"):
            before = connection.get_execution_options().get("planner_settings", ())
            connection.execution_options(planner_settings=(*before, sql))
        connection.info[_STARTED] = Stopwatch()


def _end(
    connection: Connection, cursor: Any, sql: str, parameters: Any, context: ExecutionContext, is_many: bool
) -> None:
    if (queries := _request.get()) is not None:
        rows = cursor.rowcount if cursor.rowcount >= 0 else None
        origin = None if is_many else _origin(connection, sql, parameters)
        queries.add(SentStatement(_name_of(context), _elapsed(connection), rows, None, origin))


def _fail(failure: ExceptionContext) -> None:
    """Also of connections that cannot be opened, which is no statement."""
    queries, connection, context = _request.get(), failure.connection, failure.execution_context
    if queries is None or connection is None or context is None or _STARTED not in connection.info:
        return
    is_single = failure.statement is not None and not context.executemany
    origin = _origin(connection, failure.statement or "", failure.parameters) if is_single else None
    error = _error_name(failure.original_exception)
    queries.add(SentStatement(_name_of(context), _elapsed(connection), None, error, origin))


def _name_of(context: ExecutionContext) -> str:
    return context.execution_options.get("statement_name") or sent_by()


def _elapsed(connection: Connection) -> float:
    stopwatch: Stopwatch = connection.info.pop(_STARTED)
    return stopwatch.milliseconds


def _origin(connection: Connection, sql: str, parameters: Any) -> Origin:
    options = connection.get_execution_options()
    return Origin(
        sql,
        tuple(parameters) if isinstance(parameters, dict) else len(parameters),
        None if connection.dialect.is_async else connection.engine,
        options.get("tenant"),
        options.get("upload_number"),
        options.get("planner_settings", ()),
    )


def _error_name(error: BaseException) -> str:
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    return str(state or type(error).__name__)
