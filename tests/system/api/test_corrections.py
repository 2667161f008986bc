"""From the rejects of a dirty file to none: download, correct, send back, over HTTP."""

import csv
import io
import uuid
from collections.abc import Callable

import httpx
import pytest

from stack.local import LocalStack
from tests.rows import GOOD_MOVIE, MOVIES_HEADER, TITLES_HEADER, movies, titles
from tests.system.api.sending import Json, assert_problem, stored_files, wait_for_end

OURS = ["_line", "_column", "_code", "_message", "_hint"]
MIB = 1024 * 1024

Send = Callable[..., Json]


@pytest.fixture
def send(mine: httpx.Client) -> Send:
    """Upload a file and wait until it is loaded."""

    def upload(content: bytes, filename: str = "movies.csv", **params: str) -> Json:
        answer = mine.post("/upload", params={"filename": filename, **params}, content=content)
        assert answer.status_code == 202, answer.text
        return wait_for_end(mine, answer.json()["id"])

    return upload


def download(mine: httpx.Client, upload: Json, **params: str) -> httpx.Response:
    return mine.get(f"/uploads/{upload['id']}/rejects", params={"format": "csv", **params}).raise_for_status()


def send_back(mine: httpx.Client, upload: Json, content: bytes, filename: str = "rejects.csv", **params: str) -> Json:
    answer = mine.post(f"/uploads/{upload['id']}/rejects", params={"filename": filename, **params}, content=content)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/api/v1/uploads/{answer.json()['id']}"
    return wait_for_end(mine, answer.json()["id"])


def corrected(content: bytes, changes: dict[str, str]) -> bytes:
    """What a person makes of it: these columns get these texts."""
    reader = csv.DictReader(io.StringIO(content.decode(), newline=""))
    output = io.StringIO(newline="")
    writer = csv.DictWriter(output, reader.fieldnames or ())
    writer.writeheader()
    writer.writerows(row | changes for row in reader)
    return output.getvalue().encode()


DIRT: list[dict[str, str]] = [
    {"budget": "$237,000,000"},
    {"title": "Fine"},
    {"release_date": "31/12/1999", "overview": 'two\nlines, and a "quote"'},
    {"runtime": "142 min", "vote_average": "7.5/10"},
    {"original_language": "English", "status": "Relased", "languages": "English"},
    {"vote_count": "N/A", "title": "Ça va"},
    {"revenue": "-1"},
]
HINTS = {
    2: ["write 237000000"],
    4: ["write 1999-12-31"],
    6: ["write 142", "write 7.5"],
    7: ["write en", "write Released", "write ['English']"],
    8: ['leave the cell empty, or send the file with schema={"missingValues": ["", "N/A"]}: N/A then means no value'],
    9: ["correct the number, or leave the cell empty if it is not known"],
}
GOOD = {name: value for name, value in GOOD_MOVIE.items() if name not in ("title", "overview")}


@pytest.mark.parametrize("copies", [1, 3000], ids=["small", "large"])
@pytest.mark.parametrize("use_celery", ["false", "true"])
def test_a_dirty_file_is_corrected_until_nothing_is_rejected(
    mine: httpx.Client, send: Send, copies: int, use_celery: str
) -> None:
    bulk = {"title": "Fine", "overview": "long " * 700 * (copies > 1)}
    upload = send(movies(*[*DIRT, bulk] * copies), use_celery=use_celery)
    count, rejected = (len(DIRT) + 1) * copies, (len(DIRT) - 1) * copies
    assert upload["records"] == {"read": count, "loaded": count - rejected, "rejected": rejected, "duplicate": 0}
    answer = download(mine, upload)
    correction = send_back(mine, upload, corrected(answer.content, GOOD))
    assert correction["corrects"] == upload["id"]
    assert correction["transport"] == ("celery" if use_celery == "true" else "background")
    assert correction["records"] == {"read": rejected, "loaded": rejected, "rejected": 0, "duplicate": 0}
    assert "undo" not in correction["links"]
    after = mine.get(f"/uploads/{upload['id']}").json()
    assert after["records"] == {"read": count, "loaded": count, "rejected": 0, "duplicate": 0}
    assert mine.get(f"/uploads/{upload['id']}/rejects").json()["total"] == 0
    assert mine.get("/movies").json()["total"] == count
    if copies == 1:
        found = {movie["id"] % 2**24 for movie in mine.get("/movies").json()["items"]}
        assert found == {2, 3, 4, 6, 7, 8, 9, 10}
        [corrected_id] = [movie["id"] for movie in mine.get("/movies").json()["items"] if movie["id"] % 2**24 == 8]
        detail = mine.get(f"/movies/{corrected_id}").json()
        assert (detail["title"], detail["source"]["upload_id"]) == ("Ça va", upload["id"])
        assert detail["source"]["line_number"] == 8
    assert mine.get(f"/uploads/{upload['id']}/history").json()["items"][-1]["event"] == "corrected"
    assert mine.post(f"/uploads/{upload['id']}/undo").json()["state"] == "undone"
    assert mine.get("/movies").json()["total"] == 0
    assert mine.get(f"/uploads/{correction['id']}").json()["state"] == "undone"


