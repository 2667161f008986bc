"""Every request needs a key, but for a few: it is looked at before one byte of the body is read.

What is not on the list of the public is closed, so a route that nobody thought of here is closed, too. A key is asked
of the database each time (one row, by its primary key): one that is revoked ends with the next request. Where the
database does not answer, nobody is let in.
"""

from ipaddress import ip_address
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.dependencies import runtime_of
from api.description.problems import DATABASE_ERRORS, problem_of, problem_of_database
from api.http_errors import KeyExpired, KeyInvalid, KeyRequired, ScopeMissing
from api.middleware.client import Client
from shared.database.queries.api_keys import key_by_id, note_use
from shared.database.tenancy import key_transaction
from shared.errors import IngestError
from shared.keys.api_key import Key, parse_key

KEY_HEADER: Final = "X-API-Key"
PUBLIC_PATHS: Final = frozenset({"/api/v1/ping", "/healthz", "/api/v1/healthz", "/api/v1/health/db", "/errors"})
DOCS_PATHS: Final = frozenset({"/docs", "/openapi.json"})

_READING: Final = ("GET", "HEAD")
_CHALLENGE: Final = 'Bearer realm="imdb-ingest"'
_POLICY_VIOLATION: Final = 1008

log = structlog.get_logger()


class AuthenticationMiddleware:
    """Answers whoever has no key for what it asks for; the others' `Client` is in the request's state."""

    def __init__(self, app: ASGIApp, *, public_docs: bool) -> None:
        self.app = app
        self._public = PUBLIC_PATHS | DOCS_PATHS if public_docs else PUBLIC_PATHS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan" or self._is_public(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._authenticated(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})

    async def _authenticated(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        try:
            client, is_use_due = await _known(request, _key_of(request))
            limits = runtime_of(request).limits
            await limits.count(limits.requests_of_key(client.key_id))
            _require_scope(client, scope["method"])
        except (IngestError, *DATABASE_ERRORS) as error:
            await _refusal(request, error)(scope, receive, send)
            return
        request.state.client = client
        with structlog.contextvars.bound_contextvars(key_id=client.key_id):
            await self.app(scope, receive, send)
            if is_use_due:  # the client has its answer already
                await _note_use(runtime_of(request).read_engine, client.key_id)

    def _is_public(self, scope: Scope) -> bool:
        return scope["type"] == "http" and scope["method"] in _READING and scope["path"] in self._public


async def _known(request: Request, key: Key) -> tuple[Client, bool]:
    """The key's holder, and whether its use is to be noted; raises what its parts raise.

    Whose address has sent many that do not count hears `LimitReached` instead; a key that counts is let in even then.
    What cannot be a key was refused before, and costs nothing.
    """
    runtime = runtime_of(request)
    try:
        return await _find_client(runtime.read_engine, key)
    except (KeyInvalid, KeyExpired):
        await runtime.limits.count(runtime.limits.refused_keys_of(_address_of(request)))
        raise


def _address_of(request: Request) -> str:
    """The client's address; behind a proxy what that says it is, if it is one."""
    try:
        return str(ip_address(request.client.host if request.client else ""))
    except ValueError:
        return "unknown"


def _key_of(request: Request) -> Key:
    """The key in the headers; raises `KeyRequired`, and `KeyInvalid` for what cannot be one."""
    sent = set(request.headers.getlist(KEY_HEADER))
    for credentials in request.headers.getlist("authorization"):
        scheme, _, token = credentials.partition(" ")
        if scheme.lower() == "bearer":
            sent.add(token.strip())
    if not sent:
        raise KeyRequired(f"Send your key in the header {KEY_HEADER}, or as Authorization: Bearer.")
    if len(sent) > 1:
        raise KeyInvalid("The headers hold different keys; send one.")
    key = parse_key(sent.pop())
    if key is None:
        raise KeyInvalid("This is no whole key: characters are missing, added or wrong.")
    return key


async def _find_client(engine: AsyncEngine, key: Key) -> tuple[Client, bool]:
    """The key's holder, and whether its use is to be noted; raises `KeyInvalid`, `KeyExpired`."""
    async with key_transaction(engine, key.id) as connection:
        row = (await connection.execute(key_by_id(key.id))).one_or_none()
    is_right = key.verify(None if row is None else row.secret_hash)
    if row is None or not is_right or row.state == "revoked":
        # the log may know what the client must not
        log.info("key_refused", key_id=key.id, reason="unknown" if row is None else row.state if is_right else "secret")
        raise KeyInvalid("This key does not count, or does not count any more.")
    if row.state == "expired":
        raise KeyExpired("This key has expired.")
    return Client(key.id, tuple(row.tenants), frozenset(row.scopes)), row.is_use_due


def _require_scope(client: Client, method: str) -> None:
    """Raise `ScopeMissing` unless the key is for such requests; by method, so that no route can forget it."""
    needed = "read" if method in _READING else "upload"
    if not client.scopes & {needed, "admin"}:
        raise ScopeMissing(f"This key has no scope {needed}.", {"scope": needed})


def _refusal(request: Request, error: Exception) -> Response:
    if not isinstance(error, IngestError):
        return problem_of_database(request, error)
    return problem_of(request, error, headers=_challenge(error))


def _challenge(error: IngestError) -> dict[str, str]:
    """What RFC 6750 says about it."""
    match error:
        case KeyInvalid() | KeyExpired():
            told = ', error="invalid_token"'
        case KeyRequired():
            told = ""
        case ScopeMissing():
            told = f', error="insufficient_scope", scope="{error.fields["scope"]}"'
        case _:
            return {}
    return {"WWW-Authenticate": _CHALLENGE + told}


async def _note_use(engine: AsyncEngine, key_id: str) -> None:
    try:
        async with key_transaction(engine, key_id) as connection:
            await connection.execute(note_use(key_id))
    except DATABASE_ERRORS as error:  # the next request will
        log.warning("key_use_not_noted", error=type(error).__name__)
