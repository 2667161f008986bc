"""What an upload has changed, or would change: each record with its row before and after, as a list and as files."""

import csv
import io
import json
import uuid
from typing import Any

import httpx
import pytest

from tests.system.api.sending import Json, assert_problem, wait_for_end
from tests.system.api.titles import DATASET, Titles, titles_csv

FIELDS: list[Json] = [
    {"name": "id", "type": "integer"},
    {"name": "note"},
    {"name": "amount", "type": "number"},
    {"name": "day", "type": "date"},
    {"name": "seen", "type": "datetime"},
    {"name": "tags", "type": "list", "delimiter": "|"},
    {"name": "hit", "type": "boolean"},
]
NAMES = [field["name"] for field in FIELDS]
KEYED: Json = {"fields": FIELDS, "primaryKey": "id", "missingValues": ["-"]}
KEYLESS: Json = {"fields": FIELDS, "missingValues": ["-"]}
FULL = {
    "note": "a",
    "amount": "1.5",
    "day": "2001-02-03",
    "seen": "2001-02-03T04:05:06.5Z",
    "tags": "x|y",
    "hit": "true",
}
# Cell of a file, and value of the row; each is another one than `FULL` has.
OTHERS: list[tuple[str, str, Any]] = [
    ("note", "b", "b"),
    ("note", "", ""),
    ("note", "-", None),
    ("amount", "0.1", 0.1),
    ("amount", "-", None),
    ("day", "1999-12-31", "1999-12-31"),
    ("seen", "2001-02-03T04:05:06Z", "2001-02-03T04:05:06+00:00"),
    ("tags", "x", ["x"]),
    ("tags", "-", None),
    ("hit", "false", False),
    ("hit", "-", None),
]
SHOWN_FULL = {
    "note": "a",
    "amount": 1.5,
    "day": "2001-02-03",
    "seen": "2001-02-03T04:05:06.500000+00:00",
    "tags": ["x", "y"],
    "hit": True,
}
AWKWARD = ('"', 'say "a, b"', "a\nb", "a\r\nb", "a\rb", ",", "", "null", "'=1+1", "Zoë 🎬", "\\N")


@pytest.fixture
def notes(titles: Titles) -> Titles:
    """The same tenant, which has declared a dataset with a key and one without."""
    for name, schema in (("notes", KEYED), ("loose", KEYLESS)):
        answer = titles.client.post("/datasets", json={"name": name, "schema": schema})
        assert answer.status_code == 201, answer.text
    return titles


def send_notes(notes: Titles, rows: list[dict[str, str]], dataset: str = "notes", **params: Any) -> Json:
    """Upload rows of a declared dataset; what a row does not name is null."""
    names = [*NAMES, *sorted({name for row in rows for name in row} - {*NAMES})]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names, restval="-", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    named = {"dataset": dataset, "force": True, **params}
    return notes.send_file(text.getvalue().encode(), f"{dataset}.csv", **named)


def changes(client: httpx.Client, upload: Json, page_size: int = 100) -> list[Json]:
    """All changes of an upload, page by page; each page says the same total."""
    found: list[Json] = []
    address: str | None = f"/uploads/{upload['id']}/changes?page_size={page_size}"
    while address:
        answer = client.get(address.removeprefix("/api/v1"))
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["items"]
        address = answer.links.get("next", {}).get("url")
        assert (address is None) == (page["next_cursor"] is None)
        assert len(page["items"]) == page_size or address is None
    assert len(found) == page["total"]
    return found


def file_of(client: httpx.Client, upload: Json, file_format: str) -> bytes:
    """The changes of an upload as a file."""
    answer = client.get(f"/uploads/{upload['id']}/changes", params={"format": file_format})
    assert answer.status_code == 200, answer.text
    assert f"changes-{upload['number']}.{file_format}" in answer.headers["content-disposition"]
    return answer.content


def told(found: list[Json]) -> list[tuple[str, str | None, str | None]]:
    """Kind, and title before and after, of changes of titles."""
    return [(each["change"], *(each[side] and each[side]["title"] for side in ("before", "after"))) for each in found]


