"""POST /reload: the default file of a tenant, or a file instead of it, takes the rows of its dataset over."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import psycopg2
import pytest

from shared.ingest.intake.default_files import ReadingOptions
from stack.local import LocalStack
from tests.system.api.defaults import NONE, remove_default, set_default
from tests.system.api.sending import NAMED, Json, assert_problem, movies_csv, stored_files, wait_for_end

SetDefault = Callable[..., None]


def films(*titles: str) -> bytes:
    """A file of films with these titles."""
    return movies_csv({"title": title} for title in titles)


DEFAULT = films("Alpha", "Beta")
OTHER = films("Gamma")


@pytest.fixture
def set_mine(stack: LocalStack, mine: httpx.Client) -> SetDefault:
    """Sets the default file of the client's tenant."""

    def set_file(content: bytes = DEFAULT, name: str = "movies.csv", options: ReadingOptions = NONE) -> None:
        set_default(stack, mine.headers["X-Tenant"], content, name, options)

    return set_file


def loaded(client: httpx.Client, answer: httpx.Response) -> Json:
    """The completed upload of an answer."""
    assert answer.status_code == 202, answer.text
    upload = answer.json()
    assert answer.headers["location"] == f"/api/v1/uploads/{upload['id']}"
    assert upload["mode"] == "replace"
    ended = wait_for_end(client, upload["id"])
    assert ended["state"] == "completed", ended
    return ended


def titles(client: httpx.Client) -> list[str]:
    """All titles that are visible."""
    return sorted(item["title"] for item in client.get("/movies").raise_for_status().json()["items"])


def test_without_a_default_file_there_is_nothing_to_reload(
    stack: LocalStack, mine: httpx.Client, set_mine: SetDefault
) -> None:
    assert_problem(mine.post("/reload"), 404, "no_default_file")
    set_mine()
    other = {"X-Tenant": f"t-{uuid.uuid4().hex[:12]}"}
    assert_problem(mine.post("/reload", headers=other), 404, "no_default_file")
    assert mine.post("/reload").status_code == 202
    remove_default(stack, mine.headers["X-Tenant"])
    assert_problem(mine.post("/reload"), 404, "no_default_file")


def test_it_replaces_whatever_the_mode_of_its_dataset(
    mine: httpx.Client, load: Callable[..., Json], set_mine: SetDefault
) -> None:
    assert load([{"title": "Of before"}])["mode"] == "append"
    set_mine()
    upload = loaded(mine, mine.post("/reload"))
    assert titles(mine) == ["Alpha", "Beta"]
    assert upload["filename"] == "movies.csv"
    mine.post(f"/uploads/{upload['id']}/undo").raise_for_status()
    assert titles(mine) == ["Of before"]


def test_the_same_bytes_are_loaded_again(mine: httpx.Client, set_mine: SetDefault) -> None:
    set_mine()
    first, second = (loaded(mine, mine.post("/reload")) for _ in range(2))
    assert first["id"] != second["id"]
    assert second["deduplicated"] is False
    assert titles(mine) == ["Alpha", "Beta"]
    earlier = mine.get(f"/uploads/{first['id']}").json()
    assert earlier["superseded_by"] == second["id"]


def test_reloads_at_once_leave_the_rows_of_one(mine: httpx.Client, set_mine: SetDefault) -> None:
    set_mine()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: mine.post("/reload"), range(8)))
    uploads = [loaded(mine, answer) for answer in answers]
    assert len({upload["id"] for upload in uploads}) == 8
    assert titles(mine) == ["Alpha", "Beta"]
    ended = [mine.get(f"/uploads/{upload['id']}").json() for upload in uploads]
    assert [upload["superseded_by"] for upload in ended].count(None) == 1


@pytest.mark.parametrize("is_form", [True, False], ids=["form", "raw body"])
def test_a_file_in_the_body_is_loaded_once_and_does_not_become_the_default(
    mine: httpx.Client, set_mine: SetDefault, is_form: bool
) -> None:
    set_mine()
    for _ in range(2):  # the same bytes again
        if is_form:
            answer = mine.post("/reload", files={"file": ("movies.csv", OTHER)})
        else:
            answer = mine.post("/reload", params=NAMED, content=iter([OTHER]))
        loaded(mine, answer)
        assert titles(mine) == ["Gamma"]
    loaded(mine, mine.post("/reload"))
    assert titles(mine) == ["Alpha", "Beta"]


