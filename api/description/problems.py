"""From errors to `application/problem+json` (RFC 9457).

`type` leads to the code's paragraph of docs/errors.md, `title` is the error class's own sentence, `detail` says what
happened this time. Database and broker texts never reach a client: they may hold SQL, addresses or row values.
"""

import re
from http import HTTPStatus
from typing import Any, Final

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from api.description.problem_locations import MOST_TOLD, location, others, sentence
from api.http_errors import CodedError, status_of, title_of
from shared import errors
from shared.csv.unreadable import UnreadableFile

PROBLEM_JSON: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 5
# Where the codes are explained: relative to the API's address, whatever that is.
ERRORS_PATH: Final = "/errors"

# Codes of answers that are no error of ours.
INTERNAL: Final = "internal"
CODE_OF_STATUS: Final = {404: "route_not_found", 405: "method_not_allowed"}
# In the documentation it stands for all the other ones.
ANY_STATUS: Final = "http_nnn"

log = structlog.get_logger()

# SQLSTATE classes and codes after which the same request may succeed: connection lost, rolled back by a conflict, out
# of resources, server going down; lock or statement timeout.
_TRANSIENT_SQLSTATES: Final = ("08", "40", "53", "57", "55P03")
# What asking the database may raise; `is_database_away` tells which of them pass.
DATABASE_ERRORS: Final = (DBAPIError, PoolTimeoutError, ConnectionError, TimeoutError)


def is_database_away(error: Exception) -> bool:
    """Whether the database could not be asked now, so that the same request may succeed later."""
    if isinstance(error, OperationalError | InterfaceError | PoolTimeoutError | ConnectionError | TimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None) or ""
    return error.connection_invalidated or str(state).startswith(_TRANSIENT_SQLSTATES)


def type_of(code: str) -> str:
    """Where the code is explained (RFC 9457 allows a relative reference)."""
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
    """A problem document as a response; `fields` are further members of it."""
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
    """The problem document of an error of ours."""
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
    """The problem document of one of `DATABASE_ERRORS`; raises it again if it is a mistake of ours."""
    if not is_database_away(error):
        raise error
    log.warning("database_unavailable", error=type(error).__name__)
    return problem_of(request, errors.Unavailable("The database does not answer now; try again in a few seconds."))


def unexpected_problem(request: Request) -> Response:
    """What a client may know of an error that nobody foresaw: that it happened, and the trace id to ask about it."""
    return _from_status(request, HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong on our side.", INTERNAL)


def add_error_handlers(app: FastAPI) -> None:
    """Make every error a problem document; those that no handler knows are left to the middleware."""
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
    # each once: two dependencies may ask for the same
    found = list(dict.fromkeys((".".join(map(str, item["loc"])), item["msg"], item["type"]) for item in error.errors()))
    told = [location(*one) for one in found[:MOST_TOLD]] + others(len(found) - MOST_TOLD)
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return problem(
        request,
        status,
        code=errors.InvalidRequest.code,
        title="The request is not valid",
        detail=sentence(told),
        fields={"errors": told},
    )


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    code = CODE_OF_STATUS.get(status.value, f"http_{status.value}")
    headers = {**(error.headers or {}), **(_allow(request) if status == HTTPStatus.METHOD_NOT_ALLOWED else {})}
    return _from_status(request, status, str(error.detail), code, headers)


async def _on_database_error(request: Request, error: Exception) -> Response:
    return problem_of_database(request, error)


def _from_status(
    request: Request, status: HTTPStatus, detail: str, code: str, headers: dict[str, str] | None = None
) -> Response:
    return problem(request, status.value, code=code, title=status.phrase, detail=detail, headers=headers)


def _allow(request: Request) -> dict[str, str]:
    # Starlette names the methods of the first route at the address only, and /upload has one for each method.
    path = getattr(request.scope.get("route"), "path", "")
    methods = request.app.openapi()["paths"].get(path, {})
    return {"Allow": ", ".join(method.upper() for method in sorted(methods))} if methods else {}
