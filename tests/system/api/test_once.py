"""Idempotency at two levels, error budgets and history."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import psycopg2
import pytest

from stack.local import LocalStack
from tests.archives import Member, archive
from tests.system.api.sending import NAMED, Json, assert_problem, movies_csv, stored_files, wait_for_end


def send(client: httpx.Client, content: bytes, key: str | None = None, **params: str | bool) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return client.put("/upload", params={**NAMED, **params}, content=content, headers=headers)


def some_file(rows: int = 3, bad: int = 0) -> bytes:
    name = uuid.uuid4()
    return movies_csv({"title": f"{name} {row}", "vote_average": "99" if row < bad else "5"} for row in range(rows))


def test_the_same_bytes_are_loaded_once(mine: httpx.Client, stack: LocalStack) -> None:
    content = some_file()
    first = send(mine, content)
    assert first.status_code == 202
    assert first.json()["deduplicated"] is False
    before = stored_files(stack)
    second = send(mine, content, filename="another-name.csv", use_celery=True)
    assert second.status_code == 200
    assert second.json()["id"] == first.json()["id"]
    assert second.json()["deduplicated"] is True
    assert second.headers["location"] == first.headers["location"]
    assert stored_files(stack) <= before
    wait_for_end(mine, first.json()["id"])
    assert mine.get("/movies").json()["total"] == 3


def test_force_loads_them_again_and_undo_makes_room(mine: httpx.Client) -> None:
    content = some_file()
    first = send(mine, content).json()
    forced = send(mine, content, force=True)
    assert forced.status_code == 202
    assert forced.json()["id"] != first["id"]
    for upload in (first, forced.json()):
        assert wait_for_end(mine, upload["id"])["state"] == "completed"
    assert mine.get("/movies").json()["total"] == 6
    mine.post(f"/uploads/{first['id']}/undo").raise_for_status()
    again = send(mine, content)
    assert (again.status_code, again.json()["id"]) == (200, forced.json()["id"])
    mine.post(f"/uploads/{forced.json()['id']}/undo").raise_for_status()
    assert send(mine, content).status_code == 202


def test_another_tenant_loads_its_own(mine: httpx.Client) -> None:
    content = some_file()
    assert send(mine, content).status_code == 202
    headers = {"X-Tenant": f"t-{uuid.uuid4().hex[:12]}"}
    assert mine.put("/upload", params=NAMED, content=content, headers=headers).status_code == 202


def test_twenty_at_once_are_one_upload(mine: httpx.Client) -> None:
    content = some_file()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: send(mine, content), range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [202]
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_the_same_key_and_request_give_the_same_answer(mine: httpx.Client) -> None:
    content, key = some_file(), uuid.uuid4().hex
    first = send(mine, content, key)
    assert first.status_code == 202
    wait_for_end(mine, first.json()["id"])
    again = send(mine, content, key)
    assert again.status_code == 202
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert mine.get("/uploads").json()["total"] == 1


def test_a_key_is_for_one_request(mine: httpx.Client) -> None:
    content, key = some_file(), uuid.uuid4().hex
    send(mine, content, key).raise_for_status()
    assert_problem(send(mine, some_file(), key), 422, "idempotency_key_reused")
    assert_problem(send(mine, content, key, use_celery=True), 422, "idempotency_key_reused")
    assert_problem(send(mine, content, "has space"), 422, "invalid_request")


def test_another_member_of_an_archive_is_another_upload(mine: httpx.Client) -> None:
    content = archive(*(Member(name, some_file()) for name in ("a.csv", "b.csv")), Member("c.txt", some_file()))
    first, second = (send(mine, content, filename="x.zip", member=name) for name in ("a.csv", "b.csv"))
    assert (first.status_code, second.status_code) == (202, 202)
    again = send(mine, content, filename="x.zip", member="b.csv")
    assert (again.status_code, again.json()["id"]) == (200, second.json()["id"])
    assert [answer.json()["member"] for answer in (first, again)] == ["a.csv", "b.csv"]


def test_the_only_table_of_an_archive_and_its_name_say_the_same(mine: httpx.Client) -> None:
    content = archive(Member("a.csv", some_file()), Member("b.txt", some_file()))
    first, again = (send(mine, content, filename="x.zip", **chosen) for chosen in ({}, {"member": "a.csv"}))
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    assert send(mine, content, filename="x.zip", member="b.txt").status_code == 202


def test_another_member_of_an_archive_is_another_request(mine: httpx.Client) -> None:
    content, key = archive(*(Member(name, some_file()) for name in ("a.csv", "b.csv"))), str(uuid.uuid4())
    first = send(mine, content, key, filename="x.zip", member="a.csv")
    assert first.status_code == 202
    assert send(mine, content, key, filename="x.zip", member="a.csv").json() == first.json()
    again = send(mine, content, key, filename="x.zip", member="b.csv")
    assert_problem(again, 422, "idempotency_key_reused")


def test_a_key_whose_request_runs_is_in_use(mine: httpx.Client, stack: LocalStack) -> None:
    content, key = some_file(), uuid.uuid4().hex

    def slowly() -> object:
        yield content[:50]
        wait_until_reserved(stack, key)
        assert_problem(send(mine, content, key), 409, "idempotency_key_in_use")
        yield content[50:]

    assert mine.put("/upload", params=NAMED, content=slowly(), headers={"Idempotency-Key": key}).status_code == 202  # type: ignore[arg-type]


def wait_until_reserved(stack: LocalStack, key: str) -> None:
    with closing(psycopg2.connect(stack.database_url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            cursor.execute("SELECT FROM idempotency_keys WHERE key = %s", (key,))
            if cursor.rowcount:
                return
            time.sleep(0.02)
    pytest.fail("the first request has not reserved its key")


def test_a_failed_request_gives_its_key_back(mine: httpx.Client) -> None:
    key = uuid.uuid4().hex
    assert send(mine, b"a,b\n1,2\n", key).status_code == 422
    assert send(mine, some_file(), key).status_code == 202


@pytest.mark.parametrize(
    ("budget", "state"),
    [
        ({}, "completed"),
        ({"max_rejects": "2"}, "completed"),
        ({"max_rejects": "1"}, "failed"),
        ({"max_rejects": "20%"}, "completed"),
        ({"max_rejects": "19.9%"}, "failed"),
        ({"max_rejects": "0"}, "failed"),
        ({"on_error": "abort"}, "failed"),
    ],
    ids=str,
)
def test_budgets(mine: httpx.Client, budget: Json, state: str) -> None:
    upload = send(mine, some_file(rows=10, bad=2), **budget).json()
    ended = wait_for_end(mine, upload["id"])
    assert ended["state"] == state
    assert mine.get(f"/uploads/{upload['id']}/rejects").json()["total"] == 2
    if state == "failed":
        assert ended["error"]["code"] == "too_many_rejects"
        assert ended["records"] == {"read": 2, "loaded": 0, "rejected": 2, "duplicate": 0}
        assert mine.get("/movies").json()["total"] == 0


def test_history_tells_every_state(mine: httpx.Client) -> None:
    upload = send(mine, some_file()).json()
    wait_for_end(mine, upload["id"])
    mine.post(f"/uploads/{upload['id']}/undo").raise_for_status()
    items = mine.get(f"/uploads/{upload['id']}/history").json()["items"]
    assert [item["event"] for item in items] == ["queued", "loading", "completed", "undone"]
    assert [item["at"] for item in items] == sorted(item["at"] for item in items)
    assert all(item["at"].endswith("Z") for item in items)
    assert_problem(mine.get(f"/uploads/{uuid.uuid4()}/history"), 404, "not_found")
