"""What operators see and do over HTTP, and that nobody else does."""

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.description.public_names import ADMIN_PATH
from api.main import create_app
from shared.keys.api_key import Key
from stack.local import LocalStack
from tests.system.api.keyed import client_with, key_for
from tests.system.api.sending import NAMED, Json, assert_problem, filled, movies_csv, wait_for_end
from tests.system.api.test_keys import PUBLIC, ROUTES, address, settings

UNDECIDED = {
    **dict.fromkeys(("requests_per_minute", "upload_bytes_per_day", "concurrent_uploads", "row_retention_days")),
    "upload_retention_days": None,
    "is_paused": False,
    "changed_at": None,
}


@pytest.fixture(scope="module")
def operators_key(keyed: LocalStack) -> Key:
    return key_for(keyed, scopes=("operator",))


@pytest.fixture
def operator(keyed: LocalStack, operators_key: Key) -> Iterator[httpx.Client]:
    with client_with(keyed, operators_key) as client:
        yield client


@pytest.fixture
def mine(keyed: LocalStack, tenant: str) -> Iterator[httpx.Client]:
    with client_with(keyed, key_for(keyed, tenant, scopes=("admin",))) as client:
        yield client


def operations() -> list[tuple[str, str]]:
    """(method, path) of all that operators may ask for, as the API describes itself."""
    paths = create_app(settings()).openapi()["paths"]
    return [(method.upper(), path) for path, each in paths.items() if path.startswith(ADMIN_PATH) for method in each]


def send(client: httpx.Client, title: str) -> Json:
    upload: Json = client.put("/upload", params=NAMED, content=movies_csv([{"title": title}])).raise_for_status().json()
    return upload


def decide(operator: httpx.Client, tenant: str, **changes: object) -> Json:
    document: Json = operator.patch(f"/admin/tenants/{tenant}", json=changes).raise_for_status().json()
    return document


def queued(operator: httpx.Client, upload_id: str) -> list[dict[str, Any]]:
    page = operator.get("/admin/queue", params={"page_size": 100}).raise_for_status().json()
    assert page["total"] == len(page["items"])
    return [each for each in page["items"] if each["id"] == upload_id]


@pytest.mark.parametrize("scopes", [("read",), ("upload",), ("read", "upload", "admin")])
def test_no_key_of_a_tenant_gets_to_what_operators_do(
    keyed: LocalStack, operator: httpx.Client, tenant: str, scopes: tuple[str, ...]
) -> None:
    assert len(operations()) >= 6
    with client_with(keyed, key_for(keyed, tenant, scopes=scopes)) as client:
        for method, path in [*operations(), ("GET", ADMIN_PATH), ("PUT", f"{ADMIN_PATH}/nowhere")]:
            target = f"{keyed.api_url}{filled(path, tenant=tenant, upload_id=uuid.uuid4())}"
            body = {"is_paused": True} if method == "PATCH" else None
            answer = client.request(method, target, json=body)
            assert assert_problem(answer, 403, "scope_missing")["scope"] == "operator"
            assert 'scope="operator"' in answer.headers["www-authenticate"]
    assert operator.get(f"/admin/tenants/{tenant}").json()["settings"] == UNDECIDED


def test_an_operators_key_opens_nothing_else(keyed: LocalStack, operator: httpx.Client, tenant: str) -> None:
    for method, path in ROUTES:
        if path in PUBLIC or path.startswith(ADMIN_PATH):
            continue
        answer = operator.request(method, f"{keyed.api_url}{address(path)}", headers={"X-Tenant": tenant})
        assert answer.status_code == 403, (method, path, answer.text)
        if method != "HEAD":
            assert_problem(answer, 403, "scope_missing")


def test_a_tenant_is_shown_with_what_it_has(operator: httpx.Client, mine: httpx.Client, tenant: str) -> None:
    assert operator.get(f"/admin/tenants/{tenant}").json() == {
        "name": tenant,
        "uploads": {},
        "rows": 0,
        "settings": UNDECIDED,
    }
    assert wait_for_end(mine, send(mine, "Loaded")["id"])["state"] == "completed"
    decide(operator, tenant, is_paused=True)
    for title in ("Waits", "Waits, too"):
        send(mine, title)
    shown = operator.get(f"/admin/tenants/{tenant}").json()
    assert (shown["uploads"], shown["rows"]) == ({"completed": 1, "queued": 2}, 1)
    assert shown["settings"]["is_paused"] is True
    assert shown in operator.get("/admin/tenants", params={"page_size": 100}).json()["items"]


def test_tenants_come_in_pages_by_name(operator: httpx.Client, tenant: str) -> None:
    names = [f"{tenant}-{number}" for number in range(3)]
    for name in names:
        decide(operator, name, concurrent_uploads=3)
    whole = operator.get("/admin/tenants", params={"page_size": 100}).json()
    listed = [each["name"] for each in whole["items"]]
    assert listed == sorted(listed)
    assert set(names) <= set(listed)
    assert whole["total"] == len(listed) == len(set(listed))
    page = operator.get("/admin/tenants", params={"page": 2, "page_size": 2})
    assert [each["name"] for each in page.json()["items"]] == listed[2:4]
    assert f'<{ADMIN_PATH}/tenants?page_size=2&page=1>; rel="prev"' in page.headers["link"]


