"""All rows of a dataset as one file: every format has the rows of the list, whole, or visibly not at all."""

import csv
import io
import json
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import psycopg2
import pyarrow as pa
import pytest
from pyarrow import parquet

from stack.local import LocalStack
from stack.ports import free_port
from stack.services import Api, Surroundings
from tests.system.api.sending import Json, MovieRows, assert_problem, movies_csv, wait_for_end
from tests.system.stack.processes import running
from tests.waiting import eventually

FORMATS = ("csv", "jsonl", "parquet", "arrow")
SLOTS = 2
MIB = 1024 * 1024

TEXTS = (
    *('"', '""', ",", "a\nb", "a\tb", "\\", "\\N", "\\.", "null", "'", "''", "=1+1", "%", "%s", "$1", ":x", "\u2028"),
    *(
        "\x01",
        "\x02",
        "\x1f",
        "Zoë 电影 🎬",
        '{"a": 1}',
        "[1]",
        "NaN",
        "true",
        "{a,b}",
        "a" * 5000,
        "é\u0301",
        "'); --",
    ),
)
ROWS: list[dict[str, object]] = [
    {
        "title": f"{number} {text}",
        "overview": text,
        "budget": (0, 2**53 - 1, "")[number % 3],
        "release_date": ("1927-01-10", "2024-02-29", "")[number % 3],
        "vote_average": (0.1, 9.999999, "")[number % 3],
        "languages": (str([text]), str(["German", text]), "")[number % 3],
    }
    for number, text in enumerate(TEXTS)
]


def content(client: httpx.Client, file_format: str, params: dict[str, Any] | None = None) -> bytes:
    answer = client.get(f"/datasets/movies/rows.{file_format}", params=params or {})
    assert answer.status_code == 200, answer.text
    return answer.content


def exported(client: httpx.Client, file_format: str, params: dict[str, Any] | None = None) -> list[Json]:
    """The rows of a file, as the list of rows would have them."""
    file = content(client, file_format, params)
    match file_format:
        case "csv":
            return from_csv(file)
        case "jsonl":
            return [json.loads(line) for line in file.decode().split("\n")[:-1]]
        case "parquet":
            return as_json(parquet.read_table(io.BytesIO(file)))
        case _:
            return as_json(pa.ipc.open_stream(file).read_all())


def as_json(table: pa.Table) -> list[Json]:
    return [
        {
            **{name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()},
            "_extra": None if row["_extra"] is None else json.loads(row["_extra"]),
        }
        for row in table.to_pylist()
    ]


WORDS = {"title", "original_title", "title_type", "original_language", "status", "source_id", "homepage", "overview"}
WORDS |= {"release_date", "_upload_id"}


def from_csv(file: bytes) -> list[Json]:
    """Cells that are no text are JSON. Python's reader cannot tell null from an empty text: no row has the latter."""
    rows = csv.DictReader(io.StringIO(file.decode(), newline=""))
    return [
        {name: None if cell == "" else cell if name in WORDS else json.loads(cell) for name, cell in row.items()}
        for row in rows
    ]


def listed(client: httpx.Client, params: dict[str, Any] | None = None) -> list[Json]:
    answer = client.get("/datasets/movies/rows", params={"page_size": 100, **(params or {})}).raise_for_status().json()
    assert answer["next_cursor"] is None
    items: list[Json] = answer["items"]
    return items


@pytest.fixture
def films(mine: httpx.Client) -> list[Json]:
    return load_films(mine)


