"""Plans: an upload that was loaded and compared waits until somebody applies it, and readers see nothing of it."""

import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.system.api.sending import Json, assert_problem, wait_for_end
from tests.system.api.titles import DATASET, Titles, counted, tconst, titles_csv

BEFORE = {1: "one", 2: "two", 3: "three"}
SENT = {2: "two!", 3: "three", 4: "four"}
AFTER = {
    "append": [(1, "one"), (2, "two"), (2, "two!"), (3, "three"), (3, "three"), (4, "four")],
    "replace": [(2, "two!"), (3, "three"), (4, "four")],
    "upsert": [(1, "one"), (2, "two!"), (3, "three"), (4, "four")],
}
COUNTS = {
    "append": counted(new=3),
    "replace": counted(new=1, changed=1, unchanged=1, removed=1),
    "upsert": counted(new=1, changed=1, unchanged=1),
}
SAMPLED = {
    "append": {("added", 2), ("added", 3), ("added", 4)},
    "replace": {("removed", 1), ("changed", 2), ("added", 4)},
    "upsert": {("changed", 2), ("added", 4)},
}


def number_of(change: Json) -> int:
    """The title that a change is about."""
    row = change["after"] or change["before"]
    return int(row["source_id"][2:])


def states(client: httpx.Client, upload: Json) -> list[str]:
    """The states that an upload has been in, and when its plan was stale."""
    events = client.get(f"/uploads/{upload['id']}/history").raise_for_status().json()["items"]
    return [event["event"] for event in events if event["event"] != "publishing"]


def apply_as(client: httpx.Client, upload: Json, tag: str | None) -> httpx.Response:
    """Ask to apply a plan with this If-Match."""
    return client.post(f"/uploads/{upload['id']}/apply", headers={} if tag is None else {"If-Match": tag})


@pytest.mark.parametrize("is_large", [False, True], ids=["small", "large"])
@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
def test_a_plan_says_what_it_would_change_and_changes_that(titles: Titles, mode: str, is_large: bool) -> None:
    titles.send(BEFORE, mode="append", is_large=not is_large)
    planned = titles.plan(SENT, mode, is_large=is_large)
    assert (planned["counts"], planned["phase"], planned["mode"]) == (COUNTS[mode], "planned", mode)
    assert planned["records"] == {"read": 3, "loaded": 3, "rejected": 0, "duplicate": 0}
    assert {(change["change"], number_of(change)) for change in planned["plan"]["sample"]} == SAMPLED[mode]
    assert titles.shown() == sorted(BEFORE.items())
    applied = titles.apply(planned)
    assert (applied["state"], applied["counts"], applied["plan"]) == ("completed", COUNTS[mode], None)
    assert titles.shown() == AFTER[mode]
    assert states(titles.client, applied) == ["queued", "loading", "planned", "queued", "loading", "completed"]
    titles.undo(applied)
    assert titles.shown() == sorted(BEFORE.items())


def test_nobody_sees_the_rows_of_a_plan(titles: Titles) -> None:
    titles.send(BEFORE)
    earlier = titles.client.get("/movies").json()
    planned = titles.plan(SENT, "upsert")
    client, stranger = titles.client, {"X-Tenant": "somebody-else"}
    assert client.get("/movies").json() == earlier
    assert client.get(f"/datasets/{DATASET}/rows").json()["total"] == 3
    assert len(client.get(f"/datasets/{DATASET}/rows.csv").text.splitlines()) == 4
    assert titles.shown(as_of=datetime.now(UTC).isoformat()) == sorted(BEFORE.items())
    [sampled] = [each for each in planned["plan"]["sample"] if each["change"] == "added"]
    assert_problem(client.get(f"/movies/{sampled['after']['_id']}"), 404, "not_found")
    for suffix in ("", "/changes", "/rejects", "/history"):
        answer = client.get(f"/uploads/{planned['id']}{suffix}", headers=stranger)
        assert_problem(answer, 404, "not_found")
    for action in ("apply", "cancel"):
        assert_problem(client.post(f"/uploads/{planned['id']}/{action}", headers=stranger), 404, "not_found")
    assert client.get(f"/uploads/{planned['id']}").json()["state"] == "planned"


