"""HEAD at every address that answers GET: the same status and headers, and nothing behind them."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import psutil
import pytest

from stack.local import LocalStack
from tests.system.api.keyed import client_with, key_for
from tests.system.api.pulled import add_pull
from tests.system.api.raw import Answer, ask, head, parse
from tests.system.api.sending import NAMED, filled, load_person, movies_csv, wait_for_end
from tests.system.api.test_keys import OF_TENANTS
from tests.unit.shots.drawing import encoded, striped

PATHS = sorted({path for method, path in OF_TENANTS if method == "GET"})
# What differs from one answer to the next, or describes how the body is sent.
OF_ONE_ANSWER = {"date", "x-trace-id", "x-cache", "transfer-encoding"}
# Their answers say how long something took, so their length differs by itself.
TIMED = ("/healthz", "/api/v1/healthz", "/api/v1/health/db")
# An upload that is not there.
NO_ID = str(uuid.UUID(int=0))


@dataclass(frozen=True)
class Asking:
    """An API with one loaded upload, and the headers of a client that may see it."""

    stack: LocalStack
    upload_id: str
    movie_id: int
    person_id: int
    shot_id: str
    pull_id: str
    headers: tuple[str, ...]

    def address(self, path: str) -> str:
        named = filled(path, name="movies", file_format="csv", source_id="tt0000001", title_id=self.movie_id)
        named = filled(named, upload_id=self.upload_id, movie_id=self.movie_id, person_id=self.person_id)
        query = "?q=metropolis" if path.endswith("/search") else ""
        return filled(named, shot_id=self.shot_id, pull_id=self.pull_id) + query

    def answers(self, target: str, *headers: str, own: bool = True) -> tuple[Answer, Answer]:
        """Of GET and of HEAD; `own`: with the headers of the client that may see the upload."""
        sent = ("Connection: close", *(self.headers if own else ()), *headers)
        host = f"127.0.0.1:{self.stack.api.port}"
        answers = [ask(self.stack.api, head(f"{method} {target}", *sent, host=host)) for method in ("GET", "HEAD")]
        assert answers[0] is not None
        assert answers[1] is not None
        return answers[0], answers[1]


def loaded(stack: LocalStack, client: httpx.Client, *headers: str) -> Asking:
    """With one movie, its shot, one reject and one person."""
    rows: list[dict[str, object]] = [{"title": f"Metropolis {uuid.uuid4()}"}, {"title": "bad", "vote_average": "99"}]
    upload = client.put("/upload", params=NAMED, content=movies_csv(rows)).raise_for_status().json()
    assert wait_for_end(client, upload["id"])["state"] == "completed"
    movie_id = client.get("/movies").json()["items"][0]["id"]
    shot = client.post(f"/movies/{movie_id}/shots", content=encoded(striped(), "PNG")).raise_for_status().json()
    pull_id = add_pull(stack.database_url, upload["tenant"], "movies")
    return Asking(stack, upload["id"], movie_id, load_person(client), shot["id"], pull_id, headers)


@pytest.fixture(scope="module")
def without_keys(stack: LocalStack) -> Iterator[Asking]:
    tenant = f"t-{uuid.uuid4().hex[:12]}"
    base_url = f"{stack.api_url}/api/v1"
    with httpx.Client(base_url=base_url, headers={"X-Tenant": tenant}, timeout=30, trust_env=False) as client:
        yield loaded(stack, client, f"X-Tenant: {tenant}")


@pytest.fixture(scope="module")
def with_keys(keyed: LocalStack) -> Iterator[Asking]:
    """The client reads only."""
    tenant = f"t-{uuid.uuid4().hex[:12]}"
    with client_with(keyed, key_for(keyed, tenant)) as client:
        reading = key_for(keyed, tenant, scopes=("read",))
        yield loaded(keyed, client, f"X-API-Key: {reading.text}")


@pytest.fixture(params=["without_keys", "with_keys"])
def asking(request: pytest.FixtureRequest) -> Asking:
    found: Asking = request.getfixturevalue(request.param)
    return found


def check(get: Answer, answer: Answer, *, is_timed: bool = False) -> None:
    """That the answer to HEAD is that of GET without its body."""
    ignored = OF_ONE_ANSWER | ({"content-length"} if is_timed else set())
    own, expected = ({name: text for name, text in one.headers.items() if name not in ignored} for one in (answer, get))
    assert (answer.status, own) == (get.status, expected)
    assert answer.headers.keys() - OF_ONE_ANSWER == get.headers.keys() - OF_ONE_ANSWER
    assert get.body
    assert answer.body == b""


def test_many_addresses_answer_get() -> None:
    assert {"/docs", "/openapi.json", "/errors", "/api/v1/movies", "/api/v1/uploads/{upload_id}/rejects"} <= set(PATHS)
    assert len(PATHS) >= 14


@pytest.mark.parametrize("path", PATHS)
def test_head_is_get_without_a_body(asking: Asking, path: str) -> None:
    get, answer = asking.answers(asking.address(path))
    assert get.status == 200, get
    check(get, answer, is_timed=path in TIMED)


@pytest.mark.parametrize("path", PATHS)
def test_head_is_refused_as_get_is(asking: Asking, with_keys: Asking, path: str) -> None:
    target = asking.address(path)
    nothing = filled(path, upload_id=NO_ID, movie_id=1, person_id=1, title_id=1)
    other = f"X-Tenant: t-{uuid.uuid4().hex[:12]}"
    for get, answer in (
        asking.answers(nothing),
        asking.answers(f"{target}?foo=1&tenant=!"),
        asking.answers(target, other, own=False),
        with_keys.answers(with_keys.address(path), own=False),
        with_keys.answers(with_keys.address(path), other),
        with_keys.answers(with_keys.address(path), "X-API-Key: imdb_", own=False),
    ):
        check(get, answer, is_timed=path in TIMED)


def test_a_scope_is_asked_for_as_for_get(keyed: LocalStack, with_keys: Asking) -> None:
    upload_only = key_for(keyed, "public", scopes=("upload",))
    get, answer = with_keys.answers("/api/v1/movies", f"X-API-Key: {upload_only.text}", own=False)
    assert answer.status == 403
    check(get, answer)


@pytest.mark.parametrize("query", ["?format=csv", "?format=csv&spreadsheet=true", "?format=csv&code=none"])
def test_a_download_is_announced_and_not_made(asking: Asking, query: str) -> None:
    target = asking.address("/api/v1/uploads/{upload_id}/rejects") + query
    get, answer = asking.answers(target)
    assert answer.headers["content-disposition"].startswith("attachment; ")
    check(get, answer)
    for _ in range(20):
        asking.answers(target)
    process, stored = psutil.Process(asking.stack.api.pid), str(asking.stack.data_dir / "uploads")
    deadline = time.monotonic() + 5  # the file is closed after the answer
    while [file.path for file in process.open_files() if file.path.startswith(stored)]:
        assert time.monotonic() < deadline


def test_the_next_answer_on_the_connection_is_its_own(asking: Asking) -> None:
    """A body behind the first one would be taken for the second answer."""
    download = asking.address("/api/v1/uploads/{upload_id}/rejects") + "?format=csv"
    host = f"127.0.0.1:{asking.stack.api.port}"
    for target in ("/api/v1/movies", download, "/nowhere"):
        first = head(f"HEAD {target}", *asking.headers, host=host)
        both = ask(asking.stack.api, first + head("GET /api/v1/ping", "Connection: close", host=host))
        assert both is not None
        second = parse(both.body)
        assert second is not None
        assert (second.status, json.loads(second.body)) == (200, {"ping": "pong"})


@pytest.mark.parametrize("path", sorted({path for method, path in OF_TENANTS if method != "HEAD"} - set(PATHS)))
def test_where_there_is_no_get_there_is_no_head(asking: Asking, path: str) -> None:
    get, answer = asking.answers(asking.address(path))
    assert answer.status == 405
    assert "HEAD" not in answer.headers["allow"]
    check(get, answer)


def test_the_log_names_what_the_client_sent(asking: Asking) -> None:
    trace_id = uuid.uuid4().hex
    asking.answers(asking.address("/api/v1/uploads/{upload_id}"), f"X-Trace-Id: {trace_id}")
    log = asking.stack.data_dir / "logs" / "api.log"
    deadline = time.monotonic() + 5  # the line is written after the answer
    while len(found := [json.loads(line) for line in log.read_text().splitlines() if trace_id in line]) < 2:
        assert time.monotonic() < deadline
    assert {(line["method"], line["route"]) for line in found if line["event"] == "request"} == {
        ("GET", "/api/v1/uploads/{upload_id}"),
        ("HEAD", "/api/v1/uploads/{upload_id}"),
    }


def test_a_web_page_may_ask_for_headers_only(keyed: LocalStack) -> None:
    asked = {
        "Origin": "https://films.example",
        "Access-Control-Request-Method": "HEAD",
        "Access-Control-Request-Headers": "x-api-key",
    }
    answer = httpx.options(f"{keyed.api_url}/api/v1/movies", headers=asked, trust_env=False)
    assert answer.status_code == 200
    assert {"HEAD", "DELETE"} <= {*answer.headers["access-control-allow-methods"].split(", ")}
