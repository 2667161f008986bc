"""Authentication: every request needs an API key, except those for a few public paths.

The middleware checks the key before it reads a byte of the body. A path that is not in the list of public paths needs a
key, so a new route is closed by default. The middleware looks each key up in the database (one row, by primary key), so
a revoked key is refused from the next request on. While the database does not answer, no request with a key passes.
"""

from ipaddress import ip_address
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.client import Client
from api.dependencies import runtime_of
from api.description.problems import DATABASE_ERRORS, problem_of, problem_of_database
from api.description.public_names import ADMIN_PATH, DOCS_PATHS, KEY_HEADER, PUBLIC_PATHS
from api.http_errors import KeyExpired, KeyInvalid, KeyRequired, ScopeMissing
from shared.database.models import OPERATOR
from shared.database.queries.api_keys import key_by_id, note_use
from shared.database.tenancy import key_transaction
from shared.errors import IngestError
from shared.keys.api_key import Key, parse_key

_READING: Final = ("GET", "HEAD")
_CHALLENGE: Final = 'Bearer realm="imdb-ingest"'
_POLICY_VIOLATION: Final = 1008

log = structlog.get_logger()


class AuthenticationMiddleware:
    """Refuse requests without a sufficient key; put the `Client` of the others into the request's state."""

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
            client, is_use_due = await _authenticate(request, _key_of(request))
            limits = runtime_of(request).limits
            await limits.count(limits.requests_of_key(client.key_id))
            _require_scope(client, scope["method"], scope["path"])
        except (IngestError, *DATABASE_ERRORS) as error:
            await _refusal(request, error)(scope, receive, send)
            return
        request.state.client = client
        with structlog.contextvars.bound_contextvars(key_id=client.key_id):
            await self.app(scope, receive, send)
            if is_use_due:  # after the answer, so that the client does not wait
                await _note_use(runtime_of(request).read_engine, client.key_id)

    def _is_public(self, scope: Scope) -> bool:
        return scope["type"] == "http" and scope["method"] in _READING and scope["path"] in self._public


async def _authenticate(request: Request, key: Key) -> tuple[Client, bool]:
    """The key's holder, and whether its use should be noted now.

    Raises `KeyInvalid` or `KeyExpired`. After many invalid keys from one address it raises `LimitReached` instead; a
    valid key passes even then. Malformed keys never get here and do not count.
    """
    runtime = runtime_of(request)
    try:
        return await _find_client(runtime.read_engine, key)
    except (KeyInvalid, KeyExpired):
        await runtime.limits.count(runtime.limits.refused_keys_of(_address_of(request)))
        raise


def _address_of(request: Request) -> str:
    """The client's address, or what a trusted proxy says it is; "unknown" if that is no IP address."""
    try:
        return str(ip_address(request.client.host if request.client else ""))
    except ValueError:
        return "unknown"


def _key_of(request: Request) -> Key:
    """The key in the headers; raises `KeyRequired` if there is none, `KeyInvalid` if it is malformed."""
    sent = set(request.headers.getlist(KEY_HEADER))
    for credentials in request.headers.getlist("authorization"):
        scheme, _, token = credentials.partition(" ")
        if scheme.lower() == "bearer":
            sent.add(token.strip())
    if not sent:
        raise KeyRequired(f"Send your key in the header {KEY_HEADER}, or as Authorization: Bearer.")
    if len(sent) > 1:
        raise KeyInvalid("The headers contain different keys; send only one.")
    key = parse_key(sent.pop())
    if key is None:
        raise KeyInvalid("The key is malformed: it has missing, extra or wrong characters.")
    return key


async def _find_client(engine: AsyncEngine, key: Key) -> tuple[Client, bool]:
    """The key's holder, and whether its use should be noted now; raises `KeyInvalid`, `KeyExpired`."""
    async with key_transaction(engine, key.id) as connection:
        row = (await connection.execute(key_by_id(key.id))).one_or_none()
    is_right = key.verify(None if row is None else row.secret_hash)
    if row is None or not is_right or row.state == "revoked":
        # the log names the reason, the answer does not
        log.info("key_refused", key_id=key.id, reason="unknown" if row is None else row.state if is_right else "secret")
        raise KeyInvalid("This key is unknown, wrong or revoked.")
    if row.state == "expired":
        raise KeyExpired("This key has expired.")
    return Client(key.id, tuple(row.tenants), frozenset(row.scopes)), row.is_use_due


def _require_scope(client: Client, method: str, path: str) -> None:
    """Raise `ScopeMissing` unless the key allows the request.

    Because it goes by method and address, no route can forget it. What operators do is for them alone, and they can do
    nothing else.
    """
    if path == ADMIN_PATH or path.startswith(f"{ADMIN_PATH}/"):
        needed, sufficient = OPERATOR, {OPERATOR}
    else:
        needed = "read" if method in _READING else "upload"
        sufficient = {needed, "admin"}
    if not client.scopes & sufficient:
        raise ScopeMissing(f"This key does not have the scope {needed}.", {"scope": needed})


def _refusal(request: Request, error: Exception) -> Response:
    if not isinstance(error, IngestError):
        return problem_of_database(request, error)
    return problem_of(request, error, headers=_challenge(error))


def _challenge(error: IngestError) -> dict[str, str]:
    """The WWW-Authenticate header for the error (RFC 6750); {} if the error needs none."""
    match error:
        case KeyInvalid() | KeyExpired():
            reason = ', error="invalid_token"'
        case KeyRequired():
            reason = ""
        case ScopeMissing():
            reason = f', error="insufficient_scope", scope="{error.fields["scope"]}"'
        case _:
            return {}
    return {"WWW-Authenticate": _CHALLENGE + reason}


async def _note_use(engine: AsyncEngine, key_id: str) -> None:
    try:
        async with key_transaction(engine, key_id) as connection:
            await connection.execute(note_use(key_id))
    except DATABASE_ERRORS as error:  # the next request notes it
        log.warning("key_use_not_noted", error=type(error).__name__)
