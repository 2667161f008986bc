"""The feed of a dataset: a copy that follows it over HTTP has the rows of the dataset, whatever has happened."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.system.api.sending import Json, assert_problem, movies_csv, wait_for_end
from tests.system.api.titles import DATASET, Titles, titles_csv
from tests.waiting import eventually

# As other systems would write it: by its key, or its id, each record has rows.
Copied = dict[str, list[Json]]


class Copy:
    """Another system's copy of a dataset. It knows nothing but the feed."""

    def __init__(self, client: httpx.Client, dataset: str, page_size: int = 2) -> None:
        self._address = f"/datasets/{dataset}/changes"
        self._client = client
        self._page_size = page_size
        self._records: Copied = {}
        self._cursor: str | None = None
        self.items = 0

    def read(self, pages: int | None = None) -> bool:
        """Read so many pages, or all that there are; whether there is more."""
        has_more = True
        while has_more and pages != 0:
            pages = None if pages is None else pages - 1
            params: dict[str, Any] = {"page_size": self._page_size}
            answer = self._client.get(self._address, params=params | ({"since": self._cursor} if self._cursor else {}))
            assert answer.status_code == 200, answer.text
            page = answer.json()
            assert len(page["items"]) <= self._page_size
            for item in page["items"]:
                assert (item["key"] is None) != (item["id"] is None)
                self._records[json.dumps(item["id"] if item["key"] is None else item["key"])] = item["rows"]
            self.items += len(page["items"])
            self._cursor, has_more = page["cursor"], page["has_more"]
        return bool(has_more)

    @property
    def rows(self) -> list[Json]:
        """All rows of the copy."""
        return sorted((row for rows in self._records.values() for row in rows), key=lambda row: int(row["_id"]))


def listed(client: httpx.Client, dataset: str) -> list[Json]:
    """All rows that readers see, in the order of their ids, without what only the listing knows of them."""
    page = client.get(f"/datasets/{dataset}/rows", params={"page_size": 100}).raise_for_status().json()
    assert page["next_cursor"] is None
    return [{name: row[name] for name in row if name not in ("_upload_id", "_line")} for row in page["items"]]


class Followed:
    """A dataset with copies: one that reads after each step, and others that begin in between and read on rarely."""

    def __init__(self, client: httpx.Client, dataset: str) -> None:
        self._client = client
        self._dataset = dataset
        self._prompt = Copy(client, dataset)
        self._others: list[Copy] = []

    @contextmanager
    def step(self) -> Iterator[None]:
        """Something happens to the dataset; while it does, one more copy is in the middle of its beginning."""
        begun, whole = Copy(self._client, self._dataset, 1), Copy(self._client, self._dataset)
        begun.read(pages=2)
        whole.read()
        self._others += [begun, whole]
        yield
        self.check(self._prompt)
        fresh = Copy(self._client, self._dataset, 100)
        self.check(fresh)

    def check(self, copy: Copy) -> None:
        """That a copy becomes equal to the dataset: what an undo has removed may be told a few seconds later."""

        def is_equal() -> bool:
            copy.read()
            return copy.rows == listed(self._client, self._dataset)

        assert eventually(is_equal, 30), (copy.rows, listed(self._client, self._dataset))

    def finish(self) -> None:
        """All copies, whenever they have begun, are equal in the end, and the feed has nothing more to say."""
        for copy in self._others:
            self.check(copy)
        told = self._prompt.items
        assert not self._prompt.read()
        assert self._prompt.items == told


@pytest.mark.parametrize("is_large", [False, True], ids=["small", "large"])
def test_a_copy_of_a_dataset_with_a_key(titles: Titles, is_large: bool) -> None:
    followed = Followed(titles.client, DATASET)
    with followed.step():
        first = titles.send({1: "one", 2: "two", 3: "three"}, mode="append", is_large=is_large)
    with followed.step():
        second = titles.send({3: "three again", 4: "four"}, mode="append", is_large=not is_large)
    with followed.step():
        updated = titles.send({1: "one!", 5: "five"}, mode="upsert", is_large=is_large)
    with followed.step():
        replaced = titles.send({1: "ONE", 6: "six"}, mode="replace", is_large=is_large)
    with followed.step():
        titles.undo(replaced)
    with followed.step():
        titles.undo(first)
    with followed.step():
        titles.send({1: "uno", 7: "seven"}, mode="upsert", is_large=not is_large)
    with followed.step():
        titles.undo(updated)
    with followed.step():
        titles.undo(second)
    assert titles.shown() == [(1, "uno"), (7, "seven")]
    followed.finish()