def test_a_form_without_a_file_is_no_request_for_the_default_file(mine: httpx.Client, set_mine: SetDefault) -> None:
    set_mine()
    content = b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\n1\r\n--x--\r\n'
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    assert_problem(mine.post("/reload", content=content, headers=form), 422, "file_part_required")
    assert_problem(mine.post("/reload", content=b"", headers=form), 400, "malformed_multipart")
    assert_problem(mine.post("/reload", content=OTHER), 422, "filename_required")
    assert mine.get("/uploads").json()["total"] == 0


def test_what_was_said_with_the_file_holds_until_a_request_says_otherwise(
    mine: httpx.Client, set_mine: SetDefault
) -> None:
    content = "name;released\nAmélie;25/04/2001\nNULL;25/04/2001\n".encode("windows-1252")
    options = ReadingOptions(
        dataset="movies",
        delimiter=";",
        encoding="windows-1252",
        mapping={"name": "title", "released": "release_date"},
        schema={"missingValues": ["", "NULL"], "dateFormat": "%d/%m/%Y"},
    )
    set_mine(content, "films.txt", options)
    upload = loaded(mine, mine.post("/reload"))
    assert titles(mine) == ["Amélie"]
    assert (upload["filename"], upload["dataset"], upload["records"]["rejected"]) == ("films.txt", "movies", 1)
    named = {"filename": "seen.csv", "schema": '{"missingValues": [""], "dateFormat": "%d/%m/%Y"}'}
    upload = loaded(mine, mine.post("/reload", params=named))
    assert titles(mine) == ["Amélie", "NULL"]
    assert upload["filename"] == "seen.csv"
    assert_problem(mine.post("/reload", params={"dataset": "songs"}), 422, "unknown_dataset")
    assert_problem(mine.post("/reload", params={"dataset": "title.basics"}), 422, "header_mismatch")


def test_parameters_that_a_reload_decides_itself_are_refused(mine: httpx.Client, set_mine: SetDefault) -> None:
    set_mine()
    for params in ({"mode": "append"}, {"force": "true"}, {"file": "x"}):
        assert_problem(mine.post("/reload", params=params), 422, "invalid_request")
    assert_problem(mine.get("/reload"), 405, "method_not_allowed")


def test_the_same_key_is_the_same_reload_even_if_another_file_is_the_default_by_then(
    stack: LocalStack, mine: httpx.Client, set_mine: SetDefault
) -> None:
    set_mine()
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = loaded(mine, mine.post("/reload", headers=key))
    set_mine(OTHER)
    before = stored_files(stack)
    again = mine.post("/reload", headers=key)
    assert (again.status_code, again.json()["id"]) == (202, first["id"])
    assert stored_files(stack) <= before
    assert_problem(mine.post("/reload", headers=key, params={"plan": "true"}), 422, "idempotency_key_reused")
    assert_problem(mine.post("/reload", headers=key, params=NAMED, content=OTHER), 422, "idempotency_key_reused")
    assert titles(mine) == ["Alpha", "Beta"]


def test_it_waits_as_a_plan_and_goes_through_celery_like_an_upload(mine: httpx.Client, set_mine: SetDefault) -> None:
    set_mine()
    planned = mine.post("/reload", params={"plan": "true"}).json()
    assert wait_for_end(mine, planned["id"])["state"] == "planned"
    assert titles(mine) == []
    upload = loaded(mine, mine.post("/reload", params={"use_celery": "true"}))
    assert upload["transport"] == "celery"
    assert titles(mine) == ["Alpha", "Beta"]


def test_a_stored_file_that_is_gone_is_said_and_leaves_nothing(
    stack: LocalStack, mine: httpx.Client, set_mine: SetDefault
) -> None:
    set_mine()
    with closing(psycopg2.connect(stack.database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SELECT storage_key FROM default_files WHERE tenant = %s", (mine.headers["X-Tenant"],))
        [(key,)] = cursor.fetchall()
    (stack.data_dir / "uploads" / key).unlink()
    before = stored_files(stack)
    assert_problem(mine.post("/reload"), 500, "stored_file_corrupt")
    assert stored_files(stack) <= before
    assert mine.get("/uploads").json()["total"] == 0