@pytest.fixture(scope="module")
def reader(stack: LocalStack) -> Iterator[httpx.Client]:
    """A client of a tenant whose rows no test changes."""
    headers = {"X-Tenant": f"t-{uuid.uuid4().hex[:12]}"}
    with httpx.Client(base_url=f"{stack.api_url}/api/v1", headers=headers, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def read_films(reader: httpx.Client) -> list[Json]:
    return load_films(reader)


def load_films(mine: httpx.Client) -> list[Json]:
    """The rows of two uploads; those of the second one have a column that no field takes."""
    first = mine.post("/upload", params={"filename": "movies.csv"}, content=movies_csv(ROWS[:5])).raise_for_status()
    assert wait_for_end(mine, first.json()["id"])["records"]["loaded"] == 5
    sent = io.StringIO(newline="")
    writer = csv.DictWriter(sent, [*ROWS[0], "director"])
    writer.writeheader()
    writer.writerows({**row, "director": row["overview"]} for row in ROWS[5:])
    named = {"filename": "movies.csv", "dataset": "movies"}
    upload = mine.post("/upload", params=named, content=sent.getvalue().encode()).raise_for_status().json()
    assert wait_for_end(mine, upload["id"])["records"]["loaded"] == len(ROWS) - 5
    found = listed(mine)
    assert [row["overview"] for row in found] == [row["overview"] for row in ROWS]
    assert [row["_extra"] for row in found[5:]] == [{"director": row["overview"]} for row in ROWS[5:]]
    return found


@pytest.mark.parametrize("file_format", FORMATS)
def test_each_format_has_the_rows_of_the_list(reader: httpx.Client, read_films: list[Json], file_format: str) -> None:
    assert exported(reader, file_format) == read_films


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize(
    "params",
    [
        {"sort": "-release_year,title"},
        {"sort": "vote_average", "fields": "title,languages"},
        {"budget__null": "true", "fields": "budget"},
        {"release_date__gte": "2000-01-01", "vote_average__lt": "9.9999991"},
        {"is_adult__null": "true", "sort": "-budget"},
        *({"overview": text} for text in TEXTS if len(text) < 1000),
        *({"languages__has": text, "title__prefix": text[:1]} for text in ("\\", "'", "%", "$1")),
        {"title__prefix": "1% \\'"},
        {"overview": "\\\\"},
    ],
    ids=lambda params: json.dumps(params, ensure_ascii=True),
)
def test_filters_orders_and_fields_are_those_of_the_list(
    reader: httpx.Client, read_films: list[Json], file_format: str, params: dict[str, Any]
) -> None:
    assert read_films
    assert exported(reader, file_format, params) == listed(reader, params)


@pytest.mark.parametrize("file_format", FORMATS)
def test_moments_and_flags_are_written_alike(mine: httpx.Client, file_format: str) -> None:
    sent = b"userId,movieId,rating,timestamp\n1,2,3.5,1112486027\n1,3,4,1112486028\n"
    upload = mine.post("/upload", params={"filename": "ratings.csv"}, content=sent).raise_for_status().json()
    assert wait_for_end(mine, upload["id"])["records"]["loaded"] == 2
    file = mine.get(f"/datasets/movielens_ratings/rows.{file_format}").raise_for_status().content
    moments: dict[str, Callable[[], list[str]]] = {
        "csv": lambda: [row["rated_at"] for row in csv.DictReader(io.StringIO(file.decode()))],
        "jsonl": lambda: [json.loads(line)["rated_at"] for line in file.splitlines()],
        "parquet": lambda: [at.isoformat() for at in parquet.read_table(io.BytesIO(file))["rated_at"].to_pylist()],
        "arrow": lambda: [at.isoformat() for at in pa.ipc.open_stream(file).read_all()["rated_at"].to_pylist()],
    }
    assert moments[file_format]() == ["2005-04-02T23:53:47+00:00", "2005-04-02T23:53:48+00:00"]


def test_an_empty_text_is_not_null_in_csv(mine: httpx.Client, stack: LocalStack, films: list[Json]) -> None:
    with closing(psycopg2.connect(stack.database_url)) as owner, owner, owner.cursor() as cursor:
        cursor.execute("UPDATE movies SET overview = '' WHERE id = %s", (films[0]["_id"],))
        cursor.execute("UPDATE movies SET overview = NULL WHERE id = %s", (films[1]["_id"],))
    lines = content(mine, "csv", {"fields": "overview,end_year"}).decode().split("\n")
    assert lines[0] == "overview,end_year,_id,_upload_id,_line,_extra"
    assert lines[1].startswith(f'"",,{films[0]["_id"]},{films[0]["_upload_id"]},2,')
    assert lines[2].startswith(f",,{films[1]['_id']},")


@pytest.mark.parametrize("file_format", FORMATS)
def test_without_rows_a_file_has_its_columns(mine: httpx.Client, file_format: str) -> None:
    """Nothing was loaded, so the tenant has no collection."""
    assert exported(mine, file_format) == []
    assert (b"title" in content(mine, file_format)) == (file_format != "jsonl")


def test_another_tenant_sees_nothing(mine: httpx.Client, films: list[Json]) -> None:
    assert films
    for file_format in FORMATS:
        answer = mine.get(f"/datasets/movies/rows.{file_format}", headers={"X-Tenant": "somebody-else"})
        assert answer.raise_for_status()
        assert str(films[0]["_id"]).encode() not in answer.content


def test_the_headers_name_the_file_and_head_runs_nothing(reader: httpx.Client, read_films: list[Json]) -> None:
    assert read_films
    for file_format in FORMATS:
        address = f"/datasets/movies/rows.{file_format}"
        answer, head = reader.get(address), reader.head(address)
        assert head.content == b""
        for headers in (answer.headers, head.headers):
            assert headers["content-disposition"] == f'attachment; filename="movies.{file_format}"'
            assert "content-length" not in headers
        assert head.headers["content-type"] == answer.headers["content-type"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/datasets/nothing/rows.csv", 404, "not_found"),
        ("/datasets/movies/rows.xlsx", 422, "invalid_request"),
        ("/datasets/movies/rows.csv?nothing=1", 422, "invalid_filter"),
        ("/datasets/movies/rows.csv?page_size=1", 422, "invalid_filter"),
        ("/datasets/movies/rows.csv?sort=languages", 422, "invalid_filter"),
        ("/datasets/movies/rows.csv?sort=title&sort=title", 422, "invalid_request"),
    ],
)
def test_what_cannot_be_asked_is_a_clear_error(mine: httpx.Client, path: str, status: int, code: str) -> None:
    assert_problem(mine.get(path), status, code)


