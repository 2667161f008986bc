"""Movies that people write, change and remove: what the answers say, and that each edit is an upload like others."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.system.api.sending import Json, MovieRows, assert_problem, wait_for_end
from tests.system.api.titles import titles_csv

METROPOLIS: Json = {
    "title": "Metropolis",
    "original_title": 'Metropolis, or "The City"\r\nof two lines',
    "title_type": "movie",
    "original_language": "de",
    "overview": " A city above, and\na city below: NULL ",
    "release_date": "1927-01-10",
    "release_year": 1927,
    "runtime": 153,
    "is_adult": False,
    "budget": 5_300_000,
    "vote_average": 8.25,
    "vote_count": 0,
    "languages": ["Deutsch", "it's; a, [list]"],
    "genres": [],
    "countries": ["Germany"],
    "source_id": "tt0017136",
}
# in the dataset imdb_top_1000, whose files have no key
TOP = (
    b"Series_Title,Released_Year,Runtime,Genre,IMDB_Rating,Overview,No_of_Votes,Gross,Star1\n"
    b"Heat,1995,170 min,Crime,8.3,,1,2,Al\n"
)

Load = Callable[[MovieRows], Json]


def write(client: httpx.Client, values: Json, **headers: str) -> Json:
    """Write a movie by hand."""
    answer = client.post("/movies", json=values, headers=headers)
    assert answer.status_code == 201, answer.text
    movie: Json = answer.json()
    return movie


def change(client: httpx.Client, movie_id: int, patch: Json, tag: str | None = "*") -> httpx.Response:
    """Ask for changes of a movie."""
    return client.patch(f"/movies/{movie_id}", json=patch, headers={} if tag is None else {"If-Match": tag})


def remove(client: httpx.Client, movie_id: int, tag: str | None = "*") -> httpx.Response:
    """Ask to remove a movie."""
    return client.delete(f"/movies/{movie_id}", headers={} if tag is None else {"If-Match": tag})


def retitle(client: httpx.Client, movie_id: int, tag: str | None) -> httpx.Response:
    """Ask for another title of a movie."""
    return change(client, movie_id, {"title": "B"}, tag)


def upload_of(client: httpx.Client, answer: httpx.Response) -> Json:
    """The upload that an edit was."""
    address = answer.headers["link"].removeprefix("<").partition(">")[0]
    upload: Json = client.get(f"/uploads/{address.rpartition('/')[2]}").raise_for_status().json()
    assert answer.headers["link"].endswith('; rel="via"')
    return upload


def titles_of(client: httpx.Client, **params: str) -> list[str]:
    """The titles of all movies, sorted."""
    found = client.get("/movies", params={"page_size": 100, **params}).raise_for_status().json()
    assert found["total"] == len(found["items"])
    return sorted(movie["title"] for movie in found["items"])


def undo(client: httpx.Client, upload: Json) -> None:
    assert client.post(f"/uploads/{upload['id']}/undo").status_code == 200


def load_top(client: httpx.Client) -> Json:
    """A movie without a key."""
    answer = client.post("/upload", params={"filename": "imdb_top_1000.csv"}, content=TOP).raise_for_status()
    upload = wait_for_end(client, answer.json()["id"])
    assert (upload["state"], upload["dataset"]) == ("completed", "imdb_top_1000"), upload
    [movie] = client.get("/movies").json()["items"]
    found: Json = movie
    return found


def test_a_movie_is_what_was_written(mine: httpx.Client) -> None:
    answer = mine.post("/movies", json=METROPOLIS)
    assert answer.status_code == 201, answer.text
    movie = answer.json()
    assert {name: movie[name] for name in METROPOLIS} == METROPOLIS
    assert answer.headers["location"] == answer.headers["content-location"] == f"/api/v1/movies/{movie['id']}"
    shown = mine.get(f"/movies/{movie['id']}")
    assert (shown.json(), shown.headers["etag"]) == (movie, answer.headers["etag"])
    assert movie["source"]["line_number"] == 2
    upload = upload_of(mine, answer)
    assert movie["source"]["upload_id"] == upload["id"]
    assert (upload["kind"], upload["mode"], upload["dataset"]) == ("manual", "upsert", "manual")
    assert (upload["state"], upload["outcome"]) == ("completed", "complete")
    assert upload["records"] == {"read": 1, "loaded": 1, "rejected": 0, "duplicate": 0}
    assert upload["counts"] == {"new": 1, "changed": 0, "unchanged": 0, "removed": 0, "duplicate": 0}
    assert mine.get("/movies", params={"release_year": 1927, "language": "de"}).json()["total"] == 1


def test_only_a_title_is_needed(mine: httpx.Client) -> None:
    movie = write(mine, {"title": "title", "overview": None})
    about_it = {"id", "title", "tenant", "source", "credits", "alternative_titles"}
    assert {name for name, value in movie.items() if value is not None} == about_it
    write(mine, {"title": "title"})  # without a key it is another movie
    assert titles_of(mine) == ["title", "title"]


@pytest.mark.parametrize(
    ("values", "location", "code", "hint"),
    [
        ({}, "body.title", "required", "write a value"),
        ({"title": "  "}, "body.title", "required", "write a value"),
        ({"title": "A", "runtime": "142 min"}, "body.runtime", "not_a_whole_number", "write 142"),
        ({"title": "A", "runtime": 60_001}, "body.runtime", "out_of_range", "correct the number"),
        ({"title": "A", "runtime": True}, "body.runtime", "not_a_whole_number", None),
        ({"title": "A", "budget": -1}, "body.budget", "negative", "correct the number"),
        ({"title": "A", "budget": 2**64}, "body.budget", "not_a_whole_number", None),
        ({"title": "A", "vote_average": [7]}, "body.vote_average", "not_a_number", None),
        ({"title": "A", "vote_average": 10.5}, "body.vote_average", "out_of_range", "correct the number"),
        ({"title": "A", "release_date": "10.01.1927"}, "body.release_date", "not_a_date", None),
        ({"title": "A", "release_date": ""}, "body.release_date", "not_a_date", None),
        ({"title": "A", "release_year": 1500}, "body.release_year", "year_out_of_range", "correct the year"),
        ({"title": "A", "release_year": 1990, "end_year": 1980}, "body.end_year", "ends_before_start", "correct one"),
        ({"title": "A", "original_language": "deutsch"}, "body.original_language", "invalid_language", "write de"),
        ({"title": "A", "genres": "Drama"}, "body.genres", "not_a_list", None),
        ({"title": "A", "genres": ["Drama", 1]}, "body.genres", "not_a_list", None),
        ({"title": 1}, "body.title", "invalid_text", None),
        ({"title": "A\0"}, "body.title", "nul_byte", "remove"),
        ({"title": "A", "source_id": "x" * 501}, "body.source_id", "too_long", "shorten"),
    ],
)
def test_a_rule_of_the_dataset_refuses_a_value(
    mine: httpx.Client, values: Json, location: str, code: str, hint: str | None
) -> None:
    problem = assert_problem(mine.post("/movies", json=values), 422, "invalid_record")
    [error] = problem["errors"]
    assert (error["location"], error["code"]) == (location, code)
    assert hint is None or error["hint"].startswith(hint), error
    assert mine.get("/uploads").json()["total"] == mine.get("/movies").json()["total"] == 0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"is_adult": 1}, "must be true or false"),
        ({"runtime": "142"}, "must be a whole number"),
        ({"vote_average": "7.5"}, "must be a number"),
        ({"overview": 7}, "must be a text"),
        ({"release_date": "10.01.1927"}, 'must be a day, written as "1999-12-31"'),
        ({"genres": "Drama"}, 'must be a list of texts: ["Action", "Comedy"]'),
    ],
)
def test_what_json_a_field_takes_is_said(mine: httpx.Client, values: Json, expected: str) -> None:
    problem = assert_problem(mine.post("/movies", json={"title": "A"} | values), 422, "invalid_record")
    assert [error["message"] for error in problem["errors"]] == [expected]


def test_half_a_character_is_no_text(mine: httpx.Client) -> None:
    answer = mine.post("/movies", content=b'{"title": "\\ud83c"}', headers={"Content-Type": "application/json"})
    assert assert_problem(answer, 422, "invalid_record")["errors"][0]["code"] == "invalid_utf8"


def test_all_that_is_wrong_is_said_at_once(mine: httpx.Client) -> None:
    problem = assert_problem(mine.post("/movies", json={"runtime": -1, "budget": -1}), 422, "invalid_record")
    assert {error["location"] for error in problem["errors"]} == {"body.title", "body.runtime", "body.budget"}


@pytest.mark.parametrize("name", ["titel", "id", "tenant", "source", "extra", "release_order", "language_number", ""])
def test_there_are_no_other_fields(mine: httpx.Client, name: str) -> None:
    problem = assert_problem(mine.post("/movies", json={"title": "A", name: None}), 422, "invalid_record")
    assert (problem["errors"][0]["location"], problem["errors"][0]["code"]) == (f"body.{name}", "unknown_field")
    assert name != "titel" or "did you mean title?" in problem["detail"]


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"", b"{", b"null"])
def test_the_body_is_an_object(mine: httpx.Client, body: bytes) -> None:
    answer = mine.post("/movies", content=body, headers={"Content-Type": "application/json"})
    assert_problem(answer, 422, "invalid_request")


@pytest.mark.parametrize("dataset", ["title.ratings", "nothing", 7, None])
def test_a_movie_belongs_to_a_dataset_of_movies(mine: httpx.Client, dataset: Any) -> None:
    assert_problem(mine.post("/movies", json={"title": "A", "dataset": dataset}), 422, "unknown_dataset")


def test_another_dataset_has_its_own_fields_and_rules(mine: httpx.Client) -> None:
    wrong = {"dataset": "title.basics", "title": "A", "source_id": "1"}
    problem = assert_problem(mine.post("/movies", json=wrong), 422, "invalid_record")
    assert problem["errors"][0]["code"] == "invalid_tconst"
    problem = assert_problem(
        mine.post("/movies", json={"dataset": "title.basics", "title": "A"}), 422, "invalid_record"
    )
    assert problem["errors"][0] == {
        "location": "body.source_id",
        "message": "must not be empty",
        "code": "required",
        "hint": "write a value: a record without one cannot be loaded",
    }
    answer = mine.post("/movies", json={"dataset": "title.basics", "title": "A", "overview": "x"})
    assert assert_problem(answer, 422, "invalid_record")["errors"][0]["location"] == "body.overview"
    movie = write(mine, {"dataset": "title.basics", "title": "A", "source_id": "tt1", "release_year": 1927})
    rows = mine.get("/datasets/title.basics/rows").json()["items"]
    assert [row["_id"] for row in rows] == [movie["id"]]


def test_a_key_exists_once(mine: httpx.Client) -> None:
    write(mine, METROPOLIS)
    assert_problem(mine.post("/movies", json=METROPOLIS | {"title": "Other"}), 409, "record_exists")
    assert mine.get("/uploads").json()["total"] == 1
    write(mine, METROPOLIS | {"dataset": "films"})  # of another dataset


def test_a_request_with_a_key_is_carried_out_once(mine: httpx.Client) -> None:
    key = {"Idempotency-Key": "k1"}
    first, second = (mine.post("/movies", json={"title": "A"}, headers=key) for _ in range(2))
    assert (second.status_code, second.json()) == (201, first.json())
    assert {name: second.headers[name] for name in ("location", "etag", "link")} == {
        name: first.headers[name] for name in ("location", "etag", "link")
    }
    assert titles_of(mine) == ["A"]
    assert_problem(mine.post("/movies", json={"title": "B"}, headers=key), 422, "idempotency_key_reused")
    assert_problem(mine.post("/movies", json={"title": ""}, headers={"Idempotency-Key": "k2"}), 422, "invalid_record")
    answer = mine.post("/movies", json={"title": "A", "budget": 2**70}, headers={"Idempotency-Key": "k3"})
    assert_problem(answer, 422, "invalid_record")
    write(mine, {"title": "B"}, **{"Idempotency-Key": "k2"})  # what was refused has not used its key


def test_a_patch_changes_what_it_names(mine: httpx.Client) -> None:
    movie = write(mine, METROPOLIS)
    answer = change(mine, movie["id"], {"title": "Metropolis!", "overview": None, "genres": ["Drama"]})
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    expected = METROPOLIS | {"title": "Metropolis!", "overview": None, "genres": ["Drama"]}
    assert {name: changed[name] for name in METROPOLIS} == expected
    assert changed["id"] != movie["id"]
    assert answer.headers["content-location"] == f"/api/v1/movies/{changed['id']}"
    assert_problem(mine.get(f"/movies/{movie['id']}"), 404, "not_found")
    upload = upload_of(mine, answer)
    assert upload["counts"] == {"new": 0, "changed": 1, "unchanged": 0, "removed": 0, "duplicate": 0}
    [listed] = mine.get(f"/uploads/{upload['id']}/changes").json()["items"]
    assert (listed["change"], listed["fields"], listed["line"]) == ("changed", ["title", "overview", "genres"], 2)
    assert (listed["before"]["title"], listed["after"]["title"]) == ("Metropolis", "Metropolis!")
    assert titles_of(mine) == ["Metropolis!"]
    assert titles_of(mine, as_of=movie["source"]["upload_id"]) == ["Metropolis"]
    undo(mine, upload)
    assert mine.get(f"/movies/{movie['id']}").json() == movie
    assert titles_of(mine) == ["Metropolis"]


def test_a_day_decides_the_year_where_the_dataset_has_only_days(mine: httpx.Client, load: Load) -> None:
    load([{"title": "A", "release_date": "1990-05-05", "languages": "['English']", "budget": "3.0"}])
    [movie] = mine.get("/movies").json()["items"]
    changed = change(mine, movie["id"], {"release_date": "1991-06-06"}).raise_for_status().json()
    assert (changed["release_year"], changed["budget"], changed["languages"]) == (1991, 3, ["English"])
    assert mine.get("/movies", params={"release_year": 1991}).json()["total"] == 1
    problem = assert_problem(change(mine, changed["id"], {"release_year": 1992}), 422, "invalid_record")
    assert problem["errors"][0]["code"] == "unknown_field"


def test_a_patch_that_changes_nothing_is_no_upload(mine: httpx.Client) -> None:
    movie = write(mine, METROPOLIS)
    for patch in ({}, {"title": "Metropolis", "homepage": None}):
        answer = change(mine, movie["id"], patch)
        assert (answer.status_code, answer.json()) == (200, movie)
        assert "link" not in answer.headers
    assert mine.get("/uploads").json()["total"] == 1


def test_a_patch_is_judged_as_a_whole_record(mine: httpx.Client) -> None:
    movie = write(mine, METROPOLIS)
    problem = assert_problem(change(mine, movie["id"], {"title": None, "end_year": 1900}), 422, "invalid_record")
    assert {error["code"] for error in problem["errors"]} == {"required", "ends_before_start"}
    assert mine.get(f"/movies/{movie['id']}").json() == movie


def test_the_key_of_a_record_stays(mine: httpx.Client) -> None:
    movie = write(mine, METROPOLIS)
    for key in ("tt1", None):
        problem = assert_problem(change(mine, movie["id"], {"source_id": key}), 422, "invalid_record")
        assert problem["errors"][0]["code"] == "key_fixed"
    assert change(mine, movie["id"], {"source_id": "tt0017136", "runtime": 1}).status_code == 200


def test_a_movie_that_is_removed_is_gone_until_that_is_undone(mine: httpx.Client) -> None:
    movie = write(mine, METROPOLIS)
    answer = remove(mine, movie["id"])
    assert (answer.status_code, answer.content) == (204, b"")
    upload = upload_of(mine, answer)
    assert upload["counts"] == {"new": 0, "changed": 0, "unchanged": 0, "removed": 1, "duplicate": 0}
    assert upload["records"] == {"read": 0, "loaded": 0, "rejected": 0, "duplicate": 0}
    assert upload["progress"]["percent"] == 100
    [listed] = mine.get(f"/uploads/{upload['id']}/changes").json()["items"]
    assert (listed["change"], listed["after"], listed["before"]["title"]) == ("removed", None, "Metropolis")
    assert titles_of(mine) == []
    undo(mine, upload)
    assert mine.get(f"/movies/{movie['id']}").json() == movie


@pytest.mark.parametrize("act", [retitle, remove])
def test_an_edit_needs_the_tag_of_what_was_seen(mine: httpx.Client, act: Callable[..., httpx.Response]) -> None:
    movie = write(mine, METROPOLIS)
    tag = mine.get(f"/movies/{movie['id']}").headers["etag"]
    assert_problem(act(mine, movie["id"], None), 428, "precondition_required")
    for other in ('"1"', "", f"W/{tag}", "nonsense", tag.strip('"')):
        assert_problem(act(mine, movie["id"], other), 412, "precondition_failed")
    assert mine.get("/uploads").json()["total"] == 1
    assert act(mine, movie["id"], f'"1", {tag}').is_success
    for again in (tag, "*", None):
        assert_problem(act(mine, movie["id"], again), 412, "precondition_failed")
    assert_problem(act(mine, 2**24 + 1, "*"), 404, "not_found")


def test_of_several_with_the_same_tag_one_wins(mine: httpx.Client) -> None:
    movie = write(mine, METROPOLIS)
    tag = mine.get(f"/movies/{movie['id']}").headers["etag"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: change(mine, movie["id"], {"runtime": n}, tag), range(1, 9)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
    assert mine.get("/uploads").json()["total"] == 2


def test_the_tag_is_of_all_that_belongs_to_a_movie(mine: httpx.Client) -> None:
    """So an edit is refused if what the client has seen was not all that there is by now."""
    movie = write(mine, {"title": "Metropolis", "source_id": "tt0017136"})
    tag = mine.get(f"/movies/{movie['id']}").headers["etag"]
    ratings = b"tconst\taverageRating\tnumVotes\ntt0017136\t8.3\t190000\n"
    answer = mine.post("/upload", params={"filename": "title.ratings.tsv"}, content=ratings).raise_for_status()
    wait_for_end(mine, answer.json()["id"])
    assert_problem(change(mine, movie["id"], {"runtime": 153}, tag), 412, "precondition_failed")
    tag = mine.get(f"/movies/{movie['id']}").headers["etag"]
    changed = change(mine, movie["id"], {"runtime": 153}, tag).raise_for_status().json()
    assert changed["ratings"] == {"vote_average": 8.3, "vote_count": 190_000, "source": "title.ratings"}


def test_what_was_written_is_found_and_counted(mine: httpx.Client) -> None:
    def found(text: str) -> list[str]:
        return [item["title"] for item in mine.get("/search", params={"q": text}).raise_for_status().json()["items"]]

    def counted() -> list[tuple[str, int]]:
        items = mine.get("/countries", params={"sort": "name"}).raise_for_status().json()["items"]
        return [(item["name"], item["movies"]) for item in items]

    movie = write(mine, METROPOLIS | {"title": "Métropolis"})
    assert (found("metropo"), counted()) == (["Métropolis"], [("Germany", 1)])
    edit = change(mine, movie["id"], {"title": "Sunrise", "original_title": None, "countries": ["France", "Italy"]})
    assert (found("metropo"), found("sunr"), counted()) == ([], ["Sunrise"], [("France", 1), ("Italy", 1)])
    removed = remove(mine, edit.raise_for_status().json()["id"])
    assert (found("sunr"), counted()) == ([], [])
    undo(mine, upload_of(mine, removed))
    assert (found("sunr"), counted()) == (["Sunrise"], [("France", 1), ("Italy", 1)])


def test_a_movie_that_is_known_is_not_sent_again(mine: httpx.Client) -> None:
    movie = write(mine, METROPOLIS)
    tag = mine.get(f"/movies/{movie['id']}").headers["etag"]
    for known in (tag, f'"1", W/{tag}', "*"):
        answer = mine.get(f"/movies/{movie['id']}", headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert mine.get(f"/movies/{movie['id']}", headers={"If-None-Match": '"1"'}).json() == movie


def test_a_movie_without_a_key_keeps_what_its_file_had(mine: httpx.Client) -> None:
    movie = mine.get(f"/movies/{load_top(mine)['id']}").json()
    answer = change(mine, movie["id"], {"vote_count": 5})
    changed = answer.raise_for_status().json()
    expected = {"vote_count": 5, "ratings": movie["ratings"] | {"vote_count": 5}}
    assert changed == movie | expected | {"id": changed["id"], "source": changed["source"]}
    assert (changed["vote_average"], changed["extra"]) == (8.3, {"Star1": "Al"})
    upload = upload_of(mine, answer)
    assert (upload["dataset"], upload["counts"]["changed"]) == ("imdb_top_1000", 1)
    assert_problem(change(mine, changed["id"], {"source_id": "tt1"}), 422, "invalid_record")
    assert titles_of(mine) == ["Heat"]


def test_who_follows_hears_of_movies_without_a_key(mine: httpx.Client) -> None:
    """Each row has an identity of its own; what one undo brings back is named by it."""
    copy: dict[int, list[int]] = {}
    cursor: str | None = None

    def follow() -> list[int]:
        nonlocal cursor
        is_more = True
        while is_more:
            params = {"page_size": 1} | ({"since": cursor} if cursor else {})
            page = mine.get("/datasets/imdb_top_1000/changes", params=params).raise_for_status().json()
            copy.update({item["id"]: [row["vote_count"] for row in item["rows"]] for item in page["items"]})
            cursor, is_more = page["cursor"], page["has_more"]
        return sorted(votes for rows in copy.values() for votes in rows)

    movie = load_top(mine)
    assert follow() == [1]
    first = change(mine, movie["id"], {"vote_count": 5})
    assert follow() == [5]
    second = change(mine, first.json()["id"], {"vote_count": 6})
    undo(mine, upload_of(mine, first))
    assert follow() == [6]
    undo(mine, upload_of(mine, second))
    assert follow() == [1]
    gone = remove(mine, movie["id"])
    assert follow() == []
    undo(mine, upload_of(mine, gone))
    assert follow() == [1]


def test_a_later_file_and_its_undo_meet_an_edit_as_they_meet_any_upload(mine: httpx.Client) -> None:
    def send(titles: dict[int, str], mode: str) -> Json:
        params = {"filename": "title.basics.tsv", "mode": mode}
        answer = mine.post("/upload", params=params, content=titles_csv(titles)).raise_for_status()
        return wait_for_end(mine, answer.json()["id"])

    send({1: "one", 2: "two"}, "append")
    edited = mine.get("/datasets/title.basics/rows", params={"source_id": "tt0000001"}).json()["items"][0]["_id"]
    change(mine, edited, {"title": "ONE"}).raise_for_status()
    upserted = send({1: "uno", 2: "dos"}, "upsert")
    assert titles_of(mine) == ["dos", "uno"]
    undo(mine, upserted)
    assert titles_of(mine) == ["ONE", "two"]
    replacing = send({3: "three"}, "replace")
    undo(mine, replacing)
    assert titles_of(mine) == ["ONE", "two"]


def test_uploads_are_listed_by_kind(mine: httpx.Client, load: Load) -> None:
    sent = load([{"title": "A"}])
    movie = write(mine, {"title": "B"})
    assert sent["kind"] == "file"
    for kind, expected in (("file", sent["id"]), ("manual", movie["source"]["upload_id"])):
        listed = mine.get("/uploads", params={"kind": kind}).json()
        assert (listed["total"], [item["id"] for item in listed["items"]]) == (1, [expected])
    assert_problem(mine.get("/uploads", params={"kind": "x"}), 422, "invalid_request")


def test_another_tenants_movie_is_none(mine: httpx.Client) -> None:
    movie = write(mine, METROPOLIS)
    stranger = {"X-Tenant": f"t-{uuid.uuid4().hex[:12]}", "If-Match": "*"}
    path = f"/movies/{movie['id']}"
    assert_problem(mine.patch(path, json={"title": "B"}, headers=stranger), 404, "not_found")
    assert_problem(mine.delete(path, headers=stranger), 404, "not_found")
    remove(mine, movie["id"])
    assert_problem(mine.delete(path, headers=stranger), 404, "not_found")
