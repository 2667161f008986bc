"""`admin` as an operator uses it."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from stack.local import LocalStack
from tests.system.api.keyed import client_with, key_for
from tests.system.api.sending import assert_problem, movies_csv, wait_for_end
from tests.system.cli.programs import Result, run

FILE = {"filename": "movies.csv"}


@pytest.fixture
def where(keyed: LocalStack) -> tuple[str, Path]:
    return "--data-dir", keyed.data_dir


def admin(where: tuple[str, Path], *words: str) -> Result:
    done = run(["admin", *words, *where])
    assert done.code == 0, done.err
    return done


def send(client: httpx.Client, title: str) -> dict[str, Any]:
    answer = client.post("/upload", params=FILE, content=movies_csv([{"title": title}]))
    assert answer.status_code == 202, answer.text
    document: dict[str, Any] = answer.json()
    return document


def test_a_tenant_has_limits_of_its_own(keyed: LocalStack, where: tuple[str, Path], tenant: str) -> None:
    decided = admin(where, "limit", tenant, "--requests-per-minute", "2", "--json").document["items"][0]
    assert (decided["tenant"], decided["requests_per_minute"], decided["concurrent_uploads"]) == (tenant, 2, None)
    with client_with(keyed, key_for(keyed, tenant)) as client:
        assert [client.get("/uploads").status_code for _ in range(2)] == [200, 200]
        assert_problem(client.get("/uploads"), 429, "limit_reached")
    other = f"{tenant}-2"
    with client_with(keyed, key_for(keyed, other)) as client:
        assert [client.get("/uploads").status_code for _ in range(3)] == [200] * 3
    assert tenant in admin(where, "show").out
    forgotten = admin(where, "limit", tenant, "--forget", "--json").document["items"][0]
    assert forgotten["requests_per_minute"] is None


def test_a_tenant_is_paused_and_resumed(keyed: LocalStack, where: tuple[str, Path], tenant: str) -> None:
    admin(where, "pause", tenant)
    with client_with(keyed, key_for(keyed, tenant)) as client:
        paused = send(client, "Waits")
        queued = {upload["id"]: upload for upload in admin(where, "queue", "--json").document["items"]}
        assert (queued[paused["id"]]["state"], queued[paused["id"]]["is_paused"]) == ("queued", True)
        assert paused["id"][:8] in admin(where, "queue").out
        admin(where, "notify", paused["id"])
        admin(where, "resume", tenant)
        assert wait_for_end(client, paused["id"])["state"] == "completed"


def test_an_operator_cancels_what_waits(keyed: LocalStack, where: tuple[str, Path], tenant: str) -> None:
    admin(where, "pause", tenant)
    with client_with(keyed, key_for(keyed, tenant)) as client:
        waiting = send(client, "Waits")
        admin(where, "cancel", waiting["id"])
        assert client.get(f"/uploads/{waiting['id']}").json()["state"] == "cancelled"
    again = run(["admin", "notify", waiting["id"], *where])
    assert (again.code, "neither waits nor loads" in again.err) == (1, True)
    wrong = run(["admin", "limit", tenant, "--concurrent-uploads", "0", *where])
    assert (wrong.code, "concurrent_uploads must be between" in wrong.err) == (2, True)
