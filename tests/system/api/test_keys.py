"""Where keys are required: who gets in, to what, and what becomes of the others."""

import asyncio
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.description.public_names import ADMIN_PATH
from api.main import ROUTERS, create_app
from api.middleware.authentication import AuthenticationMiddleware
from shared.keys.administration import revoke, rotate
from shared.keys.api_key import Key, make_key
from shared.settings import Settings
from stack.local import LocalStack
from tests.system.api.keyed import SHORTEST, client_with, key_for, keys_of
from tests.system.api.pulled import add_pull
from tests.system.api.raw import connect, head
from tests.system.api.sending import (
    NAMED,
    Json,
    assert_problem,
    filled,
    load_person,
    movies_csv,
    stored_files,
    wait_for_end,
)
from tests.unit.shots.drawing import encoded, striped

# Named here once more: what is public is no accident.
PUBLIC = {"/api/v1/ping", "/healthz", "/api/v1/healthz", "/api/v1/health/db", "/errors"}
ASSETS = {f"/docs/{name}" for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png", "initializer.js")}
DOCS = {"/docs", "/openapi.json"} | ASSETS
# Addresses that only begin or end like them.
NEARLY_DOCS = {
    *(path + more for path in DOCS for more in ("/", "x", "/x", ";x", "%20", "/../../api/v1/movies")),
    *("/docs/__init__.py", "/docs/swagger-ui", "//docs", "/x/docs", "/docs//swagger-ui.css", "/DOCS"),
}
# What the server reads ahead of the application, and the buffers of both sockets: 0.4 to 2.2 MB of 100 were seen.
MOST_BYTES_SENT = 16 * 1024 * 1024


def settings(*, public_docs: bool = False) -> Settings:
    url = "postgresql://nobody@unused.invalid/none"
    return Settings(database_url=url, require_keys=True, public_docs=public_docs)


def routes() -> list[tuple[str, str]]:
    """(method, path) of everything that the application serves, what OpenAPI does not tell included."""
    found = [*create_app(settings()).routes, *(route for router in ROUTERS for route in router.routes)]
    return sorted(
        (method, route.path) for route in found if hasattr(route, "path") for method in getattr(route, "methods", ())
    )


ROUTES = routes()
# What operators do is closed to keys of tenants, see test_admin.py.
OF_TENANTS = [(method, path) for method, path in ROUTES if not path.startswith(ADMIN_PATH)]


def address(path: str) -> str:
    named = filled(path, name="movies", file_format="csv", source_id="tt0000001", tenant="films")
    return filled(named, upload_id=uuid.uuid4(), movie_id=1, person_id=1, title_id=1, shot_id=uuid.uuid4())


def some_file(title: str = "Metropolis", bad: int = 0) -> bytes:
    rows: list[dict[str, object]] = [{"title": f"{title} {uuid.uuid4()}"}]
    return movies_csv(rows + [{"title": "bad", "vote_average": "99"}] * bad)


@pytest.fixture
def key(keyed: LocalStack, tenant: str) -> Key:
    return key_for(keyed, tenant)


@pytest.fixture
def mine(keyed: LocalStack, key: Key) -> Iterator[httpx.Client]:
    with client_with(keyed, key) as client:
        yield client


@pytest.fixture
def stranger(keyed: LocalStack) -> Iterator[httpx.Client]:
    with client_with(keyed, None) as client:
        yield client


def test_all_but_the_public_needs_a_key(keyed: LocalStack) -> None:
    assert {path for _, path in ROUTES} >= PUBLIC | DOCS | {"/api/v1/upload", "/api/v1/movies/{movie_id}"}
    asked = [
        *ROUTES,
        ("GET", "/"),
        ("GET", "/nowhere"),
        ("GET", "/api/v1/ping/"),
        ("GET", "//errors"),
        ("PROPFIND", "/"),
    ]
    asked += [(method, path) for path in PUBLIC for method in ("POST", "DELETE", "OPTIONS")]
    with httpx.Client(base_url=keyed.api_url, trust_env=False) as client:
        answers = {pair: client.request(pair[0], address(pair[1])) for pair in asked}
    is_open = {pair for pair, answer in answers.items() if answer.status_code != 401}
    assert is_open == {("GET", path) for path in PUBLIC}
    for pair in set(answers) - is_open:
        assert answers[pair].headers["www-authenticate"] == 'Bearer realm="imdb-ingest"'
        if pair[0] != "HEAD":
            assert_problem(answers[pair], 401, "key_required")
    assert {answers["GET", path].status_code for path in PUBLIC} == {200}


@pytest.mark.parametrize("public_docs", [False, True])
def test_the_description_is_closed_unless_it_is_opened(public_docs: bool) -> None:
    transport = httpx.ASGITransport(create_app(settings(public_docs=public_docs)))

    async def statuses() -> set[int]:
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            assert (await client.get("/api/v1/movies")).status_code == 401
            assert {(await client.get(path)).status_code for path in NEARLY_DOCS} == {401}
            assert {(await client.post(path)).status_code for path in DOCS} == {401}
            return {(await client.request(method, path)).status_code for method in ("GET", "HEAD") for path in DOCS}

    assert asyncio.run(statuses()) == {200 if public_docs else 401}


def messages_without_reading(app: ASGIApp, scope: Scope) -> list[Message]:
    """What the application sends; it fails if it asks for anything that the client sends."""

    async def receive() -> Message:
        raise AssertionError

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def exchange() -> None:
        await app(scope, receive, send)

    asyncio.run(exchange())
    return sent


def test_what_is_no_request_is_closed_too() -> None:
    async def anything(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise AssertionError

    middleware = AuthenticationMiddleware(anything, public_docs=False)
    sent = messages_without_reading(middleware, {"type": "websocket", "path": "/errors"})
    assert [message["type"] for message in sent] == ["websocket.close"]


@pytest.mark.parametrize("headers", [[], [(b"x-api-key", b"imdb_")]])
def test_no_byte_is_read_before_the_key(headers: list[tuple[bytes, bytes]]) -> None:
    scope = {"type": "http", "method": "POST", "path": "/api/v1/upload", "query_string": b""}
    scope["headers"] = [(b"content-length", b"104857600"), *headers]
    start, *_ = messages_without_reading(create_app(settings()), scope)
    assert start["status"] == 401
    assert (b"connection", b"close") in start["headers"]


def test_a_wrong_key_does_not_tell_why_it_is_wrong(keyed: LocalStack, tenant: str) -> None:
    key, revoked = key_for(keyed, tenant), key_for(keyed, tenant, lifetime=SHORTEST)
    with keys_of(keyed) as connection:
        revoke(connection, revoked.id)
    told = []
    for wrong in (make_key(), Key(key.id, make_key().secret), revoked, Key(revoked.id, key.secret)):
        with client_with(keyed, wrong) as client:
            answer = client.get("/movies")
        assert answer.headers["www-authenticate"] == 'Bearer realm="imdb-ingest", error="invalid_token"'
        told.append(assert_problem(answer, 401, "key_invalid") | {"trace_id": ""})
    assert all(document == told[0] for document in told)


@pytest.mark.parametrize(
    "malformed",
    ["", "imdb_", "x" * 9000, "ä", make_key().text[:-1], make_key().text.lower()],
    ids=["empty", "prefix", "long", "not ASCII", "cut", "lower case"],
)
def test_what_is_no_key(keyed: LocalStack, malformed: str) -> None:
    headers = httpx.Headers({"X-API-Key": malformed}, encoding="utf-8")
    answer = httpx.get(f"{keyed.api_url}/api/v1/movies", headers=headers, trust_env=False)
    assert_problem(answer, 401, "key_invalid")


def test_that_a_key_has_expired_is_told_to_who_has_it(keyed: LocalStack, tenant: str) -> None:
    expired = key_for(keyed, tenant, lifetime=SHORTEST)
    with client_with(keyed, expired) as client:
        assert_problem(client.get("/movies"), 401, "key_expired")
    with client_with(keyed, Key(expired.id, make_key().secret)) as client:
        assert_problem(client.get("/movies"), 401, "key_invalid")


def test_where_a_key_may_stand(stranger: httpx.Client, key: Key) -> None:
    def status(*headers: tuple[str, str], **params: str) -> int:
        return stranger.get("/movies", headers=list(headers), params=params).status_code

    assert status(("X-API-Key", key.text)) == 200
    assert status(("Authorization", f"Bearer {key.text}")) == 200
    assert status(("authorization", f"bearer  {key.text}"), ("x-api-key", key.text)) == 200
    assert status(("Authorization", "Basic YTpi"), ("X-API-Key", key.text)) == 200  # a proxy's own
    for other in [make_key().text for _ in range(8)]:  # none of them by chance
        assert status(("Authorization", f"Bearer {other}"), ("X-API-Key", key.text)) == 401
        assert status(("X-API-Key", key.text), ("X-API-Key", other)) == 401
    assert status(("Authorization", key.text)) == 401
    assert status(("Authorization", f"Basic {key.text}")) == 401
    assert status(("Cookie", f"X-API-Key={key.text}")) == 401
    for name in ("key", "api_key", "apikey", "X-API-Key", "access_token", "token"):
        assert status(**{name: key.text}) == 401


@pytest.mark.parametrize(
    ("scopes", "forbidden"),
    [(("read",), {"upload"}), (("upload",), {"read"}), (("read", "upload"), set()), (("admin",), set())],
    ids=lambda value: "+".join(sorted(value)),
)
def test_a_scope_is_asked_for_by_the_method(
    keyed: LocalStack, tenant: str, scopes: tuple[str, ...], forbidden: set[str]
) -> None:
    with client_with(keyed, key_for(keyed, tenant, scopes=scopes)) as client:
        for method, path in [*ROUTES, ("PATCH", "/nowhere"), ("GET", "/nowhere")]:
            if path in PUBLIC:
                continue
            needed = "read" if method in ("GET", "HEAD") else "upload"
            needed = "operator" if path.startswith(ADMIN_PATH) else needed
            answer = client.request(method, f"{keyed.api_url}{address(path)}")
            assert (answer.status_code == 403) == (needed in {*forbidden, "operator"}), (method, path, answer.text)
            if answer.status_code == 403 and method != "HEAD":
                assert assert_problem(answer, 403, "scope_missing")["scope"] == needed
                assert f'scope="{needed}"' in answer.headers["www-authenticate"]
            assert answer.status_code != 401


def test_a_request_chooses_among_the_keys_tenants_only(keyed: LocalStack) -> None:
    first, second, theirs, nobodys = (f"t-{uuid.uuid4().hex[:12]}" for _ in range(4))
    with client_with(keyed, key_for(keyed, theirs)) as client:
        assert client.put("/upload", params=NAMED, content=some_file()).json()["tenant"] == theirs
    with client_with(keyed, key_for(keyed, first, second)) as client:
        for chosen, expected in (({}, first), ({"tenant": first}, first), ({"tenant": second}, second)):
            sent = client.put("/upload", params=NAMED | chosen, content=some_file())
            assert sent.json()["tenant"] == expected
        assert client.get("/uploads", headers={"X-Tenant": second}).json()["total"] == 1
        refusals = []
        for other in (theirs, nobodys, "public"):
            answers = [
                client.get("/movies", headers={"X-Tenant": other}),
                client.get("/movies", params={"tenant": other}),
                client.put("/upload", params={**NAMED, "tenant": other}, content=some_file()),
            ]
            refused = [assert_problem(answer, 403, "tenant_forbidden") | {"trace_id": ""} for answer in answers]
            assert all(problem["known"] == [first, second] for problem in refused)
            sentence = f"This key is not valid for the tenant '{other}'"
            assert all(problem["detail"].startswith(sentence) for problem in refused)
            # the rest is about the key's own tenants, of which one may have a similar name
            refusals += [problem | {"detail": ""} for problem in refused]
        assert all(refusal == refusals[0] for refusal in refusals)


@pytest.mark.parametrize(("method", "path"), [pair for pair in OF_TENANTS if pair[1] not in PUBLIC | DOCS])
def test_no_route_ignores_whom_and_what_it_is_asked_for(
    keyed: LocalStack, mine: httpx.Client, method: str, path: str
) -> None:
    url, other = f"{keyed.api_url}{address(path)}", f"t-{uuid.uuid4().hex[:12]}"
    assert_problem(mine.request(method, url, headers={"X-Tenant": other}), 403, "tenant_forbidden")
    assert_problem(mine.request(method, url, params={"tenant": other}), 403, "tenant_forbidden")
    code = "invalid_filter" if "/rows" in path else "invalid_request"  # any other parameter is a filter of rows
    assert_problem(mine.request(method, url, params={"foo": "1"}), 422, code)


def test_the_tenants_are_the_keys_own(keyed: LocalStack, mine: httpx.Client, tenant: str) -> None:
    mine.put("/upload", params=NAMED, content=some_file()).raise_for_status()
    unused = f"u-{uuid.uuid4().hex[:12]}"
    with client_with(keyed, key_for(keyed, tenant, unused)) as client:
        items = client.get("/tenants").json()["items"]
    assert [(item["name"], item["uploads"]) for item in items] == [(tenant, 1), (unused, 0)]


def loaded(client: httpx.Client, content: bytes) -> Json:
    answer = client.put("/upload", params=NAMED, content=content)
    assert answer.status_code == 202, answer.text
    return wait_for_end(client, answer.json()["id"])


def test_what_is_anothers_is_not_there(keyed: LocalStack, mine: httpx.Client) -> None:
    upload = loaded(mine, some_file(bad=1))
    movie = mine.get("/movies").json()["items"][0]
    shot = mine.post(f"/movies/{movie['id']}/shots", content=encoded(striped(), "PNG")).raise_for_status().json()
    own = {"upload_id": upload["id"], "movie_id": movie["id"], "title_id": movie["id"], "shot_id": shot["id"]}
    own |= {"person_id": load_person(mine), "pull_id": add_pull(keyed.database_url, upload["tenant"])}
    # an id of a file's source may be everybody's
    paths = [
        (method, filled(path, **own)) for method, path in OF_TENANTS if "_id}" in path and "{source_id}" not in path
    ]
    assert len(paths) >= 8
    with client_with(keyed, key_for(keyed, "somebody-else")) as other:
        for method, path in [*paths, ("GET", f"/api/v1/uploads/{upload['id']}/rejects?format=csv")]:
            content = some_file() if path.endswith("/rejects") and method == "POST" else None
            headers, document = {"If-Match": '"a"'}, {"title": "B"} if method == "PATCH" else None
            target = f"{keyed.api_url}{path}"
            answer = other.request(method, target, params=None, content=content, json=document, headers=headers)
            assert_problem(answer, 404, "not_found")
        assert other.get("/uploads").json()["items"] == []
        assert other.get("/movies").json()["items"] == []
    for method, path in paths:
        if method == "GET":
            assert mine.get(f"{keyed.api_url}{path}").status_code == 200
    assert mine.get(f"/uploads/{upload['id']}").json()["state"] == "completed"


def test_equal_keys_and_equal_bytes_of_two_tenants_do_not_meet(keyed: LocalStack) -> None:
    content, headers = some_file(), {"Idempotency-Key": uuid.uuid4().hex}
    uploads = []
    for tenant in (f"a-{uuid.uuid4().hex[:12]}", f"b-{uuid.uuid4().hex[:12]}"):
        with client_with(keyed, key_for(keyed, tenant)) as client:
            first, again = (client.put("/upload", params=NAMED, content=content, headers=headers) for _ in range(2))
            assert (first.status_code, first.json()["tenant"]) == (202, tenant)
            assert first.json()["deduplicated"] is False
            assert again.json()["id"] == first.json()["id"]
            assert client.put("/upload", params=NAMED, content=content).json()["deduplicated"] is True
            uploads.append(first.json()["id"])
    assert len(set(uploads)) == 2


def test_a_revoked_key_ends_with_the_next_request(keyed: LocalStack, mine: httpx.Client, key: Key) -> None:
    assert mine.get("/movies").status_code == 200
    with keys_of(keyed) as connection:
        revoke(connection, key.id)
    assert_problem(mine.get("/movies"), 401, "key_invalid")


def test_a_rotated_key_works_on_until_the_overlap_ends(keyed: LocalStack, mine: httpx.Client, key: Key) -> None:
    with keys_of(keyed) as connection:
        new = rotate(connection, key.id, timedelta(hours=1)).key
    with client_with(keyed, new) as client:
        assert client.get("/movies").status_code == mine.get("/movies").status_code == 200
        with keys_of(keyed) as connection:
            connection.execute(text("UPDATE api_keys SET expires_at = now() WHERE id = :id"), {"id": key.id})
        assert client.get("/movies").status_code == 200
    assert_problem(mine.get("/movies"), 401, "key_expired")


def last_used_at(stack: LocalStack, key: Key) -> object:
    with keys_of(stack) as connection:
        return connection.scalar(text("SELECT last_used_at FROM api_keys WHERE id = :id"), {"id": key.id})


def test_the_use_of_a_key_is_noted_once_a_minute(keyed: LocalStack, mine: httpx.Client, key: Key) -> None:
    assert last_used_at(keyed, key) is None
    mine.get("/movies")
    deadline = time.monotonic() + 5  # it is written after the answer
    while (noted := last_used_at(keyed, key)) is None:
        assert time.monotonic() < deadline
    mine.get("/movies")
    mine.get("/movies")  # the one before is over when this is answered
    assert last_used_at(keyed, key) == noted


def refused_while_sending(stack: LocalStack, lines: list[str], total: int) -> tuple[int, bytes]:
    """Send a body of `total` bytes without looking at the answer; how many went out, and the answer."""
    lines = [*lines, "Host: 127.0.0.1", "Content-Type: text/csv", "", ""]
    block = b"10000\r\n" + b"x" * 65536 + b"\r\n"  # a chunk, where it is chunked
    sent, answer = 0, b""
    with socket.create_connection((stack.api.host, stack.api.port), timeout=20) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
        connection.sendall("\r\n".join(lines).encode())
        with suppress(ConnectionResetError, BrokenPipeError):
            while sent < total:
                connection.sendall(block)
                sent += len(block)
        with suppress(ConnectionResetError):
            while block := connection.recv(65536):
                answer += block
    return sent, answer


@pytest.mark.parametrize("size", ["Content-Length: 104857600", "Transfer-Encoding: chunked"])
def test_a_body_without_a_key_is_not_read(keyed: LocalStack, tenant: str, size: str) -> None:
    before = stored_files(keyed)
    reading = key_for(keyed, tenant, scopes=("read",))
    # the last one is refused before the body comes
    for key, status in ((make_key().text, b"401"), (reading.text, b"403"), ("imdb_", b"401")):
        lines = ["POST /api/v1/upload?filename=movies.csv HTTP/1.1", size, f"X-API-Key: {key}"]
        sent, answer = refused_while_sending(keyed, lines, 104_857_600)
        assert answer.startswith(b"HTTP/1.1 " + status), (sent, answer[:100])
        assert b"connection: close" in answer.lower()
        assert b"application/problem+json" in answer
        assert sent < MOST_BYTES_SENT
    assert stored_files(keyed) == before


def refused_in_a_body(stack: LocalStack) -> socket.socket:
    """A connection that has sent a part of a body with what is no key."""
    raw = connect(stack.api)
    request = head("PUT /api/v1/upload?filename=movies.csv", "X-API-Key: imdb_", "Content-Length: 104857600")
    raw.sendall(request + bytes(300_000))
    return raw


def test_a_refusal_in_a_body_ends_without_a_reset(keyed: LocalStack) -> None:
    with refused_in_a_body(keyed) as raw:
        answer = b""
        while block := raw.recv(65536):  # raises if the connection is reset
            answer += block
    assert answer.startswith(b"HTTP/1.1 401")


def test_who_was_refused_in_a_body_takes_no_others_slot(keyed: LocalStack) -> None:
    with ExitStack() as stack:
        for _ in range(300):  # 256 slots
            stack.enter_context(refused_in_a_body(keyed))
        for _ in range(5):
            assert httpx.get(f"{keyed.api_url}/api/v1/ping", trust_env=False).status_code == 200


def test_a_refusal_without_a_body_keeps_the_connection(stranger: httpx.Client) -> None:
    assert "connection" not in stranger.get("/movies").headers
    assert "connection" not in stranger.post(f"/uploads/{uuid.uuid4()}/undo").headers
    assert stranger.post(f"/uploads/{uuid.uuid4()}/undo", content=b"x").headers["connection"] == "close"


def test_a_web_page_asks_before_it_has_a_key(keyed: LocalStack) -> None:
    asked = {
        "Origin": "https://films.example",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "x-api-key,authorization,x-tenant",
    }
    url = f"{keyed.api_url}/api/v1/upload"
    assert httpx.options(url, headers=asked, trust_env=False).status_code == 200
    refused = httpx.put(url, headers={"Origin": asked["Origin"]}, content=b"x", trust_env=False)
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == asked["Origin"]


def test_logs_name_the_key_and_never_hold_it(keyed: LocalStack, mine: httpx.Client, key: Key) -> None:
    wrong, trace_id = Key(key.id, make_key().secret), uuid.uuid4().hex
    mine.get("/movies", headers={"X-Trace-Id": trace_id})
    mine.put("/upload", params=NAMED, content=b"no csv")
    with client_with(keyed, wrong) as client:
        client.get("/movies", params={"api_key": key.text}, headers={"Authorization": f"Bearer {wrong.text}"})
    with client_with(keyed, key.text[:-1]) as client:
        client.get(f"/{key.text}")
    log = (keyed.data_dir / "logs" / "api.log").read_text()
    deadline = time.monotonic() + 5  # the line is written after the answer
    while not [line for line in log.splitlines() if trace_id in line and f'"key_id": "{key.id}"' in line]:
        assert time.monotonic() < deadline
        log = (keyed.data_dir / "logs" / "api.log").read_text()
    assert [line for line in log.splitlines() if "key_refused" in line and key.id in line]
    for secret in (key.secret, wrong.secret):
        assert secret not in log


def test_nobody_gets_in_while_keys_cannot_be_looked_up(keyed: LocalStack, mine: httpx.Client) -> None:
    with keys_of(keyed) as connection:
        connection.execute(text("ALTER TABLE api_keys RENAME TO away"))
    try:
        assert_problem(mine.get("/datasets"), 500, "internal")
    finally:
        with keys_of(keyed) as connection:
            connection.execute(text("ALTER TABLE away RENAME TO api_keys"))
    keyed.postgres.stop(immediate=True)
    try:
        for method, path in (("GET", "/datasets"), ("PUT", "/upload?filename=movies.csv"), ("POST", "/nowhere")):
            answer = mine.request(method, path, content=b"x" if method == "PUT" else None)
            assert_problem(answer, 503, "unavailable")
            assert int(answer.headers["retry-after"]) > 0
    finally:
        keyed.postgres.start()
    assert mine.get("/datasets").status_code == 200