def rows_by_id(client: httpx.Client, dataset: str) -> dict[int, Json]:
    """The visible rows, without what only the listing knows of them."""
    rows = client.get(f"/datasets/{dataset}/rows", params={"page_size": 100}).raise_for_status().json()["items"]
    return {row["_id"]: {name: row[name] for name in row if name not in ("_upload_id", "_line")} for row in rows}


@pytest.mark.parametrize("mode", ["replace", "upsert"])
def test_each_field_that_differs_is_named_with_its_values(notes: Titles, mode: str) -> None:
    keys = [str(number) for number in range(len(OTHERS))]
    send_notes(notes, [{"id": key, **FULL} for key in keys])
    before = rows_by_id(notes.client, "notes")
    sent = [{"id": key, **FULL, field: cell} for key, (field, cell, _) in zip(keys, OTHERS, strict=True)]
    upload = send_notes(notes, [*sent, {"id": "99", **FULL}], mode=mode)
    after = rows_by_id(notes.client, "notes")
    *changed, added = changes(notes.client, upload)
    for line, (change, (field, _, value)) in enumerate(zip(changed, OTHERS, strict=True), start=2):
        assert (change["change"], change["line"], change["fields"]) == ("changed", line, [field])
        assert (change["before"][field], change["after"][field]) == (SHOWN_FULL[field], value)
        assert change["key"] == {"id": line - 2}
        assert change["before"] == before[change["before"]["_id"]]
        assert change["after"] == after[change["after"]["_id"]]
    assert (added["change"], added["line"], added["fields"], added["before"]) == ("added", len(OTHERS) + 2, [], None)
    assert added["after"] == after[added["after"]["_id"]]
    assert added["after"] | {"_id": 0} == {"id": 99, **SHOWN_FULL, "_id": 0, "_extra": None}


def test_a_record_may_differ_in_all_fields_or_in_one_that_is_none(notes: Titles) -> None:
    send_notes(notes, [{"id": "1", **FULL, "more": "x"}, {"id": "2"}])
    upload = send_notes(notes, [{"id": "1", **FULL, "more": "y"}, {"id": "2", **FULL}], mode="upsert")
    extra, everything = changes(notes.client, upload)
    assert (extra["change"], extra["fields"]) == ("changed", ["_extra"])
    assert (extra["before"]["_extra"], extra["after"]["_extra"]) == ({"more": "x"}, {"more": "y"})
    assert everything["fields"][: len(NAMES) - 1] == NAMES[1:]
    lines = list(csv.DictReader(io.StringIO(file_of(notes.client, upload, "csv").decode(), newline="")))
    assert json.loads(lines[0]["_before"]) == {"_extra": {"more": "x"}}


@pytest.mark.parametrize("is_large", [False, True], ids=["small", "large"])
def test_every_kind_of_change(titles: Titles, is_large: bool) -> None:
    titles.send({1: "one", 2: "two", 3: "three", 5: "five"}, is_large=not is_large)
    upload = titles.send({2: "two!", 3: "three", 4: "four"}, mode="replace", is_large=is_large)
    found = changes(titles.client, upload)
    assert sorted(told(found), key=str) == [
        ("added", None, "four"),
        ("changed", "two", "two!"),
        ("removed", "five", None),
        ("removed", "one", None),
    ]
    assert {each["after"]["title"]: each["line"] for each in found if each["after"]} == {"two!": 2, "four": 4}
    assert {each["line"] for each in found if each["change"] == "removed"} == {None}
    assert [each["fields"] for each in found if each["change"] == "changed"] == [["title"]]