SCHEMA: Json = {"fields": [{"name": "id", "type": "integer"}, {"name": "note"}]}


@pytest.mark.parametrize("is_large", [False, True], ids=["small", "large"])
def test_a_copy_of_a_dataset_without_a_key(titles: Titles, is_large: bool) -> None:
    titles.client.post("/datasets", json={"name": "loose", "schema": SCHEMA}).raise_for_status()

    def send(*notes: str, mode: str) -> Json:
        content = "id,note\n" + "".join(f"{n},{note}\n" for n, note in enumerate(notes)) + "\n" * (5000 * is_large)
        return titles.send_file(content.encode(), "loose.csv", dataset="loose", mode=mode)

    followed = Followed(titles.client, "loose")
    with followed.step():
        first = send("a", "a", "b", mode="append")
    with followed.step():
        replaced = send("c", "d", mode="replace")
    with followed.step():
        send("e", mode="append")
    with followed.step():
        titles.undo(replaced)
    with followed.step():
        titles.undo(first)
    assert [row["note"] for row in listed(titles.client, "loose")] == ["e"]
    followed.finish()


def test_a_copy_of_records_without_a_value_of_their_key(titles: Titles) -> None:
    """Films of two files have no id of another system, so each is known by the id of its row; those of a third have."""

    def send(*films: str, mode: str, is_large: bool = False) -> Json:
        content = movies_csv({"title": film} for film in films) + b"\n" * (5000 * is_large)
        return titles.send_file(content, "movies.csv", dataset="movies", mode=mode)

    followed = Followed(titles.client, "movies")
    with followed.step():
        first = send("a", "b", "c", mode="append")
    with followed.step():
        second = send("a", "d", mode="append", is_large=True)
    with followed.step():
        third = send("a", "e", mode="replace", is_large=True)
    with followed.step():
        titles.undo(second)
    with followed.step():
        titles.undo(third)
    assert [row["title"] for row in listed(titles.client, "movies")] == ["a", "b", "c"]
    with followed.step():
        titles.undo(first)
    assert listed(titles.client, "movies") == []
    followed.finish()


@pytest.mark.parametrize("is_large", [False, True], ids=["small", "large"])
def test_a_copy_sees_corrections(titles: Titles, is_large: bool) -> None:
    followed = Followed(titles.client, DATASET)
    with followed.step():
        titles.send({1: "one", 9: "nine"}, mode="append")
    content = titles_csv({1: "one!"}, is_large=is_large) + b"x9\tmovie\tbad\n"
    with followed.step():
        upload = titles.send_file(content, mode="upsert")
    path = f"/uploads/{upload['id']}/rejects"
    with followed.step():
        corrected = titles.client.get(path, params={"format": "csv"}).text.replace("x9", "tt0000009").encode()
        sent = titles.client.post(path, params={"filename": "rejects.tsv"}, content=corrected).raise_for_status()
        assert wait_for_end(titles.client, sent.json()["id"])["state"] == "completed"
    assert (9, "bad") in titles.shown()
    with followed.step():
        titles.undo(upload)
    assert titles.shown() == [(1, "one"), (9, "nine")]
    followed.finish()


