import csv
import io
from collections.abc import Callable

import httpx
import pytest
from fastapi import Request

from api.listings.content_negotiation import prefers
from tests.system.api.sending import Json, MovieRows, movies_csv

ROWS: list[dict[str, object]] = [
    {"title": "good"},
    {"title": "", "vote_average": "11"},
    {"title": "two lines", "overview": "one\ntwo", "vote_average": "12"},
    {"title": 'bad "date"', "release_date": "2023-02-30"},
]
ROWS += [{"title": f"runs too long {n}", "runtime": "60001"} for n in range(7)]
REASONS = 1 + 1 + 1 + 1 + 7


@pytest.fixture
def rejected(load: Callable[[MovieRows], Json]) -> Json:
    return load(ROWS)


def test_each_reason_has_its_location_rule_and_value(mine: httpx.Client, rejected: Json) -> None:
    assert rejected["records"] == {"read": 11, "loaded": 1, "rejected": 10, "duplicate": 0}
    page = mine.get(f"/uploads/{rejected['id']}/rejects").json()
    found = [(item["line_number"], item["column"], item["value"]) for item in page["items"]]
    assert sorted(str(column) for line, column, _ in found if line == 3) == ["title", "vote_average"]
    assert (4, "vote_average", "12") in found
    assert (6, "release_date", "2023-02-30") in found  # the record before it takes two lines
    assert (page["total"], len(page["items"])) == (REASONS, REASONS)
    assert [item["line_number"] for item in page["items"]] == sorted(item["line_number"] for item in page["items"])
    assert all(item["code"] and item["message"] for item in page["items"])


def test_the_summary_counts_everything_and_shows_a_few(mine: httpx.Client, rejected: Json) -> None:
    page = mine.get(f"/uploads/{rejected['id']}/rejects", params={"page_size": 1}).json()
    counts = {group["column"]: group["count"] for group in page["summary"]}
    assert counts == {"runtime": 7, "vote_average": 2, "title": 1, "release_date": 1}
    assert sum(counts.values()) == page["total"]
    largest = page["summary"][0]
    assert [sample["line_number"] for sample in largest["samples"]] == [7, 8, 9]
    assert {sample["value"] for sample in largest["samples"]} == {"60001"}


def test_pages_and_filters(mine: httpx.Client, rejected: Json) -> None:
    path = f"/uploads/{rejected['id']}/rejects"
    every = mine.get(path).json()["items"]
    seen = []
    for number in range(1, 5):
        seen += mine.get(path, params={"page": number, "page_size": 3}).json()["items"]
    assert seen == every

    runtime = mine.get(path, params={"column": "runtime", "page_size": 2})
    assert (runtime.json()["total"], len(runtime.json()["items"])) == (7, 2)
    assert "column=runtime" in runtime.links["next"]["url"]
    code = runtime.json()["items"][0]["code"]
    assert {item["code"] for item in mine.get(path, params={"code": code}).json()["items"]} == {code}
    nothing = mine.get(path, params={"column": "no such column"}).json()
    assert (nothing["items"], nothing["total"], nothing["summary"]) == ([], 0, [])
    assert mine.get(path, params={"column": "a\x00b"}).status_code == 422


@pytest.mark.parametrize(("params", "headers"), [({"format": "csv"}, {}), ({}, {"Accept": "text/csv"})])
def test_all_of_them_as_csv(mine: httpx.Client, rejected: Json, params: dict[str, str], headers: Json) -> None:
    path = f"/uploads/{rejected['id']}/rejects"
    answer = mine.get(path, params=params, headers=headers)
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == f'attachment; filename="rejects-{rejected["number"]}.csv"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    items = mine.get(path).json()["items"]
    for name, column in [("_column", "column"), ("_code", "code"), ("_message", "message")]:
        joined: dict[str, list[str]] = {}
        for item in items:
            joined.setdefault(str(item["line_number"]), []).append(item[column])
        assert {row["_line"]: row[name] for row in rows} == {line: "; ".join(texts) for line, texts in joined.items()}
    sent = list(csv.DictReader(io.StringIO(movies_csv(ROWS).decode(), newline="")))
    assert [list(row.values())[5:] for row in rows] == [list(row.values()) for row in sent[1:]]
    assert answer.content.count(b"\r\n") == len(rows) + 1


def test_a_very_large_csv_is_streamed(mine: httpx.Client, load: Callable[[MovieRows], Json]) -> None:
    upload = load(
        (
            {"title": "good vote", "vote_average": 10},
            *({"title": "bad vote", "vote_average": 11 + n} for n in range(30_000)),
        )
    )
    with mine.stream("GET", f"/uploads/{upload['id']}/rejects?format=csv") as answer:
        blocks = [block.count(b"\r\n") for block in answer.iter_raw()]
    assert sum(blocks) == 30_001
    assert len(blocks) > 10


@pytest.mark.parametrize(
    ("wanted", "is_csv"),
    [
        ("", False),
        ("*/*", False),
        ("text/csv", True),
        ("text/csv, */*", True),
        ("text/csv;q=0.5, */*", False),
        ("application/json, text/csv", False),
        ("text/csv, application/json", True),
        ("text/csv;q=0, */*;q=0", False),
        ("application/json;q=0.4, text/csv;q=0.9", True),
        ("text/csv;q=nonsense", True),
    ],
)
def test_the_format_is_negotiated(wanted: str, *, is_csv: bool) -> None:
    request = Request({"type": "http", "headers": [(b"accept", wanted.encode())]})
    assert prefers(request, "text/csv", "application/json") is is_csv
