"""What time ends: plans that nobody applies, and rows whose place others have taken."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from shared.database.engine import create_sync_engine
from shared.ingest.lifecycle.pruning import prune
from shared.settings import Settings
from stack.local import LocalStack
from stack.ports import free_port
from stack.services import Api, Surroundings
from tests.system.api.sending import assert_problem
from tests.system.api.titles import DATASET, Titles, counted
from tests.system.stack.processes import running
from tests.waiting import eventually


@contextmanager
def impatient(stack: LocalStack) -> Iterator[None]:
    """While one more API on the same stack waits for no decision."""
    settings = {"INGEST_PLAN_HOURS": "0.0001", "INGEST_SWEEP_INTERVAL_SECONDS": "0.2", "INGEST_PARALLELISM": "1"}
    surroundings = Surroundings(stack.data_dir, stack.database_url, stack.redis_url, settings)
    with running(Api(surroundings, free_port(), "api-impatient")):
        yield


def prune_all(stack: LocalStack) -> None:
    """What the sweep does every five minutes, and here for what was superseded until now."""
    engine = create_sync_engine(Settings(database_url=stack.database_url, redis_url=stack.redis_url), "a test")
    prune(engine, 0)
    engine.dispose()


def test_a_plan_that_nobody_applies_is_cancelled(titles: Titles, low_border: LocalStack) -> None:
    titles.send({1: "one"})
    planned = titles.plan({1: "one!", 2: "two"}, "replace")
    path = f"/uploads/{planned['id']}"
    with impatient(low_border):
        assert eventually(lambda: titles.client.get(path).json()["state"] == "cancelled")
        assert eventually(lambda: '"plan_expired"' in titles.client.get(f"{path}/history").text)
    problem = assert_problem(titles.client.post(f"{path}/apply"), 409, "state_conflict")
    assert problem["state"] == "cancelled"
    assert titles.shown() == [(1, "one")]
    titles.client.post(f"{path}/retry").raise_for_status()
    again = titles.wait(planned["id"])
    assert (again["state"], again["counts"]) == ("planned", counted(new=1, changed=1))
    titles.apply(again)
    assert titles.shown() == [(1, "one!"), (2, "two")]


def test_what_was_superseded_long_ago_is_no_longer_known(titles: Titles, low_border: LocalStack) -> None:
    client = titles.client
    first = titles.send({1: "one", 2: "two"}, mode="append")
    cursor = client.get(f"/datasets/{DATASET}/changes").json()["cursor"]
    large = titles.send({3: "three"}, mode="append", is_large=True)
    before = datetime.now(UTC).isoformat()
    upserted = titles.send({1: "one!"}, mode="upsert")
    replaced = titles.send({4: "four"}, mode="replace")
    later = titles.send({5: "five"}, mode="append")
    changes = f"/uploads/{replaced['id']}/changes"
    assert client.get(changes).json()["total"] == 4
    prune_all(low_border)
    for upload in (upserted, replaced):
        for params in ({}, {"format": "csv"}):
            answer = client.get(f"/uploads/{upload['id']}/changes", params=params)
            assert_problem(answer, 410, "history_expired")
        assert_problem(client.post(f"/uploads/{upload['id']}/undo"), 409, "state_conflict")
    for as_of in (first["id"], large["id"], before, upserted["id"]):
        answer = client.get(f"/datasets/{DATASET}/rows", params={"as_of": as_of})
        problem = assert_problem(answer, 410, "history_expired")
        assert "no longer kept" in problem["detail"]
        assert titles.shown(as_of=problem["earliest"]) == [(4, "four"), (5, "five")]
    answer = client.get(f"/datasets/{DATASET}/changes", params={"since": cursor})
    assert_problem(answer, 410, "history_expired")
    anew = client.get(f"/datasets/{DATASET}/changes").json()
    assert sorted(item["key"]["source_id"] for item in anew["items"]) == ["tt0000004", "tt0000005"]
    assert titles.shown(as_of=later["id"]) == titles.shown() == [(4, "four"), (5, "five")]
    titles.undo(later)
    assert titles.shown() == [(4, "four")]