def test_what_is_decided_changes_alone_and_is_reset_by_null(operator: httpx.Client, tenant: str) -> None:
    first = decide(operator, tenant, requests_per_minute=600, row_retention_days=1.5, is_paused=True)["settings"]
    assert (first["requests_per_minute"], first["row_retention_days"], first["is_paused"]) == (600, 1.5, True)
    second = decide(operator, tenant, requests_per_minute=None, upload_bytes_per_day=2**63 - 1)["settings"]
    expected = {"requests_per_minute": None, "upload_bytes_per_day": 2**63 - 1}
    assert second == {**first, **expected, "changed_at": second["changed_at"]}
    assert second["changed_at"] > first["changed_at"]
    assert decide(operator, tenant)["settings"] == second
    assert decide(operator, tenant, concurrent_uploads=4.0)["settings"]["concurrent_uploads"] == 4
    assert decide(operator, f"{tenant}-2")["settings"] == UNDECIDED


def test_a_limit_is_in_force(keyed: LocalStack, operator: httpx.Client, tenant: str) -> None:
    decide(operator, tenant, requests_per_minute=2)
    with client_with(keyed, key_for(keyed, tenant)) as client:
        assert [client.get("/uploads").status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize(
    "body",
    [
        '{"requests_per_minute": -1}',
        '{"requests_per_minute": 2147483648}',
        '{"requests_per_minute": "600"}',
        '{"requests_per_minute": true}',
        '{"upload_bytes_per_day": 9223372036854775808}',
        '{"concurrent_uploads": 0}',
        '{"concurrent_uploads": 1.5}',
        '{"row_retention_days": 0}',
        '{"row_retention_days": NaN}',
        '{"row_retention_days": 100001}',
        '{"is_paused": null}',
        '{"requests_per_minutes": 600}',
        "[]",
    ],
)
def test_what_cannot_be_decided_is_refused(operator: httpx.Client, tenant: str, body: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = operator.patch(f"/admin/tenants/{tenant}", content=body, headers=headers)
    assert_problem(answer, 422, "invalid_request")
    assert operator.get(f"/admin/tenants/{tenant}").json()["settings"] == UNDECIDED


def test_parameters_and_names_are_judged_as_elsewhere(operator: httpx.Client) -> None:
    for path in ("/admin/tenants?name=films", "/admin/queue?state=queued", "/admin/tenants?page_size=101"):
        assert_problem(operator.get(path), 422, "invalid_request")
    for method in ("GET", "PATCH"):
        assert_problem(operator.request(method, "/admin/tenants/No%20tenant", json={}), 422, "invalid_request")
    assert_problem(operator.get("/admin/queue?page=1000000"), 422, "page_too_deep")


def test_an_operator_sees_and_ends_what_waits(operator: httpx.Client, mine: httpx.Client, tenant: str) -> None:
    decide(operator, tenant, is_paused=True)
    first, second = send(mine, "First"), send(mine, "Second")
    [found] = queued(operator, first["id"])
    assert (found["tenant"], found["state"], found["is_paused"]) == (tenant, "queued", True)
    assert (found["pending_batches"], found["held_batches"], found["lease_until"]) == (1, 0, None)
    one = operator.get("/admin/queue", params={"page_size": 1, "page": 2}).json()
    assert (one["total"] >= 2, len(one["items"])) == (True, 1)
    assert operator.head("/admin/queue").status_code == 200
    for _ in range(2):  # to repeat it is no error
        assert operator.post(f"/admin/uploads/{first['id']}/cancel").status_code == 204
    assert mine.get(f"/uploads/{first['id']}").json()["state"] == "cancelled"
    assert queued(operator, first["id"]) == []
    assert_problem(operator.post(f"/admin/uploads/{first['id']}/notify"), 409, "state_conflict")
    decide(operator, tenant, is_paused=False)
    assert operator.post(f"/admin/uploads/{second['id']}/notify").status_code == 204
    assert wait_for_end(mine, second["id"])["state"] == "completed"
    assert_problem(operator.post(f"/admin/uploads/{second['id']}/cancel"), 409, "state_conflict")
    assert mine.get("/movies").json()["total"] == 1
    for action in ("cancel", "notify"):
        assert_problem(operator.post(f"/admin/uploads/{uuid.uuid4()}/{action}"), 404, "not_found")


def test_each_change_is_logged_with_the_operators_key(
    keyed: LocalStack, operator: httpx.Client, operators_key: Key, mine: httpx.Client, tenant: str
) -> None:
    trace_id = uuid.uuid4().hex
    operator.headers["X-Trace-Id"] = trace_id
    decide(operator, tenant, is_paused=True, concurrent_uploads=7)
    upload = send(mine, "Waits")
    for action in ("notify", "cancel"):
        operator.post(f"/admin/uploads/{upload['id']}/{action}").raise_for_status()
    events = {"tenant_settings_changed", "operator_notified", "operator_cancelled"}
    log, deadline = keyed.data_dir / "logs" / "api.log", time.monotonic() + 5
    while True:
        lines = [json.loads(line) for line in log.read_text().splitlines() if trace_id in line]
        if len(told := [line for line in lines if line["event"] in events]) == len(events):
            break
        assert time.monotonic() < deadline
    assert {line["key_id"] for line in told} == {operators_key.id}
    assert told[0]["changed"] == ["concurrent_uploads", "is_paused"]
    assert [line["upload_id"] for line in told[1:]] == [upload["id"]] * 2
    assert tenant not in str(lines)