def test_hints_in_json_and_in_the_file(mine: httpx.Client, send: Send) -> None:
    upload = send(movies(*DIRT))
    items = mine.get(f"/uploads/{upload['id']}/rejects").json()["items"]
    found: dict[int, list[str]] = {}
    for item in items:
        found.setdefault(item["line_number"], []).append(item["hint"])
    assert {line: sorted(hints) for line, hints in found.items()} == {
        line: sorted(hints) for line, hints in HINTS.items()
    }
    rows = list(csv.DictReader(io.StringIO(download(mine, upload).text, newline="")))
    assert list(rows[0]) == [*OURS, *MOVIES_HEADER]
    assert {int(row["_line"]): sorted(row["_hint"].split("; ")) for row in rows} == {
        line: sorted(hints) for line, hints in HINTS.items()
    }
    assert [len(row["_code"].split("; ")) for row in rows] == [1, 1, 2, 3, 1, 1]
    assert rows[1]["overview"] == 'two\nlines, and a "quote"'


MALFORMED = [
    b"too,few\r\n",
    b"1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17\r\n",
    b'5,,en,A,"never closed,1999-01-01,1,1,Released,A,1,1,1,1,[]\r\n',
    b'5,,en,A,"two\r\nlines",1999-13-01,1,1,Released,A,1,1,1,1,[]\r\n',
    b'5,,en,A,"a "stray" quote",1999-01-01,1,1,Released,A,1,1,1,1,[]\r\n',
    b"x,,en,caf\xe9,,1999-01-01,1,1,Released,A,1,1,1,1,[]\r\n",
    b"x,,en,last,,1999-01-01,1,1,Released,A,1,1,1,1,[]",
]


def test_malformed_records_are_downloaded_byte_by_byte(mine: httpx.Client, send: Send) -> None:
    good = movies({}).partition(b"\r\n")[2]
    header = ",".join(MOVIES_HEADER).encode() + b"\r\n"
    upload = send(header + b"".join(good + record for record in MALFORMED))
    assert upload["records"]["rejected"] == len(MALFORMED)
    content = download(mine, upload).content
    assert content.startswith(",".join(OURS).encode() + b"," + header)
    rest = content[len(header) + len(",".join(OURS)) + 1 :]
    for record in MALFORMED:
        end = rest.index(b"," + record) + 1 + len(record)
        ours = rest[: end - len(record)].decode()
        assert len(next(csv.reader([ours]))) == len(OURS) + 1
        rest = rest[end:]
    assert rest == b"\r\n"  # the last record had no line end

    before = mine.get(f"/uploads/{upload['id']}").json()["records"]
    uncorrected = send_back(mine, upload, content)
    assert uncorrected["records"]["loaded"] == 0
    assert uncorrected["records"]["rejected"] > 0
    assert mine.get(f"/uploads/{upload['id']}").json()["records"] == before
    assert download(mine, upload).content == content


def test_tabs_without_quotes(mine: httpx.Client, send: Send) -> None:
    dirty = titles({}, {"primaryTitle": "\"A quote' opens", "startYear": "(1999)", "isAdult": "yes"}, {"tconst": "12"})
    upload = send(dirty, "title.basics.tsv")
    answer = download(mine, upload)
    assert answer.headers["content-type"] == "text/tab-separated-values; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="rejects-{upload["number"]}.tsv"'
    lines = [line.split("\t") for line in answer.text.splitlines()]
    assert lines[0] == [*OURS, *TITLES_HEADER]
    assert {len(line) for line in lines} == {len(OURS) + len(TITLES_HEADER)}
    assert ["\t".join(line[5:]).encode() + b"\n" for line in lines[1:]] == dirty.splitlines(keepends=True)[2:]
    assert sorted(lines[1][4].split("; ")) == ["write 1", "write 1999"]
    assert lines[2][4] == "write tt0000012 if this is the number of IMDb's id"
    repaired = (
        answer.content.replace(b"(1999)", b"1999").replace(b"\tyes\t", b"\t1\t").replace(b"\t12\t", b"\ttt0000012\t")
    )
    correction = send_back(mine, upload, repaired, "rejects.tsv")
    assert correction["records"]["loaded"] == 2
    titles_now = {movie["title"] for movie in mine.get("/movies").json()["items"]}
    assert titles_now == {"Carmencita", "\"A quote' opens"}