# -- exports that take long


@pytest.fixture(scope="module")
def narrow(stack: LocalStack) -> Iterator[Api]:
    """One more API on the same stack, for few exports."""
    surroundings = Surroundings(
        stack.data_dir,
        stack.database_url,
        stack.redis_url,
        {"INGEST_EXPORTS": str(SLOTS), "INGEST_PARALLELISM": "1"},
    )
    with running(Api(surroundings, free_port(), "api-exports")) as api:
        yield api


@pytest.fixture(scope="module")
def many(narrow: Api) -> Json:
    """A large upload of a tenant of its own: far more bytes than all buffers on the way hold."""
    tenant = f"t-{uuid.uuid4().hex[:12]}"
    sent = movies_csv({"title": f"{number}", "overview": "x" * 1000} for number in range(30_000))
    with client_of(narrow, tenant) as client:
        upload = client.post("/upload", params={"filename": "movies.csv"}, content=sent).raise_for_status().json()
        assert wait_for_end(client, upload["id"])["records"]["loaded"] == 30_000
    return {"tenant": tenant, "upload_id": upload["id"]}


def client_of(api: Api, tenant: str) -> httpx.Client:
    return httpx.Client(base_url=f"{api.url}/api/v1", headers={"X-Tenant": tenant}, timeout=60, trust_env=False)


def unread(api: Api, tenant: str, file_format: str, query: str = "") -> socket.socket:
    """A connection that has asked for an export and read the head of the answer."""
    where = urlsplit(api.url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    connection.connect((where.hostname, where.port))
    target = f"/api/v1/datasets/movies/rows.{file_format}{query}"
    connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {where.netloc}\r\nX-Tenant: {tenant}\r\n\r\n".encode())
    assert connection.recv(12) == b"HTTP/1.1 200"
    return connection


def sessions(stack: LocalStack) -> int:
    """How many exports PostgreSQL works for."""
    with closing(psycopg2.connect(stack.database_url)) as owner, owner.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ingest-export' AND state <> 'idle'"
        )
        found = cursor.fetchone()
        return int(found[0]) if found else 0


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_client_that_goes_away_ends_its_query(stack: LocalStack, narrow: Api, many: Json, file_format: str) -> None:
    for _ in range(SLOTS + 1):
        with unread(narrow, many["tenant"], file_format):
            assert eventually(lambda: sessions(stack) == 1)
        assert eventually(lambda: sessions(stack) == 0, 5)
    with client_of(narrow, many["tenant"]) as client:
        assert len(exported(client, file_format, {"fields": "title"})) == 30_000


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_database_waits_for_a_slow_reader_and_memory_stays_flat(narrow: Api, many: Json, file_format: str) -> None:
    with client_of(narrow, many["tenant"]) as client:
        whole = len(content(client, file_format))
        process = psutil.Process(narrow.pid)
        before = process.memory_info().rss
        # the size of a Parquet file says little: the same text 30,000 times is a few bytes
        if file_format != "parquet":
            assert whole > 25 * MIB
        with unread(narrow, many["tenant"], file_format):
            time.sleep(1.5)
            # a row group of Parquet is written as a whole
            assert process.memory_info().rss - before < (40 if file_format == "parquet" else 20) * MIB


