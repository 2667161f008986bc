"""`make fuzz-api` in short: calls of the API as its OpenAPI document says, and whether the checks can fail."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from schemathesis.config._checks import _BUILTIN_CHECK_NAMES

from api.description.public_names import ADMIN_PATH, PUBLIC_PATHS
from stack.local import LocalStack
from tests.conftest import ROOT
from tests.file_server import FileServer
from tests.fuzz.schema.calls import (
    BEYOND_THE_DOCUMENT,
    Caller,
    Document,
    Plan,
    Possible,
    Report,
    call,
    config,
    hooked,
    load,
    reach_over,
    read_document,
)
from tests.fuzz.schema.tenants import Access, Foreign, load_foreign, load_own, wait_until_idle
from tests.system.api.keyed import key_for

# The number; both runs together.
CALLS = 2_000
# So many calls of a run must ask for data of the other tenant, or nothing is proven.
REACHED_OVER = 30
# Files this small are loaded before they can be cancelled, or a loader be notified of them again.
TOO_LATE = {
    "POST /api/v1/uploads/{upload_id}/cancel",
    "POST /api/v1/admin/uploads/{upload_id}/cancel",
    "POST /api/v1/admin/uploads/{upload_id}/notify",
}
WHOLE = Plan(examples=3)
# Keys make no difference to the limits of parameters.
WITHOUT_LIMITS = Plan(examples=8, with_limits=False)
BY_CHANCE = Plan(examples=12, with_limits=False)
# All but a few are refused.
REFUSED = Plan(examples=4, with_limits=False)


@dataclass(frozen=True)
class Stage:
    """An API, the tenant that calls it, and the tenant whose data it must not show."""

    api_url: str
    mine: Access
    foreign: Foreign
    possible: Possible
    document: Document

    def call(self, access: Access, plan: Plan) -> Report:
        """No finding, and nothing of the other tenant has changed."""
        before = self.foreign.look(self.api_url)
        report = call(self.document, access, self.foreign, self.possible, plan)
        assert not report.findings, "\n\n".join(f"{name}\n{what}" for name, what in report.findings.items())
        assert self.foreign.look(self.api_url) == before
        return report

    def operations(self, *methods: str) -> set[str]:
        return {
            f"{method.upper()} {path}"
            for path, operations in self.document["paths"].items()
            for method in operations
            if method in methods
        }


@contextmanager
def set_up(stack: LocalStack, file_server: FileServer, mine: Access, theirs: Access) -> Iterator[Stage]:
    """At the end nothing is left to load, so that other tests find no upload of this one."""
    possible = load_own(stack.api_url, mine, file_server)
    foreign = load_foreign(stack, theirs)
    yield Stage(stack.api_url, mine, foreign, possible, read_document(stack.api_url, mine))
    wait_until_idle(stack, mine)


def new_tenant(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def open_stage(stack: LocalStack, file_server: FileServer) -> Iterator[Stage]:
    """No keys: the tenant is the one of the header."""
    with set_up(stack, file_server, Access(new_tenant("a")), Access(new_tenant("b"))) as stage:
        yield stage


@contextmanager
def set_up_with_keys(keyed: LocalStack, file_server: FileServer) -> Iterator[Stage]:
    """Each tenant has its key."""
    mine, theirs = (Access(name, key_for(keyed, name).text) for name in (new_tenant("a"), new_tenant("b")))
    with set_up(keyed, file_server, mine, theirs) as stage:
        yield stage


@pytest.fixture(scope="module")
def keyed_stage(keyed: LocalStack, file_server: FileServer) -> Iterator[Stage]:
    """Each tenant has its key."""
    with set_up_with_keys(keyed, file_server) as stage:
        yield stage


@pytest.fixture
def fresh_stage(keyed: LocalStack, file_server: FileServer) -> Iterator[Stage]:
    """The same, where no other test has replaced or removed any row."""
    with set_up_with_keys(keyed, file_server) as stage:
        yield stage


@pytest.mark.timeout(900)
def test_the_api_does_what_its_document_says(open_stage: Stage, keyed_stage: Stage) -> None:
    reports = [open_stage.call(open_stage.mine, WITHOUT_LIMITS), keyed_stage.call(keyed_stage.mine, WHOLE)]
    assert sum(report.calls for report in reports) >= CALLS
    assert min(report.reached_over for report in reports) >= REACHED_OVER
    succeeded = set().union(*(report.succeeded() for report in reports))
    assert open_stage.operations("get", "put", "post") - TOO_LATE - succeeded == set()


def test_a_key_to_read_only_reads(keyed: LocalStack, fresh_stage: Stage) -> None:
    reader = Access(fresh_stage.mine.tenant, key_for(keyed, fresh_stage.mine.tenant, scopes=("read",)).text)
    report = fresh_stage.call(reader, BY_CHANCE)
    refusals = report.answers("POST", "PUT", "PATCH", "DELETE")
    assert refusals - {431} == {403}  # 431: parameters longer than a head may be
    of_operators = {operation for operation in fresh_stage.operations("get") if ADMIN_PATH in operation}
    assert fresh_stage.operations("get") - report.succeeded() == of_operators


def test_without_a_key_nothing_but_the_public_answers(keyed_stage: Stage) -> None:
    report = keyed_stage.call(Access(keyed_stage.mine.tenant), REFUSED)
    closed = {operation for operation, status in report.statuses if status == 401}
    assert {operation.partition(" ")[2] for operation in report.succeeded()} == PUBLIC_PATHS
    assert closed == keyed_stage.operations("get", "put", "patch", "post", "delete") - report.succeeded()
    assert {status for _, status in report.statuses} - {431} == {200, 401}


# -- the checks can fail


def call_once(stage: Stage, access: Access, address: str, **query: str) -> Report:
    """One GET as a run would send it."""
    report = Report(calls=1)  # the next one that reaches over is the fifth
    schema = load(stage.document, config(access, WHOLE, 0))
    with hooked(schema, Caller(access, stage.foreign, stage.possible, report)):
        schema[address]["GET"].Case(query=query).call()
    return report


@pytest.mark.parametrize("address", ["/api/v1/uploads", "/api/v1/movies"])
def test_a_foreign_row_would_be_found(open_stage: Stage, address: str) -> None:
    report = call_once(open_stage, open_stage.foreign.access, address)
    assert f"foreign: GET {address}" in report.findings


def test_a_foreign_name_is_replaced(open_stage: Stage) -> None:
    report = call_once(open_stage, open_stage.mine, "/api/v1/movies", tenant=open_stage.foreign.access.tenant)
    assert report.statuses == {("GET /api/v1/movies", 200): 1}
    assert not report.findings


@pytest.mark.parametrize(
    "location", ["upload_id", "movie_id", "person_id", "title_id", "pull_id", "cursor", "Idempotency-Key"]
)
def test_calls_reach_for_what_is_foreign(open_stage: Stage, location: str) -> None:
    foreign = open_stage.foreign
    schema = load(open_stage.document, config(open_stage.mine, WHOLE, 0))
    case = schema["/api/v1/movies"]["GET"].Case(
        path_parameters={location: "x"} if location.endswith("_id") else {},
        query={location: "x"} if location == "cursor" else {},
        headers={location: "x"} if location == "Idempotency-Key" else {},
    )
    assert reach_over(case, foreign)
    said = {**case.path_parameters, **case.query, **case.headers}[location]
    assert said in {
        *(*foreign.upload_ids, foreign.movie_id, str(foreign.movie_id), foreign.person_id),
        *(foreign.pull_id, foreign.cursor, foreign.idempotency_key),
    }


def test_what_changed_would_be_seen(stack: LocalStack) -> None:
    other = load_foreign(stack, Access(new_tenant("b")))
    before = other.look(stack.api_url)
    with other.access.client(stack.api_url) as client:
        client.post(f"/uploads/{other.upload_ids[0]}/undo").raise_for_status()
    assert other.look(stack.api_url) != before


def test_every_check_is_on() -> None:
    checks = config(Access("a"), WHOLE, 0).projects.default.checks
    names = [*_BUILTIN_CHECK_NAMES - {"max_response_time"}]
    assert len(names) >= 14
    assert all(checks.get_by_name(name=name).enabled for name in names)


def test_every_exception_is_a_code_of_ours() -> None:
    explained = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert all(f"### `{code}`" in explained for code in BEYOND_THE_DOCUMENT)