@pytest.mark.parametrize("is_large", [False, True], ids=["small", "large"])
@pytest.mark.parametrize(
    ("mode", "dataset"),
    [("append", "loose"), ("replace", "loose"), ("append", "notes"), ("upsert", "notes"), ("replace", "notes")],
)
def test_pages_of_each_part_are_the_whole(notes: Titles, mode: str, dataset: str, is_large: bool) -> None:
    """Of datasets without a key, rows are added and removed; with one, they are compared."""
    padded = {"more": "x" * 5000} if is_large else {}
    send_notes(notes, [{"id": str(n), **FULL, **padded} for n in range(5)], dataset)
    send_notes(notes, [{"id": str(n), **FULL} for n in range(5, 8)], dataset, mode="append")
    sent = [{"id": str(n), **FULL, "note": "b", **padded} for n in range(3, 10)]
    upload = send_notes(notes, sent, dataset, mode=mode)
    whole = changes(notes.client, upload)
    kinds = [each["change"] for each in whole]
    expected = {
        ("append", "loose"): ["added"] * 7,
        ("append", "notes"): ["added"] * 7,
        ("replace", "loose"): ["added"] * 7 + ["removed"] * 8,
        ("upsert", "notes"): ["changed"] * 5 + ["added"] * 2,
        ("replace", "notes"): ["changed"] * 5 + ["added"] * 2 + ["removed"] * 3,
    }
    assert kinds == expected[mode, dataset]
    for page_size in (1, 2, 3, 4, 7, 8, len(whole)):
        assert changes(notes.client, upload, page_size) == whole
    lines = file_of(notes.client, upload, "jsonl").decode().split("\n")
    assert [json.loads(line) for line in lines[:-1]] == whole
    assert lines[-1] == ""
    assert (
        len(list(csv.reader(io.StringIO(file_of(notes.client, upload, "csv").decode(), newline="")))) == len(whole) + 1
    )


def test_csv_tells_null_from_an_empty_text_and_keeps_every_character(notes: Titles) -> None:
    before = [{"id": str(n), "note": "old"} for n in range(len(AWKWARD))]
    send_notes(notes, [*before, {"id": "98", "note": ""}, {"id": "99"}])
    sent = [{"id": str(n), "note": text} for n, text in enumerate(AWKWARD)]
    upload = send_notes(notes, [*sent, {"id": "98"}, {"id": "99", "note": ""}], mode="upsert")
    found = changes(notes.client, upload)
    file = file_of(notes.client, upload, "csv").decode()
    assert file.startswith(",".join(["_change", "_line", *NAMES, "_extra", "_before"]) + "\n")
    rows = list(csv.DictReader(io.StringIO(file, newline="")))
    assert [row["note"] for row in rows] == [change["after"]["note"] or "" for change in found]
    assert [int(row["_line"]) for row in rows] == [change["line"] for change in found]
    for row, change in zip(rows, found, strict=True):
        assert json.loads(row["_before"]) == {name: change["before"][name] for name in change["fields"]}
    *_, null, empty, _ = file.split("\n")
    assert null == f'changed,{found[-2]["line"]},98,,,,,,,,"{{""note"": """"}}"'
    assert empty == f'changed,{found[-1]["line"]},99,"",,,,,,,"{{""note"": null}}"'


def test_csv_has_the_values_of_json(notes: Titles) -> None:
    send_notes(notes, [{"id": "1", **FULL}, {"id": "2", **FULL, "more": "x"}])
    sent = [{"id": "1"}, {"id": "3", **FULL, "more": "y"}]
    upload = send_notes(notes, sent, mode="replace")
    found = {change["change"]: change for change in changes(notes.client, upload)}
    rows = csv.DictReader(io.StringIO(file_of(notes.client, upload, "csv").decode(), newline=""))
    lines = {row["_change"]: row for row in rows}
    assert lines.keys() == found.keys() == {"changed", "added", "removed"}
    assert json.loads(lines["changed"]["_before"]) == SHOWN_FULL
    for kind, side in (("added", "after"), ("removed", "before")):
        assert lines[kind]["_before"] == ""
        for name in [*NAMES, "_extra"]:
            value, cell = found[kind][side][name], lines[kind][name]
            assert cell == value if isinstance(value, str) else json.loads(cell) == value
    assert lines["removed"]["_line"] == ""


