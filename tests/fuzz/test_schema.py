"""`make fuzz-api` in short: calls of the API as its OpenAPI document says, and whether the checks can fail."""

import uuid
from collections.abc import Iterator

import httpx
import pytest
import schemathesis
from schemathesis.config._checks import _BUILTIN_CHECK_NAMES

from stack.local import LocalStack
from tests.conftest import ROOT
from tests.fuzz.schema.calls import BEYOND_THE_DOCUMENT, Caller, Report, call, config, hooked, reach_over
from tests.fuzz.schema.tenants import Access, Foreign, load_foreign, load_own, wait_until_idle

CALLS = 2_000
# So many of them must reach for what is the other tenant's, or nothing is proven.
REACHED_OVER = 100
# Files this small are loaded before they can be cancelled.
TOO_LATE = {"POST /api/v1/uploads/{upload_id}/cancel"}


@pytest.fixture(scope="module")
def mine() -> Access:
    return Access(f"a-{uuid.uuid4().hex[:12]}")


@pytest.fixture(scope="module")
def foreign(stack: LocalStack) -> Foreign:
    return load_foreign(stack.api_url, Access(f"b-{uuid.uuid4().hex[:12]}"))


@pytest.fixture(scope="module")
def settled(stack: LocalStack, mine: Access) -> Iterator[None]:
    """Other tests find nothing that is still being loaded."""
    load_own(stack.api_url, mine)
    yield
    wait_until_idle(stack.api_url, mine)


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("settled")
def test_the_api_does_what_its_document_says(stack: LocalStack, mine: Access, foreign: Foreign) -> None:
    before = foreign.look(stack.api_url)
    report = call(stack.api_url, mine, foreign, calls=CALLS, seed=1, examples=8, tell=print)
    assert not report.findings, "\n\n".join(f"{name}\n{what}" for name, what in report.findings.items())
    assert report.calls >= CALLS
    assert report.reached_over >= REACHED_OVER
    assert report.succeeded() >= operations(stack) - TOO_LATE
    assert foreign.look(stack.api_url) == before


def operations(stack: LocalStack) -> set[str]:
    paths = httpx.get(f"{stack.api_url}/openapi.json", trust_env=False).raise_for_status().json()["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


# -- the checks can fail


def call_once(stack: LocalStack, access: Access, foreign: Foreign, address: str, **query: str) -> Report:
    """One GET as a run would send it."""
    report = Report(calls=1)  # the next one that reaches over is the fifth
    schema = schemathesis.openapi.from_url(f"{stack.api_url}/openapi.json")
    with hooked(schema, Caller(access, foreign, report)):
        schema[address]["GET"].Case(query=query).call()
    return report


@pytest.mark.parametrize("address", ["/api/v1/uploads", "/api/v1/movies"])
def test_a_foreign_row_would_be_found(stack: LocalStack, foreign: Foreign, address: str) -> None:
    report = call_once(stack, foreign.access, foreign, address)
    assert f"foreign: GET {address}" in report.findings


def test_a_foreign_name_is_replaced(stack: LocalStack, mine: Access, foreign: Foreign) -> None:
    report = call_once(stack, mine, foreign, "/api/v1/movies", tenant=foreign.access.tenant)
    assert report.statuses == {("GET /api/v1/movies", 200): 1}
    assert not report.findings


@pytest.mark.parametrize("place", ["upload_id", "movie_id", "cursor", "Idempotency-Key"])
def test_calls_reach_for_what_is_foreign(stack: LocalStack, foreign: Foreign, place: str) -> None:
    schema = schemathesis.openapi.from_url(f"{stack.api_url}/openapi.json")
    case = schema["/api/v1/movies"]["GET"].Case(
        path_parameters={place: "x"} if place.endswith("_id") else {},
        query={place: "x"} if place == "cursor" else {},
        headers={place: "x"} if place == "Idempotency-Key" else {},
    )
    assert reach_over(case, foreign)
    said = {**case.path_parameters, **case.query, **case.headers}[place]
    assert said in {*foreign.upload_ids, foreign.movie_id, foreign.cursor, foreign.idempotency_key}


def test_what_changed_would_be_seen(stack: LocalStack) -> None:
    other = load_foreign(stack.api_url, Access(f"b-{uuid.uuid4().hex[:12]}"))
    before = other.look(stack.api_url)
    with other.access.client(stack.api_url) as client:
        client.post(f"/uploads/{other.upload_ids[0]}/undo").raise_for_status()
    assert other.look(stack.api_url) != before


def test_every_check_is_on(mine: Access) -> None:
    checks = config(mine, 1, 1, is_first=True).projects.default.checks
    names = [*_BUILTIN_CHECK_NAMES - {"max_response_time"}]
    assert len(names) >= 14
    assert all(checks.get_by_name(name=name).enabled for name in names)


def test_every_exception_is_a_code_of_ours() -> None:
    explained = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert all(f"### `{code}`" in explained for code in BEYOND_THE_DOCUMENT)
