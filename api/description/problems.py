"""Convert errors to `application/problem+json` (RFC 9457).

`type` links to the code's section of docs/errors.md, `title` comes from the error class, `detail` says what happened
this time. A client never sees texts of the database or the broker: they may contain SQL, addresses or row values.
"""

import errno
import re
import socket
from http import HTTPStatus
from typing import Any, Final

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from api.description.invalid_values import message_of
from api.description.problem_locations import MOST_LISTED, detail_of, field_problem, not_listed
from api.http_errors import CodedError, status_of, title_of
from shared import errors
from shared.csv.unreadable import UnreadableFile
from shared.database.lock_table import is_lock_table_full, lock_table_full

PROBLEM_JSON: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 5
# The page that explains the codes, relative to the API's address.
ERRORS_PATH: Final = "/errors"

# Codes of answers that do not come from one of the project's error classes.
INTERNAL: Final = "internal"
CODE_OF_STATUS: Final = {404: "route_not_found", 405: "method_not_allowed"}
# The documentation explains all other statuses under this code.
ANY_STATUS: Final = "http_nnn"

log = structlog.get_logger()

# SQLSTATE classes and codes after which the same request may succeed: connection lost, rolled back because of a
# conflict, out of resources, server shutting down; lock or statement timeout.
_TRANSIENT_SQLSTATES: Final = ("08", "40", "53", "57", "55P03")
# asyncpg lets errors of the system through: nothing answers, there is no way to it, or its name is unknown.
_AWAY: Final = (OperationalError, InterfaceError, PoolTimeoutError, ConnectionError, TimeoutError, socket.gaierror)
_NO_WAY: Final = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN})
# What a query may raise; `is_database_away` says which of these errors are temporary.
DATABASE_ERRORS: Final = (DBAPIError, PoolTimeoutError, OSError)


def is_database_away(error: Exception) -> bool:
    """Whether the database is unavailable for now, so that the same request may succeed later."""
    if isinstance(error, _AWAY) or (isinstance(error, OSError) and error.errno in _NO_WAY):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None) or ""
    return error.connection_invalidated or str(state).startswith(_TRANSIENT_SQLSTATES)


def type_of(code: str) -> str:
    """The relative link to the explanation of the code (RFC 9457 allows a relative reference)."""
    is_status = re.fullmatch(r"http_\d{3}", code) is not None
    return f"{ERRORS_PATH}#{ANY_STATUS if is_status else code}"


def problem(
    request: Request,
    status: int,
    *,
    code: str,
    title: str,
    detail: str,
    fields: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """A problem document as a response; `fields` are its further members."""
    body = {
        **(fields or {}),
        "type": type_of(code),
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "trace_id": getattr(request.state, "trace_id", ""),
    }
    headers = {**(headers or {}), **_retry_after(status, fields or {})}
    return Response(orjson.dumps(body, default=str), status, headers, PROBLEM_JSON)


def _retry_after(status: int, fields: dict[str, Any]) -> dict[str, str]:
    if "retry_after_seconds" in fields:
        return {"Retry-After": str(fields["retry_after_seconds"])}
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.INSUFFICIENT_STORAGE):
        return {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return {}


def problem_of(
    request: Request,
    error: CodedError,
    fields: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """The problem document of one of the project's errors."""
    status = status_of(error)
    log.info("request_refused", code=error.code, status=status)
    return problem(
        request,
        status,
        code=error.code,
        title=title_of(type(error)),
        detail=error.message,
        fields={**error.fields, **(fields or {})},
        headers=headers,
    )


def problem_of_database(request: Request, error: Exception) -> Response:
    """The problem document of one of `DATABASE_ERRORS`; raises the error again if it is a bug and not an outage."""
    if is_lock_table_full(error):
        log.error("lock_table_full")
        return problem_of(request, lock_table_full())
    if not is_database_away(error):
        raise error
    log.warning("database_unavailable", error=type(error).__name__)
    return problem_of(request, errors.Unavailable("The database does not answer; try again in a few seconds."))


def unexpected_problem(request: Request) -> Response:
    """The problem document of an unexpected error. It has the trace id and no details."""
    return _from_status(request, HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong on our side.", INTERNAL)


def add_error_handlers(app: FastAPI) -> None:
    """Make every error a problem document; `UnexpectedErrorMiddleware` answers those without a handler."""
    app.add_exception_handler(errors.IngestError, _on_coded_error)
    app.add_exception_handler(UnreadableFile, _on_coded_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    for kind in DATABASE_ERRORS:
        app.add_exception_handler(kind, _on_database_error)


async def _on_coded_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, CodedError)
    return problem_of(request, error)


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # without repetitions: two dependencies may declare the same parameter
    found = list({(item["loc"], item["msg"], item["type"]): item for item in error.errors()}.values())
    problems = [
        field_problem(".".join(map(str, item["loc"])), message_of(item, request), item["type"])
        for item in found[:MOST_LISTED]
    ]
    problems += not_listed(len(found) - MOST_LISTED)
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return problem(
        request,
        status,
        code=errors.InvalidRequest.code,
        title="The request is not valid",
        detail=detail_of(problems),
        fields={"errors": problems},
    )


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    code = CODE_OF_STATUS.get(status.value, f"http_{status.value}")
    headers = dict(error.headers or {})
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = _allow(request, headers.get("Allow", ""))
    return _from_status(request, status, str(error.detail), code, headers)


async def _on_database_error(request: Request, error: Exception) -> Response:
    return problem_of_database(request, error)


def _from_status(
    request: Request, status: HTTPStatus, detail: str, code: str, headers: dict[str, str] | None = None
) -> Response:
    return problem(request, status.value, code=code, title=status.phrase, detail=detail, headers=headers)


def _allow(request: Request, of_route: str) -> str:
    # Starlette lists only the methods of the first route at an address, but /upload has one route for each method.
    path = getattr(request.scope.get("route"), "path", "")
    methods = {method.upper() for method in request.app.openapi()["paths"].get(path, ())} or set(of_route.split(", "))
    return ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))