@pytest.mark.parametrize("is_large", [False, True], ids=["small", "large"])
@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
def test_a_plan_has_the_changes_that_it_makes(titles: Titles, mode: str, is_large: bool) -> None:
    titles.send({1: "one", 2: "two", 3: "three"}, is_large=not is_large)
    planned = titles.plan({2: "two!", 3: "three", 4: "four"}, mode, is_large=is_large)
    found = changes(titles.client, planned)
    assert changes(titles.client, planned, 1) == found
    assert found == planned["plan"]["sample"]
    files = [file_of(titles.client, planned, file_format) for file_format in ("csv", "jsonl")]
    applied = titles.apply(planned)
    assert changes(titles.client, applied) == found
    assert [file_of(titles.client, applied, file_format) for file_format in ("csv", "jsonl")] == files
    titles.client.post(f"/uploads/{applied['id']}/undo").raise_for_status()


def test_the_changes_of_a_keyless_plan(notes: Titles) -> None:
    send_notes(notes, [{"id": "1"}, {"id": "2"}], "loose")
    planned = send_notes(notes, [{"id": "2"}, {"id": "2"}, {"id": "3"}], "loose", mode="replace", plan=True)
    assert planned["state"] == "planned", planned
    found = changes(notes.client, planned)
    assert [(each["change"], (each["after"] or each["before"])["id"]) for each in found] == [
        *(("added", number) for number in (2, 2, 3)),
        *(("removed", number) for number in (1, 2)),
    ]
    assert changes(notes.client, planned, 1) == changes(notes.client, planned, 2) == found
    notes.apply(planned)
    assert changes(notes.client, planned) == changes(notes.client, planned, 2) == found


def test_a_cursor_belongs_to_one_count_of_one_upload(titles: Titles) -> None:
    titles.send({1: "one", 2: "two"})
    planned = titles.plan({1: "one!", 2: "two!"}, "upsert")
    client, path = titles.client, f"/uploads/{planned['id']}/changes"
    cursor = client.get(path, params={"page_size": 1}).json()["next_cursor"]
    other = titles.plan({1: "1", 2: "2"}, "upsert")
    answer = client.get(f"/uploads/{other['id']}/changes", params={"cursor": cursor})
    assert_problem(answer, 422, "invalid_cursor")
    titles.send({3: "three"}, mode="append")
    assert_problem(client.post(f"/uploads/{planned['id']}/apply"), 412, "plan_stale")
    wait_for_end(client, planned["id"])
    assert_problem(client.get(path, params={"cursor": cursor}), 422, "invalid_cursor")
    assert_problem(client.get(path, params={"cursor": "x"}), 422, "invalid_cursor")
    assert_problem(client.get(path, params={"format": "xlsx"}), 422, "invalid_request")
    assert_problem(client.get(path, params={"nothing": "1"}), 422, "invalid_request")


def test_the_parameter_goes_before_the_header(titles: Titles) -> None:
    upload = titles.send({1: "one"})
    path = f"/uploads/{upload['id']}/changes"
    for preferred, file_format, expected in (
        ("text/csv", None, "text/csv"),
        ("application/jsonl", None, "application/jsonl"),
        ("application/json", "csv", "text/csv"),
        ("text/csv", "json", "application/json"),
        ("*/*", None, "application/json"),
    ):
        params = {} if file_format is None else {"format": file_format}
        for method in ("GET", "HEAD"):
            answer = titles.client.request(method, path, params=params, headers={"Accept": preferred})
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith(expected)
            assert bool(answer.content) == (method == "GET")
            assert ("content-disposition" in answer.headers) == (expected != "application/json")


def test_files_have_more_than_a_block(titles: Titles) -> None:
    many = {number: f"title {number}" for number in range(1, 2502)}
    titles.send(dict.fromkeys(range(1, 1202), "old"))
    upload = titles.send(many, mode="upsert")
    found = [json.loads(line) for line in file_of(titles.client, upload, "jsonl").splitlines()]
    assert [(each["line"], each["after"]["title"]) for each in found] == [
        (number + 1, title) for number, title in many.items()
    ]
    assert [each["change"] for each in found] == ["changed"] * 1201 + ["added"] * 1300
    assert len(file_of(titles.client, upload, "csv").splitlines()) == len(many) + 1