def test_the_plan_has_a_tag_and_a_term(titles: Titles) -> None:
    planned = titles.plan(SENT, "append")
    answer = titles.client.get(f"/uploads/{planned['id']}")
    assert answer.headers["etag"] == planned["plan"]["etag"] == answer.json()["plan"]["etag"]
    assert re.fullmatch(r'"[0-9]+"', answer.headers["etag"])
    waits = datetime.fromisoformat(planned["plan"]["expires_at"]) - datetime.fromisoformat(planned["planned_at"])
    assert waits == timedelta(hours=72)
    assert planned["links"]["apply"] == f"/api/v1/uploads/{planned['id']}/apply"
    assert planned["links"]["cancel"]
    assert titles.client.head(f"/uploads/{planned['id']}").headers["etag"] == answer.headers["etag"]
    [listed] = titles.client.get("/uploads", params={"state": "planned"}).json()["items"]
    assert (listed["id"], listed["counts"], listed["plan"]) == (planned["id"], counted(new=3), None)


def test_a_sample_has_a_few_changes_only(titles: Titles) -> None:
    planned = titles.plan(dict.fromkeys(range(1, 21), "title"), "append")
    assert [number_of(change) for change in planned["plan"]["sample"]] == [1, 2, 3, 4, 5]
    assert [change["line"] for change in planned["plan"]["sample"]] == [2, 3, 4, 5, 6]


@pytest.mark.parametrize("tag", ['"1"', "", 'W/"1"', "nonsense", "1"])
def test_another_tag_applies_nothing(titles: Titles, tag: str) -> None:
    planned = titles.plan(SENT, "append")
    assert_problem(apply_as(titles.client, planned, tag), 412, "plan_stale")
    assert titles.client.get(f"/uploads/{planned['id']}").json() == planned
    assert titles.shown() == []


@pytest.mark.parametrize("tag", [None, "*", '"1", {}', "{}"])
def test_the_right_tag_or_none_applies_the_plan(titles: Titles, tag: str | None) -> None:
    planned = titles.plan(SENT, "append")
    answer = apply_as(titles.client, planned, tag and tag.format(planned["plan"]["etag"]))
    assert answer.status_code == 202, answer.text
    assert answer.json()["id"] == planned["id"]
    assert wait_for_end(titles.client, planned["id"])["state"] == "completed"
    assert titles.shown() == sorted(SENT.items())


@pytest.mark.parametrize("mode", ["replace", "upsert"])
def test_a_stale_plan_is_counted_anew(titles: Titles, mode: str) -> None:
    titles.send(BEFORE, mode="append")
    planned = titles.plan(SENT, mode)
    titles.send({4: "four", 5: "five"}, mode="upsert")
    now = [(1, "one"), (2, "two"), (3, "three"), (4, "four"), (5, "five")]
    assert_problem(apply_as(titles.client, planned, planned["plan"]["etag"]), 412, "plan_stale")
    again = wait_for_end(titles.client, planned["id"])
    removed = {"removed": 2} if mode == "replace" else {}
    assert (again["state"], again["counts"]) == ("planned", counted(changed=1, unchanged=2, **removed))
    assert again["plan"]["etag"] != planned["plan"]["etag"]
    assert titles.shown() == now
    assert_problem(apply_as(titles.client, again, planned["plan"]["etag"]), 412, "plan_stale")
    assert titles.client.get(f"/uploads/{planned['id']}").json() == again
    applied = titles.apply(again)
    assert (applied["state"], applied["counts"]) == ("completed", again["counts"])
    told = [
        "queued",
        "loading",
        "planned",
        "queued",
        "plan_stale",
        "loading",
        "planned",
        "queued",
        "loading",
        "completed",
    ]
    assert states(titles.client, applied) == told
    kept = [] if mode == "replace" else [(1, "one"), (5, "five")]
    assert titles.shown() == sorted([(2, "two!"), (3, "three"), (4, "four"), *kept])