def test_a_bom_at_the_beginning_stays_there(mine: httpx.Client, send: Send) -> None:
    upload = send(b"\xef\xbb\xbf" + movies({"budget": "x"}))
    assert download(mine, upload).content.startswith(b"\xef\xbb\xbf_line,")


def test_a_filter_chooses_records_and_shows_all_their_reasons(mine: httpx.Client, send: Send) -> None:
    upload = send(movies(*DIRT))
    rows = list(csv.DictReader(io.StringIO(download(mine, upload, column="runtime").text, newline="")))
    assert [(row["_line"], sorted(row["_column"].split("; "))) for row in rows] == [("6", ["runtime", "vote_average"])]
    assert download(mine, upload, code="nothing_like_it").text.count("\r\n") == 1


def test_a_form_with_gzip_and_a_key(mine: httpx.Client, send: Send) -> None:
    upload = send(movies(*DIRT))
    content = corrected(download(mine, upload).content, GOOD)
    path, key = f"/uploads/{upload['id']}/rejects", {"Idempotency-Key": uuid.uuid4().hex}
    first = mine.post(path, files={"file": ("rejects.csv", content)}, headers=key)
    assert first.status_code == 202, first.text
    assert wait_for_end(mine, first.json()["id"])["records"]["loaded"] == 6
    again = mine.post(path, files={"file": ("rejects.csv", content)}, headers=key)
    assert (again.status_code, again.json()) == (202, first.json())
    other = mine.post(path, files={"file": ("rejects.csv", content + b"\r\n")}, headers=key)
    assert_problem(other, 422, "idempotency_key_reused")
    once_more = send_back(mine, upload, content)
    assert once_more["records"] == {"read": 6, "loaded": 0, "rejected": 6, "duplicate": 0}
    groups = mine.get(f"/uploads/{once_more['id']}/rejects").json()["summary"]
    assert [(group["column"], group["code"], group["count"]) for group in groups] == [("_line", "not_a_reject", 6)]


def test_what_is_refused(stack: LocalStack, mine: httpx.Client, send: Send) -> None:
    upload = send(movies(*DIRT))
    path = f"/uploads/{upload['id']}/rejects"
    content = download(mine, upload).content
    before = stored_files(stack)

    def post(body: bytes, to: str = path, filename: str = "rejects.csv") -> httpx.Response:
        return mine.post(to, params={"filename": filename}, content=body)

    assert_problem(post(content, f"/uploads/{uuid.uuid4()}/rejects"), 404, "not_found")
    assert_problem(post(movies(*DIRT)), 422, "header_mismatch")
    assert_problem(post(content, filename="rejects.xlsx"), 415, "unsupported_file")
    too_large = assert_problem(post(content + b"x" * 33 * MIB), 413, "upload_too_large")
    assert "in parts" in too_large["detail"]
    failed = send(movies(*DIRT), on_error="abort", force="true")
    conflict = assert_problem(post(content, f"/uploads/{failed['id']}/rejects"), 409, "state_conflict")
    assert conflict["allowed"] == ["completed"]
    correction = send_back(mine, upload, content)
    assert correction["records"]["rejected"] == 6
    assert_problem(post(content, f"/uploads/{correction['id']}/rejects"), 409, "state_conflict")
    assert_problem(mine.post(f"/uploads/{correction['id']}/undo"), 409, "state_conflict")
    other = {"X-Tenant": f"t-{uuid.uuid4().hex[:12]}"}
    assert_problem(mine.post(path, params={"filename": "r.csv"}, content=content, headers=other), 404, "not_found")
    assert len(stored_files(stack) - before) == 2  # those of the failed upload and of the correction


def test_a_file_that_is_no_longer_kept(stack: LocalStack, mine: httpx.Client, send: Send) -> None:
    before = stored_files(stack)
    upload = send(movies(*DIRT))
    for stored in stored_files(stack) - before:
        stored.unlink()
    path = f"/uploads/{upload['id']}/rejects"
    assert_problem(mine.get(path, params={"format": "csv"}), 410, "file_expired")
    assert mine.get(path).json()["total"] == 9


