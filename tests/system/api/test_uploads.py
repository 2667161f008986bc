import uuid
from collections.abc import Callable

import httpx
import pytest

from tests.system.api.sending import Json, MovieRows, assert_problem, movies_csv, wait_for_end

Load = Callable[[MovieRows], Json]


def test_the_list_is_newest_first_and_pages_link_to_each_other(mine: httpx.Client, load: Load) -> None:
    numbers = [load([{"title": f"film {n}"}])["number"] for n in range(3)]
    assert [item["number"] for item in mine.get("/uploads").json()["items"]] == numbers[::-1]

    seen, address = [], "/uploads?page_size=1&state=completed"
    while address:
        answer = mine.get(address.removeprefix("/api/v1"))
        assert answer.json()["total"] == 3
        seen += [item["number"] for item in answer.json()["items"]]
        address = answer.links.get("next", {}).get("url", "")
    assert seen == numbers[::-1]
    assert set(answer.links) == {"first", "prev"}
    assert answer.links["prev"]["url"].endswith("page_size=1&state=completed&page=2")
    assert mine.get("/uploads", params={"state": "failed"}).json()["items"] == []


@pytest.mark.parametrize("path", ["", "/rejects", "/rejects?format=csv"])
def test_an_upload_that_is_not_there(mine: httpx.Client, path: str) -> None:
    assert_problem(mine.get(f"/uploads/{uuid.uuid4()}{path}"), 404, "not_found")
    assert_problem(mine.get(f"/uploads/none{path}"), 422, "invalid_request")


@pytest.mark.parametrize("action", ["cancel", "retry", "undo"])
def test_an_action_on_an_upload_that_is_not_there(mine: httpx.Client, action: str) -> None:
    assert_problem(mine.post(f"/uploads/{uuid.uuid4()}/{action}"), 404, "not_found")


def test_another_tenants_upload_is_not_there(api: httpx.Client, mine: httpx.Client, load: Load) -> None:
    upload = load([{"title": "mine"}])
    for answer in (
        api.get(f"/uploads/{upload['id']}"),
        api.get(f"/uploads/{upload['id']}/rejects"),
        api.post(f"/uploads/{upload['id']}/undo"),
        api.get(f"/movies/{mine.get('/movies').json()['items'][0]['id']}"),
    ):
        assert_problem(answer, 404, "not_found")


def test_a_completed_upload_can_be_undone_and_nothing_else(mine: httpx.Client, load: Load) -> None:
    upload = load([{"title": "gone soon", "release_date": "1999-01-01"}, {"title": "gone, too"}])
    assert_problem(mine.post(f"/uploads/{upload['id']}/cancel"), 409, "state_conflict")
    assert_problem(mine.post(f"/uploads/{upload['id']}/retry"), 409, "state_conflict")
    assert mine.get("/movies").json()["total"] == 2

    answer = mine.post(f"/uploads/{upload['id']}/undo")
    assert (answer.status_code, answer.json()["state"]) == (200, "undone")
    assert set(answer.json()["links"]) == {"self", "rejects", "movies"}
    page = mine.get("/movies").json()
    assert (page["items"], page["total"]) == ([], 0)


def test_a_cancelled_upload_can_be_retried(mine: httpx.Client) -> None:
    content = movies_csv({"title": f"film {n}", "overview": "words " * 60} for n in range(40_000))
    upload = mine.put("/upload", params={"filename": "movies.csv"}, content=content).json()
    answer = mine.post(f"/uploads/{upload['id']}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled"), answer.text
    assert "retry" in answer.json()["links"]
    assert mine.get("/movies").json()["total"] == 0

    answer = mine.post(f"/uploads/{upload['id']}/retry")
    assert answer.status_code == 202
    done = wait_for_end(mine, upload["id"])
    assert (done["state"], done["records"]["loaded"]) == ("completed", 40_000)
    assert mine.get("/movies").json()["total"] == 40_000


def test_records_add_up_at_every_moment(mine: httpx.Client) -> None:
    content = movies_csv({"title": f"film {n}" if n % 10 else "", "overview": "words " * 80} for n in range(60_000))
    answer = mine.put("/upload", params={"filename": "movies.csv"}, content=content)
    state, percents = "queued", []
    while state in ("queued", "loading"):
        upload = mine.get(f"/uploads/{answer.json()['id']}").json()
        records, progress, state = upload["records"], upload["progress"], upload["state"]
        assert records["read"] == records["loaded"] + records["rejected"] + records["duplicate"]
        assert 0 <= progress["bytes_done"] <= progress["bytes_total"] == len(content)
        is_indexing = upload["phase"] == "indexing"
        assert progress["eta_seconds"] is None or (state == "loading" and not is_indexing)
        assert is_indexing or progress["index_steps_done"] is progress["index_steps_total"] is None
        percents.append(progress["percent"])
    assert (state, upload["records"]["loaded"], upload["records"]["rejected"]) == ("completed", 54_000, 6_000)
    assert percents == sorted(percents)


def test_tenants_are_listed_with_what_they_have(mine: httpx.Client, load: Load) -> None:
    load([{"title": "one"}, {"title": "two"}])
    found = {tenant["name"]: tenant for tenant in mine.get("/tenants").json()["items"]}
    name = mine.headers["X-Tenant"]
    assert found[name] == {"name": name, "uploads": 1, "movies": 2}