def test_what_adds_rows_is_never_stale(titles: Titles) -> None:
    planned = titles.plan(SENT, "append")
    titles.send(BEFORE, mode="replace")
    assert titles.apply(planned)["state"] == "completed"
    assert titles.shown() == AFTER["append"]


def test_of_two_plans_the_second_one_is_counted_anew(titles: Titles) -> None:
    titles.send(BEFORE)
    first, second = titles.plan({1: "first"}, "upsert"), titles.plan({1: "second", 2: "two"}, "upsert")
    titles.apply(first)
    assert_problem(apply_as(titles.client, second, None), 412, "plan_stale")
    again = wait_for_end(titles.client, second["id"])
    assert again["counts"] == counted(changed=1, unchanged=1)
    [change] = again["plan"]["sample"]
    assert (change["before"]["title"], change["after"]["title"]) == ("first", "second")
    titles.apply(again)
    assert titles.shown() == [(1, "second"), (2, "two"), (3, "three")]


@pytest.mark.parametrize("is_large", [False, True], ids=["small", "large"])
def test_a_plan_is_cancelled_and_made_again(titles: Titles, is_large: bool) -> None:
    titles.send(BEFORE)
    planned = titles.plan(SENT, "replace", is_large=is_large)
    path = f"/uploads/{planned['id']}"
    cancelled = titles.client.post(f"{path}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert cancelled.json()["counts"] is None
    assert "etag" not in titles.client.get(path).headers
    assert_problem(apply_as(titles.client, planned, planned["plan"]["etag"]), 409, "state_conflict")
    assert titles.shown() == sorted(BEFORE.items())
    assert titles.client.post(f"{path}/retry").status_code == 202
    again = wait_for_end(titles.client, planned["id"])
    assert (again["state"], again["counts"]) == ("planned", COUNTS["replace"])
    assert again["plan"]["etag"] != planned["plan"]["etag"]
    titles.apply(again)
    assert titles.shown() == AFTER["replace"]


def test_who_applies_a_plan_again_changes_nothing(titles: Titles) -> None:
    planned = titles.plan(SENT, "append")
    applied = titles.apply(planned)
    again = apply_as(titles.client, planned, planned["plan"]["etag"])
    assert (again.status_code, again.json()["state"]) == (202, "completed")
    assert titles.client.get(f"/uploads/{planned['id']}").json() == applied
    assert titles.shown() == sorted(SENT.items())
    titles.undo(planned)
    problem = assert_problem(apply_as(titles.client, planned, planned["plan"]["etag"]), 409, "state_conflict")
    assert (problem["state"], problem["allowed"]) == ("undone", ["planned"])


def test_many_who_apply_a_plan_at_once_apply_it_once(titles: Titles) -> None:
    planned = titles.plan(SENT, "append")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: apply_as(titles.client, planned, planned["plan"]["etag"]), range(8)))
    assert {answer.status_code for answer in answers} == {202}
    upload = wait_for_end(titles.client, planned["id"])
    assert states(titles.client, upload) == ["queued", "loading", "planned", "queued", "loading", "completed"]
    assert titles.shown() == sorted(SENT.items())


def test_only_plans_are_applied(titles: Titles) -> None:
    upload = titles.send(BEFORE)
    assert (upload["plan"], upload["planned_at"]) == (None, None)
    assert "apply" not in upload["links"]
    for tag in (None, "*", '"1"'):
        assert_problem(apply_as(titles.client, upload, tag), 409, "state_conflict")
    titles.undo(upload)
    assert_problem(apply_as(titles.client, upload, None), 409, "state_conflict")
    assert_problem(apply_as(titles.client, {"id": uuid.uuid4()}, None), 404, "not_found")
    assert_problem(apply_as(titles.client, {"id": "none"}, None), 422, "invalid_request")