def test_when_all_are_taken_the_next_one_is_told_to_wait(stack: LocalStack, narrow: Api, many: Json) -> None:
    with (
        client_of(narrow, many["tenant"]) as client,
        unread(narrow, many["tenant"], "csv"),
        unread(narrow, many["tenant"], "arrow"),
    ):
        answer = client.get("/datasets/movies/rows.jsonl")
        assert_problem(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert client.get("/datasets/movies/rows").status_code == 200
    assert eventually(lambda: sessions(stack) == 0, 5)


@pytest.mark.parametrize("file_format", ["csv", "arrow"])
def test_an_export_that_the_database_ends_is_no_whole_file(
    stack: LocalStack, narrow: Api, many: Json, file_format: str
) -> None:
    with (
        client_of(narrow, many["tenant"]) as client,
        client.stream("GET", f"/datasets/movies/rows.{file_format}") as answer,
    ):
        blocks = answer.iter_bytes()
        next(blocks)
        with closing(psycopg2.connect(stack.database_url)) as owner, owner.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ingest-export'"
            )
        with pytest.raises(httpx.RemoteProtocolError):
            list(blocks)
    assert eventually(lambda: sessions(stack) == 0, 5)
    with client_of(narrow, many["tenant"]) as client:
        assert len(exported(client, file_format, {"fields": "title"})) == 30_000


@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
def test_an_undo_does_not_wait_for_an_export_and_no_file_has_half_an_upload(
    stack: LocalStack, narrow: Api, file_format: str
) -> None:
    tenant = f"t-{uuid.uuid4().hex[:12]}"
    with client_of(narrow, tenant) as client:
        uploads = []
        for name in ("large", "small"):
            count = 30_000 if name == "large" else 10
            sent = movies_csv(
                {"title": f"{name} {number}", "overview": uuid.uuid4().hex * 30} for number in range(count)
            )
            uploads.append(client.post("/upload", params={"filename": "movies.csv"}, content=sent).json()["id"])
            assert wait_for_end(client, uploads[-1])["state"] == "completed"
        with unread(narrow, tenant, file_format, "?sort=-title"):
            assert eventually(lambda: sessions(stack) == 1)
            began = time.monotonic()
            client.post(f"/uploads/{uploads[0]}/undo").raise_for_status()
            assert time.monotonic() - began < 5
            assert sessions(stack) == 0
        assert [row["title"] for row in exported(client, file_format)] == [f"small {number}" for number in range(10)]


def test_an_export_shows_the_moment_at_which_it_began(narrow: Api) -> None:
    tenant = f"t-{uuid.uuid4().hex[:12]}"
    with client_of(narrow, tenant) as client:
        uploads = []
        for begin in range(0, 12_000, 6_000):  # small uploads: an undo deletes rows and waits for nobody
            rows: MovieRows = ({"title": f"{begin + n}", "overview": "x" * 1000} for n in range(6_000))
            answer = client.post("/upload", params={"filename": "movies.csv"}, content=movies_csv(rows))
            uploads.append(answer.raise_for_status().json()["id"])
            assert wait_for_end(client, uploads[-1])["state"] == "completed"
        with client.stream("GET", "/datasets/movies/rows.jsonl", params={"fields": "title,overview"}) as answer:
            lines = answer.iter_lines()
            first = next(lines)
            for upload in uploads:
                client.post(f"/uploads/{upload}/undo").raise_for_status()
            found = [json.loads(line) for line in (first, *lines)]
        assert [row["title"] for row in found] == [str(number) for number in range(12_000)]
        assert {row["_upload_id"] for row in found} == set(uploads)
        assert exported(client, "jsonl") == []