def test_the_row_before_is_gone_with_its_upload(titles: Titles) -> None:
    first = titles.send({1: "one", 2: "two"}, mode="append")
    second = titles.send({1: "one!", 2: "two"}, mode="upsert")
    titles.undo(first)
    [change] = changes(titles.client, second)
    assert (change["change"], change["before"], change["after"]["title"], change["fields"]) == (
        "changed",
        None,
        "one!",
        [],
    )
    assert file_of(titles.client, second, "csv").decode().splitlines()[1].endswith(",")


def test_what_is_superseded_later_is_still_told(titles: Titles) -> None:
    titles.send({1: "one", 2: "two"})
    upload = titles.send({1: "one!", 3: "three"}, mode="upsert")
    found = changes(titles.client, upload)
    titles.send({1: "one!!"}, mode="replace")
    assert changes(titles.client, upload) == found
    assert told(found) == [("changed", "one", "one!"), ("added", None, "three")]


@pytest.mark.parametrize("action", ["undo", "cancel"])
def test_what_is_undone_or_cancelled_has_no_changes(titles: Titles, action: str) -> None:
    upload = titles.send({1: "one"}, mode="append", plan=action == "cancel")
    titles.client.post(f"/uploads/{upload['id']}/{action}").raise_for_status()
    state = {"undo": "undone", "cancel": "cancelled"}[action]
    for params in ({}, {"format": "csv"}, {"format": "jsonl"}):
        answer = titles.client.get(f"/uploads/{upload['id']}/changes", params=params)
        problem = assert_problem(answer, 409, "state_conflict")
        assert (problem["state"], problem["allowed"]) == (state, ["completed", "planned"])


def test_a_failed_upload_and_a_correction_have_no_changes(titles: Titles) -> None:
    failed = titles.send_file(titles_csv({}) + b"x\tmovie\tbad\n")
    assert_problem(titles.client.get(f"/uploads/{failed['id']}/changes"), 409, "state_conflict")
    upload = titles.send_file(titles_csv({1: "one"}) + b"x9\tmovie\tbad\n", mode="upsert")
    path = f"/uploads/{upload['id']}/rejects"
    content = titles.client.get(path, params={"format": "csv"}).text.replace("x9", "tt0000009").encode()
    sent = titles.client.post(path, params={"filename": "rejects.tsv"}, content=content)
    correction = wait_for_end(titles.client, sent.raise_for_status().json()["id"])
    assert correction["state"] == "completed"
    problem = assert_problem(titles.client.get(f"/uploads/{correction['id']}/changes"), 409, "state_conflict")
    assert "correction" in problem["detail"]
    assert sorted(told(changes(titles.client, upload))) == [("added", None, "bad"), ("added", None, "one")]


@pytest.mark.parametrize("plan", [False, True])
def test_another_tenant_has_no_such_upload(titles: Titles, plan: bool) -> None:
    upload = titles.send({1: "one"}, plan=plan)
    for params in ({}, {"format": "csv"}, {"format": "jsonl"}):
        path = f"/uploads/{upload['id']}/changes"
        answer = titles.client.get(path, params=params, headers={"X-Tenant": "somebody-else"})
        assert_problem(answer, 404, "not_found")
    assert_problem(titles.client.get(f"/uploads/{uuid.uuid4()}/changes"), 404, "not_found")
    assert_problem(titles.client.get("/uploads/none/changes"), 422, "invalid_request")


def test_counts_and_changes_agree(titles: Titles) -> None:
    titles.send({1: "one", 2: "two"}, mode="append")
    titles.send({1: "one again"}, mode="append")
    upload = titles.send({1: "one again", 3: "three"}, mode="upsert")
    found = changes(titles.client, upload)
    counts = upload["counts"]
    for kind, name in (("added", "new"), ("changed", "changed"), ("removed", "removed")):
        assert sum(each["change"] == kind for each in found) == counts[name]
    assert titles.shown() == [(1, "one again"), (2, "two"), (3, "three")]
    assert titles.client.get(f"/datasets/{DATASET}/rows").json()["total"] == 3