def test_what_is_not_planned_yet_is_not_applied(titles: Titles) -> None:
    """Nobody would notice that it waits for a decision later. The stack has no worker, so it stays queued."""
    params: dict[str, Any] = {"filename": "title.basics.tsv", "plan": True, "use_celery": True}
    queued = titles.client.post("/upload", params=params, content=titles_csv(SENT)).raise_for_status().json()
    problem = assert_problem(apply_as(titles.client, queued, None), 409, "state_conflict")
    assert (problem["state"], problem["allowed"]) == ("queued", ["planned"])


def test_a_plan_is_not_undone_or_retried(titles: Titles) -> None:
    planned = titles.plan(SENT, "append")
    for action in ("undo", "retry"):
        problem = assert_problem(titles.client.post(f"/uploads/{planned['id']}/{action}"), 409, "state_conflict")
        assert problem["state"] == "planned"
    assert titles.client.get(f"/uploads/{planned['id']}").json() == planned


@pytest.mark.parametrize("plan", [True, False])
def test_the_same_file_again_is_the_plan_that_waits(titles: Titles, plan: bool) -> None:
    planned = titles.plan(SENT, "append")
    params: dict[str, Any] = {"filename": "title.basics.tsv", "mode": "append", "plan": plan}
    answer = titles.client.post("/upload", params=params, content=titles_csv(SENT))
    assert (answer.status_code, answer.json()["deduplicated"]) == (200, True)
    assert (answer.json()["id"], answer.json()["state"]) == (planned["id"], "planned")
    assert titles.shown() == []
    titles.client.post(f"/uploads/{planned['id']}/cancel").raise_for_status()
    assert titles.send(SENT, mode="append")["id"] != planned["id"]


def test_rejects_of_a_plan_are_listed_and_corrected_once_it_is_applied(titles: Titles) -> None:
    planned = titles.send_file(titles_csv(SENT) + b"x9\tmovie\tbad\n", mode="append", plan=True)
    assert (planned["state"], planned["records"]["rejected"], planned["counts"]) == ("planned", 1, counted(new=3))
    path = f"/uploads/{planned['id']}/rejects"
    [reject] = titles.client.get(path).json()["items"]
    assert (reject["line_number"], reject["column"], reject["code"]) == (5, "tconst", "invalid_tconst")
    correction = titles.client.get(path, params={"format": "csv"}).text.replace("x9", tconst(9)).encode()
    named = {"filename": "rejects.tsv"}
    assert_problem(titles.client.post(path, params=named, content=correction), 409, "state_conflict")
    titles.apply(planned)
    sent = titles.client.post(path, params=named, content=correction)
    assert sent.status_code == 202, sent.text
    assert wait_for_end(titles.client, sent.json()["id"])["state"] == "completed"
    assert titles.shown() == [*sorted(SENT.items()), (9, "bad")]


@pytest.mark.parametrize("is_large", [False, True], ids=["small", "large"])
def test_of_nothing_there_is_no_plan(titles: Titles, is_large: bool) -> None:
    titles.send(BEFORE)
    content = titles_csv({}, is_large=is_large) + b"x9\tmovie\tbad\n"
    failed = titles.send_file(content, mode="replace", plan=True)
    assert (failed["state"], failed["error"]["code"], failed["plan"]) == ("failed", "nothing_loaded", None)
    assert_problem(apply_as(titles.client, failed, None), 409, "state_conflict")
    assert titles.shown() == sorted(BEFORE.items())


def test_a_plan_that_changes_nothing_is_a_plan(titles: Titles) -> None:
    titles.send(BEFORE)
    planned = titles.plan({1: "one", 2: "two"}, "upsert")
    assert (planned["counts"], planned["plan"]["sample"]) == (counted(unchanged=2), [])
    assert titles.apply(planned)["state"] == "completed"
    assert titles.shown() == sorted(BEFORE.items())