def test_part_of_the_records_may_come_back_first(mine: httpx.Client, send: Send) -> None:
    upload = send(movies(*DIRT))
    everything = corrected(download(mine, upload).content, GOOD)
    lines = everything.split(b"\r\n")
    first = send_back(mine, upload, b"\r\n".join([lines[0], lines[1], b""]))
    assert first["records"]["loaded"] == 1
    left = download(mine, upload).content
    assert b"237,000,000" not in left
    second = send_back(mine, upload, corrected(left, GOOD))
    assert second["records"]["loaded"] == 5
    assert mine.get(f"/uploads/{upload['id']}").json()["records"]["rejected"] == 0


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1252", "utf-16-le"])
@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_files_of_spreadsheets_come_back_as_they_are(
    mine: httpx.Client, send: Send, encoding: str, newline: str
) -> None:
    good = {"overview": "Für Élise, très bien; à bientôt", "title": "Ça va"}
    rows = csv.reader(io.StringIO(movies(*[good] * 30, {**good, "budget": "$1,000"}).decode(), newline=""))
    output = io.StringIO(newline="")
    csv.writer(output, delimiter=";", lineterminator=newline).writerows(rows)
    upload = send(output.getvalue().encode(encoding))
    assert upload["records"] == {"read": 31, "loaded": 30, "rejected": 1, "duplicate": 0}
    answer = download(mine, upload)
    charset = {"utf-16-le": "utf-16le"}.get(encoding, encoding)
    assert answer.headers["content-type"] == f"text/csv; charset={charset}"
    text = answer.content.decode(encoding)
    lines = text.split(newline)
    assert lines[0] == ";".join([*OURS, *MOVIES_HEADER])
    assert lines[1].endswith(output.getvalue().split(newline)[-2])
    correction = send_back(mine, upload, text.replace("$1,000", "1000").encode(encoding), encoding=encoding)
    assert correction["records"]["loaded"] == 1
    movies_now = mine.get("/movies", params={"page_size": 100}).json()
    assert {(movie["title"], movie["overview"]) for movie in movies_now["items"]} == {("Ça va", good["overview"])}
    assert movies_now["total"] == 31


@pytest.mark.parametrize("use_celery", [False, True])
def test_rejects_that_come_back_untouched_are_rejected_again(
    mine: httpx.Client, send: Send, *, use_celery: bool
) -> None:
    malformed = [b'"the "best" film"', b'"open', b'"a"b']
    content = movies(*[{"overview": f"XX{number}"} for number in range(3)], {})
    for number, text in enumerate(malformed):
        content = content.replace(f"XX{number}".encode(), text)
    upload = send(content)
    assert upload["records"] == {"read": 4, "loaded": 1, "rejected": 3, "duplicate": 0}
    correction = send_back(mine, upload, download(mine, upload).content, use_celery=str(use_celery).lower())
    assert correction["records"]["loaded"] == 0
    assert mine.get(f"/uploads/{upload['id']}").json()["records"] == upload["records"]


@pytest.mark.parametrize(
    ("params", "text", "expected"),
    [
        ({}, "'well, it''s'", "well, it's"),
        ({"encoding": "latin-1", "quoting": "false"}, '"caf\xe9"', '"café"'),
        ({"delimiter": "#"}, "a, b", "a, b"),
    ],
)
def test_a_correction_is_written_like_the_file_that_it_corrects(
    mine: httpx.Client, send: Send, params: dict[str, str], text: str, expected: str
) -> None:
    rows = movies(*[{"runtime": "81x"}], *[{"overview": "XX"}] * 4, {"overview": "XX", "runtime": "142 min"})
    content = rows.replace(b",", params.get("delimiter", ",").encode()).replace(b"XX", text.encode("latin-1"))
    upload = send(content, **params)
    assert upload["records"]["rejected"] == 2
    correction = send_back(mine, upload, download(mine, upload).content.replace(b"142 min", b"142"))
    assert correction["records"]["loaded"] == 1
    known = {name: upload["dialect"][name] for name in ("delimiter", "quoting", "quote", "escape")}
    assert {name: correction["dialect"][name] for name in known} == known
    movies_of = {movie["runtime"]: movie["overview"] for movie in mine.get("/movies").json()["items"]}
    assert movies_of[142] == expected


def test_rejects_are_no_upload(mine: httpx.Client, send: Send) -> None:
    upload = send(movies({}, {"runtime": "x"}))
    answer = mine.post("/upload", params={"filename": "movies.csv"}, content=download(mine, upload).content)
    assert_problem(answer, 422, "header_mismatch")