def test_a_plan_is_told_when_it_is_applied(titles: Titles) -> None:
    titles.send({1: "one"})
    copy = Copy(titles.client, DATASET)
    copy.read()
    planned = titles.plan({1: "one!", 2: "two"}, "upsert")
    told = copy.items
    copy.read()
    assert copy.items == told
    titles.apply(planned)
    copy.read()
    assert copy.items == told + 2
    assert copy.rows == listed(titles.client, DATASET)


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        ("datetime", ["2001-02-03T04:05:06.5Z", "2001-02-03T04:05:06Z", "2001-02-03T06:05:07.25+02:00"]),
        ("time", ["04:05:06.5", "04:05:06", "04:05:07"]),
        ("date", ["2001-02-03", "0999-01-01", "9999-12-31"]),
        ("number", ["0.1", "1e21", "-5"]),
        ("string", ['"', "a\\b", "Zoë 🎬"]),
        ("boolean", ["true", "false"]),
    ],
)
def test_a_key_is_the_same_key_each_time(titles: Titles, type_: str, values: list[str]) -> None:
    """A record is told with the rows that there are, with a version that changes it, and with one that removes it."""
    schema = {"fields": [{"name": "a", "type": type_}, {"name": "note"}], "primaryKey": "a"}
    titles.client.post("/datasets", json={"name": "keyed", "schema": schema}).raise_for_status()

    def send(note: str, mode: str) -> Json:
        quoted = ['"' + value.replace('"', '""') + '"' for value in values]
        content = "a,note\n" + "".join(f"{value},{note}\n" for value in quoted)
        upload = titles.send_file(content.encode(), "keyed.csv", dataset="keyed", mode=mode)
        assert upload["records"]["loaded"] == len(values), upload
        return upload

    followed = Followed(titles.client, "keyed")
    with followed.step():
        first = send("first", "append")
    with followed.step():
        second = send("second", "upsert")
    with followed.step():
        titles.undo(second)
    with followed.step():
        titles.undo(first)
    with followed.step():
        send("third", "append")
    followed.finish()


def test_a_dataset_of_which_nothing_was_loaded_yet(titles: Titles) -> None:
    page = titles.client.get(f"/datasets/{DATASET}/changes").json()
    assert (page["items"], page["has_more"]) == ([], False)
    copy = Copy(titles.client, DATASET)
    copy.read()
    copy.read()
    titles.send({1: "one"})
    copy.read()
    assert copy.rows == listed(titles.client, DATASET) != []


def test_a_cursor_belongs_to_its_dataset_and_tenant(titles: Titles) -> None:
    titles.send({1: "one", 2: "two"})
    cursor = titles.client.get(f"/datasets/{DATASET}/changes", params={"page_size": 1}).json()["cursor"]
    client = titles.client
    for path, headers in (
        ("/datasets/movies/changes", {}),
        (f"/datasets/{DATASET}/changes", {"X-Tenant": "somebody-else"}),
    ):
        assert_problem(client.get(path, params={"since": cursor}, headers=headers), 422, "invalid_cursor")
    for wrong in ("x", "", cursor[:-2], "e30"):
        answer = client.get(f"/datasets/{DATASET}/changes", params={"since": wrong})
        assert_problem(answer, 422, "invalid_cursor")
    assert_problem(client.get("/datasets/nothing/changes"), 404, "not_found")
    assert_problem(client.get(f"/datasets/{DATASET}/changes", params={"nothing": 1}), 422, "invalid_request")
    assert_problem(client.get(f"/datasets/{DATASET}/changes", params={"page_size": 0}), 422, "invalid_request")


def test_the_cursor_of_a_deleted_dataset_is_refused(titles: Titles) -> None:
    declaration = {"name": "loose", "schema": SCHEMA}
    titles.client.post("/datasets", json=declaration).raise_for_status()
    titles.send_file(b"id,note\n1,a\n", "loose.csv", dataset="loose")
    cursor = titles.client.get("/datasets/loose/changes").json()["cursor"]
    titles.client.delete("/datasets/loose", params={"cascade": True}).raise_for_status()
    assert_problem(titles.client.get("/datasets/loose/changes", params={"since": cursor}), 404, "not_found")
    titles.client.post("/datasets", json=declaration).raise_for_status()
    titles.send_file(b"id,note\n2,b\n", "loose.csv", dataset="loose")
    assert_problem(titles.client.get("/datasets/loose/changes", params={"since": cursor}), 410, "history_expired")
    copy = Copy(titles.client, "loose")
    copy.read()
    assert [row["note"] for row in copy.rows] == ["b"]


def test_another_tenant_follows_its_own_rows_only(titles: Titles) -> None:
    titles.send({1: "one"})
    page = titles.client.get(f"/datasets/{DATASET}/changes", headers={"X-Tenant": "somebody-else"}).json()
    assert (page["items"], page["has_more"]) == ([], False)
