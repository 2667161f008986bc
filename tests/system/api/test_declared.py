"""Datasets that a tenant declares: loaded by the same path, with the same promises, into a table of their own."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, text

from stack.local import LocalStack
from tests.conftest import ROOT
from tests.system.api.sending import Json, assert_problem, wait_for_end

SCHEMA: Json = {
    "fields": [
        {"name": "Título"},
        {"name": "Year", "type": "integer", "constraints": {"minimum": 1900}},
        {"name": "released", "type": "date", "format": "%d/%m/%Y"},
        {"name": "gross; $", "type": "number", "decimalChar": ",", "groupChar": "."},
        {"name": "_id", "type": "integer"},
        {"name": "tags", "type": "list", "delimiter": "|"},
        {"name": "hit", "type": "boolean", "trueValues": ["yes"], "falseValues": ["no"]},
        {"name": "seen", "type": "datetime"},
    ],
    "primaryKey": "_id",
    "missingValues": ["", "-"],
}
DECLARATION: Json = {
    "name": "box_office",
    "title": "Box office",
    "description": "What films earned",
    "schema": SCHEMA,
    "indexes": [["Year"], ["released", "gross; $"]],
}
HEADER = "Título,Year,released,gross; $,_id,tags,hit,seen"
FILE = f"""{HEADER}
Alien,1979,25/05/1979,"1.104,9",1,a|b,yes,1979-05-25T20:00:00Z
Bad,1800,1/1/2000,x,2,,,
Alien again,1979,-,-,1,,no,
Heat,1995,15/12/1995,"67,4",3,crime,-,1995-12-15 20:00:00
"""

Upload = Callable[..., Json]


@pytest.fixture
def send(mine: httpx.Client) -> Upload:
    """Upload a text as a file and wait for its end."""

    def upload(content: str, filename: str = "box office.csv", **params: Any) -> Json:
        answer = mine.post("/upload", params={"filename": filename, **params}, content=content.encode())
        assert answer.status_code in (200, 202), answer.text
        return wait_for_end(mine, answer.json()["id"])

    return upload


@pytest.fixture
def declared(mine: httpx.Client) -> Json:
    answer = mine.post("/datasets", json=DECLARATION)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == "/api/v1/datasets/box_office"
    document: Json = answer.json()
    return document


def rows(client: httpx.Client, name: str = "box_office", **params: Any) -> list[Json]:
    answer = client.get(f"/datasets/{name}/rows", params=params)
    assert answer.status_code == 200, answer.text
    items: list[Json] = answer.json()["items"]
    return items


@pytest.mark.usefixtures("declared")
def test_rows_rejects_and_duplicates_of_a_declared_dataset(mine: httpx.Client, send: Upload) -> None:
    upload = send(FILE)
    assert (upload["state"], upload["dataset"]) == ("completed", "box_office")
    assert upload["records"] == {"read": 4, "loaded": 2, "rejected": 1, "duplicate": 1}
    alien, heat = rows(mine)
    own = {"_upload_id": upload["id"], "_extra": None}
    assert alien == {
        **own,
        "Título": "Alien",
        "Year": 1979,
        "released": "1979-05-25",
        "gross; $": 1104.9,
        "_id": 1,
        "tags": ["a", "b"],
        "hit": True,
        "seen": "1979-05-25T20:00:00+00:00",
        "__id": alien["__id"],
        "_line": 2,
    }
    assert (heat["hit"], heat["seen"], heat["_line"]) == (None, "1995-12-15T20:00:00+00:00", 5)
    rejects = mine.get(f"/uploads/{upload['id']}/rejects").json()["items"]
    assert sorted((reject["line_number"], reject["column"], reject["code"]) for reject in rejects) == [
        (3, "Year", "out_of_range"),
        (3, "gross; $", "not_a_number"),
    ]
    duplicates = mine.get(f"/uploads/{upload['id']}/duplicates").json()["items"]
    assert duplicates == [{"line_number": 4, "first_line": 2}]


@pytest.mark.parametrize(
    ("params", "titles"),
    [
        ({"Year__gte": 1990}, ["Heat"]),
        ({"released__lt": "1990-01-01"}, ["Alien"]),
        ({"gross; $__gt": 100, "sort": "Título"}, ["Alien"]),
        ({"tags__has": "crime"}, ["Heat"]),
        ({"hit": "true"}, ["Alien"]),
        ({"hit__null": "true"}, ["Heat"]),
        ({"_id": 3}, ["Heat"]),
        ({"sort": "-Year"}, ["Heat", "Alien"]),
        ({"Título__prefix": "A"}, ["Alien"]),
    ],
)
@pytest.mark.usefixtures("declared")
def test_every_typed_column_has_filters(mine: httpx.Client, send: Upload, params: Json, titles: list[str]) -> None:
    send(FILE)
    assert [row["Título"] for row in rows(mine, **params)] == titles


@pytest.mark.usefixtures("declared")
def test_a_rejected_record_is_corrected(mine: httpx.Client, send: Upload) -> None:
    upload = send(FILE)
    csv = mine.get(f"/uploads/{upload['id']}/rejects", params={"format": "csv"}).text
    corrected = csv.replace("1800", "1980").replace(",x,", ',"2,5",')
    answer = mine.post(
        f"/uploads/{upload['id']}/rejects", params={"filename": "rejects.csv"}, content=corrected.encode()
    )
    assert answer.status_code == 202, answer.text
    assert wait_for_end(mine, answer.json()["id"])["state"] == "completed"
    assert [(row["Título"], row["Year"], row["gross; $"], row["_line"]) for row in rows(mine, _id=2)] == [
        ("Bad", 1980, 2.5, 3)
    ]


def test_a_declaration_is_of_one_tenant(mine: httpx.Client, declared: Json, send: Upload, api: httpx.Client) -> None:
    send(FILE)
    name = f"/datasets/{declared['name']}"
    assert_problem(api.get(name), 404, "not_found")
    assert_problem(api.get(f"{name}/rows"), 404, "not_found")
    assert_problem(api.delete(name, params={"cascade": True}), 404, "not_found")
    assert declared["name"] not in [each["name"] for each in api.get("/datasets").json()["items"]]
    refused = api.post("/upload", params={"filename": "f.csv", "dataset": "box_office"}, content=FILE.encode())
    assert_problem(refused, 422, "unknown_dataset")
    assert len(rows(mine)) == 2


def test_an_answer_can_be_declared_again(mine: httpx.Client, declared: Json) -> None:
    found = mine.get("/datasets/box_office").json()
    assert found == declared
    assert found["version"] == 1
    again = {
        "name": "again",
        "title": found["title"],
        "schema": found["schema"],
        "indexes": found["table"]["indexes"],
    }
    made = mine.post("/datasets", json=again)
    assert made.status_code == 201, made.text
    assert made.json()["schema"] == found["schema"]


@pytest.mark.parametrize("name", ["title.basics", "box_office", "auto"])
@pytest.mark.usefixtures("declared")
def test_a_name_is_used_once(mine: httpx.Client, name: str) -> None:
    answer = mine.post("/datasets", json={**DECLARATION, "name": name})
    if name == "auto":
        assert_problem(answer, 422, "invalid_schema")
    else:
        assert_problem(answer, 409, "dataset_exists")


@pytest.mark.usefixtures("declared")
def test_a_new_version_adds_and_widens(mine: httpx.Client, send: Upload) -> None:
    send(FILE)
    schema = json.loads(json.dumps(SCHEMA))
    schema["fields"][1] |= {"type": "number", "constraints": {"minimum": 1800}}
    schema["fields"].insert(0, {"name": "note", "constraints": {"maxLength": 5}})
    changed = mine.put(
        "/datasets/box_office", json={**DECLARATION, "schema": schema, "indexes": [*DECLARATION["indexes"], "note"]}
    )
    assert changed.status_code == 200, changed.text
    assert changed.json()["version"] == 2
    later = send(f"note,{HEADER}\nold,Old,1850.5,,,9,,,\ntoo long,Long,1850,,,10,,,\n")
    assert later["records"] == {"read": 2, "loaded": 1, "rejected": 1, "duplicate": 0}
    assert [(row["Título"], row["Year"], row["note"]) for row in rows(mine, sort="Year")] == [
        ("Old", 1850.5, "old"),
        ("Alien", 1979.0, None),
        ("Heat", 1995.0, None),
    ]


@pytest.mark.parametrize(
    "change",
    [
        lambda schema: schema["fields"].pop(),
        lambda schema: schema["fields"][0].update(constraints={"maxLength": 3}),
        lambda schema: schema["fields"][3].update(type="integer", groupChar=""),
        lambda schema: schema["fields"].append({"name": "new", "constraints": {"required": True}}),
        lambda schema: schema.update(primaryKey="Year"),
    ],
    ids=["less fields", "narrower", "another type", "required", "another key"],
)
def test_what_stored_rows_might_not_be_is_refused(
    mine: httpx.Client, declared: Json, change: Callable[[Json], object]
) -> None:
    schema = json.loads(json.dumps(SCHEMA))
    change(schema)
    assert_problem(mine.put("/datasets/box_office", json={**DECLARATION, "schema": schema}), 422, "invalid_schema")
    assert mine.get("/datasets/box_office").json() == declared


@pytest.mark.usefixtures("declared")
def test_a_dataset_with_uploads_is_deleted_with_them_only(mine: httpx.Client, send: Upload, stack: LocalStack) -> None:
    upload = send(FILE)
    table = mine.get("/datasets/box_office").json()["table"]["name"]
    assert_problem(mine.delete("/datasets/box_office"), 409, "dataset_in_use")
    assert mine.delete("/datasets/box_office", params={"cascade": True}).status_code == 204
    assert_problem(mine.get("/datasets/box_office/rows"), 404, "not_found")
    assert mine.get(f"/uploads/{upload['id']}").json()["state"] == "undone"
    engine = create_engine(stack.database_url.replace("postgresql://", "postgresql+psycopg2://"))
    with engine.connect() as connection:
        left = connection.scalars(
            text("SELECT relname FROM pg_class WHERE relname ~ :name"), {"name": f"^{table}(_|$)"}
        )
        assert left.all() == []
    engine.dispose()
    assert mine.post("/datasets", json=DECLARATION).status_code == 201
    assert send(FILE)["records"]["loaded"] == 2
    assert len(rows(mine)) == 2


def test_auto_declares_what_is_unknown_and_knows_it_then(mine: httpx.Client, send: Upload) -> None:
    first = send("name;seats;opened\nOdeon;120;1999-01-02\nRex;80;\n", "Kinos (2).csv", dataset="auto")
    assert (first["state"], first["dataset"]) == ("completed", "kinos_2")
    schema = mine.get("/datasets/kinos_2").json()["schema"]
    assert schema["fields"] == [
        {"name": "name", "type": "string"},
        {"name": "seats", "type": "integer"},
        {"name": "opened", "type": "date"},
    ]
    again = send("name;seats;opened\nLux;7;2001-01-02\n", "more.csv")
    assert again["dataset"] == "kinos_2"
    assert [row["name"] for row in rows(mine, "kinos_2", sort="name")] == ["Lux", "Odeon", "Rex"]
    other = send("name;seats;opened\nLux;many;2001-01-02\n", "Kinos (2).csv", dataset="auto")
    assert other["dataset"] == "kinos_2_2"
    assert rows(mine, "kinos_2_2")[0]["seats"] == "many"


def test_auto_takes_a_known_file_for_what_it_is(mine: httpx.Client, send: Upload) -> None:
    film = send("title,release_year\nAlien,1979\n", "alien.csv", dataset="auto")
    assert mine.get(f"/datasets/{film['dataset']}").json()["is_declared"] is False


def test_auto_names_the_columns_of_a_file_without_a_header(mine: httpx.Client, send: Upload) -> None:
    upload = send("1,2,2001-01-02\n4,5,2001-01-03\n", "numbers.csv", dataset="auto")
    assert upload["records"]["loaded"] == 2
    assert [(row["column_1"], row["column_3"], row["_line"]) for row in rows(mine, "numbers")] == [
        (1, "2001-01-02", 1),
        (4, "2001-01-03", 2),
    ]
    assert [warning["code"] for warning in upload["warnings"]] == ["no_header", "dataset_declared"]


def test_a_preview_keeps_nothing_and_can_be_declared(mine: httpx.Client, send: Upload) -> None:
    content = "name;seats\nOdeon;120\nRex;80\n"
    seen = mine.post("/preview", params={"filename": "kinos.csv"}, content=content)
    assert seen.status_code == 200, seen.text
    found = seen.json()
    assert (found["dataset"], found["error"]["code"]) == (None, "header_mismatch")
    assert [(row["name"], row["seats"], row["_line"]) for row in found["rows"]] == [("Odeon", 120, 2), ("Rex", 80, 3)]
    assert mine.get("/uploads").json()["total"] == 0
    assert mine.post("/datasets", json=found["declaration"]).status_code == 201
    again = mine.post("/preview", params={"filename": "kinos.csv"}, content=content + "Lux;x\n").json()
    assert (again["dataset"], again["error"], again["records"]) == ("kinos", None, {"read": 3, "rejected": 1})
    assert [reject["code"] for reject in again["rejects"]] == ["not_a_whole_number"]
    assert send(content)["dataset"] == "kinos"


def test_a_preview_of_a_large_file_needs_its_beginning_only(mine: httpx.Client) -> None:
    content = (ROOT / "samples" / "movies.csv").read_bytes()
    header, records = content.split(b"\n", 1)
    many = header + b"\n" + records * (3_000_000 // len(records) + 1)
    found = mine.post("/preview", params={"filename": "movies.csv"}, content=many).json()
    assert found["dataset"] == "movies"
    assert 0 < found["records"]["read"] < many.count(b"\n")
    assert len(found["rows"]) == 20


def test_a_preview_of_no_table_says_so(mine: httpx.Client) -> None:
    assert_problem(mine.post("/preview", params={"filename": "a.csv"}, content=b""), 422, "empty_file")
    assert_problem(mine.post("/preview", params={"filename": "a.exe"}, content=b"x"), 415, "unsupported_file")
