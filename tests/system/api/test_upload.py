import gzip
import hashlib
import json
import socket
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from stack.local import LocalStack
from tests.archives import Member, archive
from tests.conftest import absent
from tests.system.api.sending import NAMED, assert_problem, movies_csv, stored_files, wait_for_end

FILE = movies_csv([{"title": "Metropolis", "release_date": "1927-01-10", "vote_average": 8.1}])


def form(*parts: bytes, boundary: str = "edge") -> tuple[bytes, dict[str, str]]:
    body = b"".join(b"--edge\r\n" + part + b"\r\n" for part in parts) + b"--edge--\r\n"
    return body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def part(name: str, content: bytes, filename: str | None = None) -> bytes:
    named = "" if filename is None else f'; filename="{filename}"'
    return f'Content-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + content


@pytest.mark.parametrize("use_celery", [False, True])
def test_a_form_is_stored_loaded_and_reconciled(mine: httpx.Client, *, use_celery: bool) -> None:
    answer = mine.post("/upload", params={"use_celery": use_celery}, files={"file": ("movies.csv", FILE)})
    assert answer.status_code == 202, answer.text
    upload = answer.json()
    assert answer.headers["location"] == f"/api/v1/uploads/{upload['id']}"
    assert upload["sha256"] == hashlib.sha256(FILE).hexdigest()
    assert (upload["size_bytes"], upload["filename"], upload["dataset"]) == (len(FILE), "movies.csv", "movies")
    assert upload["transport"] == ("celery" if use_celery else "background")
    assert upload["created_at"].endswith("Z")

    done = wait_for_end(mine, upload["id"])
    assert done["state"] == "completed"
    assert done["records"] == {"read": 1, "loaded": 1, "rejected": 0, "duplicate": 0}
    assert done["progress"]["percent"] == 100
    assert set(done["links"]) == {"self", "changes", "rejects", "movies", "undo"}
    assert [movie["title"] for movie in mine.get("/movies").json()["items"]] == ["Metropolis"]


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize(
    ("params", "headers", "name"),
    [
        (NAMED, {}, "movies.csv"),
        ({}, {"Content-Disposition": 'attachment; filename="a b.csv"'}, "a b.csv"),
        ({}, {"Content-Disposition": "attachment; filename*=UTF-8''Am%C3%A9lie.csv"}, "Amélie.csv"),
        ({"filename": "../../won.csv"}, {"Content-Disposition": "attachment; filename=lost.csv"}, "won.csv"),
        (NAMED, {"Content-Type": "text/csv; charset=utf-8"}, "movies.csv"),
    ],
)
def test_a_raw_body_is_a_file(
    mine: httpx.Client, method: str, params: dict[str, str], headers: dict[str, str], name: str
) -> None:
    answer = mine.request(method, "/upload", params=params, headers=headers, content=FILE)
    assert answer.status_code == 202, answer.text
    assert answer.json()["filename"] == name


def test_a_body_without_announced_length_is_streamed(mine: httpx.Client) -> None:
    answer = mine.put("/upload", params=NAMED, content=iter([FILE[:10], FILE[10:50], FILE[50:]]))
    assert answer.status_code == 202, answer.text
    assert answer.json()["sha256"] == hashlib.sha256(FILE).hexdigest()


def test_a_form_of_many_blocks_arrives_byte_by_byte_the_same(mine: httpx.Client) -> None:
    # CRLF and dashes everywhere: what a boundary begins with
    content = movies_csv({"title": f"film {n}", "overview": "\r\n--edge\r\n-- " * 40} for n in range(12_000))
    assert len(content) > 5 * 1024 * 1024
    answer = mine.post("/upload", files={"file": ("movies.csv", content)})
    assert answer.status_code == 202, answer.text
    assert answer.json()["sha256"] == hashlib.sha256(content).hexdigest()
    done = wait_for_end(mine, answer.json()["id"])
    assert (done["state"], done["records"]["loaded"]) == ("completed", 12_000)


def test_gzip_is_unpacked(mine: httpx.Client) -> None:
    packed = gzip.compress(FILE)
    answer = mine.put("/upload", params={"filename": "movies.csv.gz"}, content=packed)
    assert answer.json()["size_bytes"] == len(packed)
    assert answer.json()["progress"]["bytes_total"] == len(FILE)
    assert wait_for_end(mine, answer.json()["id"])["records"]["loaded"] == 1


ARCHIVE = archive(
    Member("a/movies.csv", FILE), Member("b/movies.csv", movies_csv([{"title": "M"}])), Member("readme.txt", b"Films.")
)


@pytest.mark.parametrize(("member", "title"), [("a/movies.csv", "Metropolis"), ("b/movies.csv", "M")])
def test_the_client_chooses_the_member_of_an_archive(mine: httpx.Client, member: str, title: str) -> None:
    answer = mine.put("/upload", params={"filename": "films.zip", "member": member}, content=ARCHIVE)
    assert answer.json()["size_bytes"] == len(ARCHIVE)
    assert wait_for_end(mine, answer.json()["id"])["records"]["loaded"] == 1
    assert [movie["title"] for movie in mine.get("/movies").json()["items"]] == [title]


@pytest.mark.parametrize(
    ("params", "code", "fields"),
    [
        ({}, "archive_has_several_tables", {"members": ["a/movies.csv", "b/movies.csv"]}),
        (
            {"member": "movies.csv"},
            "archive_member_not_found",
            {"member": "movies.csv", "members": ["a/movies.csv", "b/movies.csv", "readme.txt"]},
        ),
        ({"member": "readme.txt"}, "header_mismatch", {"found": ["Films."]}),
    ],
)
def test_a_choice_that_is_none_is_told_with_the_members(
    stack: LocalStack, mine: httpx.Client, params: dict[str, str], code: str, fields: dict[str, object]
) -> None:
    before = stored_files(stack)
    problem = assert_problem(mine.put("/upload", params={"filename": "x.zip", **params}, content=ARCHIVE), 422, code)
    assert {name: problem[name] for name in fields} == fields
    assert stored_files(stack) <= before


def test_a_real_archive_loads_whole(mine: httpx.Client, shared_data: Path) -> None:
    packed = shared_data / "tmdb" / "tmdb_5000_movies.csv.zip"
    if not packed.is_file():
        absent(packed.name)
    answer = mine.put("/upload", params={"filename": packed.name}, content=packed.read_bytes())
    upload = wait_for_end(mine, answer.json()["id"])
    assert (upload["dataset"], upload["records"]["loaded"]) == ("tmdb_5000", 4_803)


def test_a_file_that_is_no_archive_has_no_members(mine: httpx.Client) -> None:
    assert_problem(mine.put("/upload", params=NAMED | {"member": "x"}, content=FILE), 422, "archive_member_not_found")


def test_other_parts_of_a_form_are_skipped_wherever_they_stand(mine: httpx.Client) -> None:
    body, headers = form(part("use_celery", b"true"), part("file", FILE, "m.csv"), part("note", b"x"))
    answer = mine.post("/upload", content=body, headers=headers)
    assert answer.status_code == 202, answer.text
    assert answer.json()["transport"] == "background"
    assert answer.json()["sha256"] == hashlib.sha256(FILE).hexdigest()


@pytest.mark.parametrize(
    ("parts", "status", "code"),
    [
        ([], 422, "file_part_required"),
        ([part("other", b"x", "x.csv")], 422, "file_part_required"),
        ([part("file", FILE, "a.csv"), part("file", FILE, "b.csv")], 422, "file_part_required"),
        ([part("file", FILE)], 422, "filename_required"),
        ([part("file", b"", "a.csv")], 422, "empty_file"),
        ([part("file", FILE, "a.exe")], 415, "unsupported_file"),
        ([part("file", b"a,b\r\n1,2\r\n", "a.csv")], 422, "header_mismatch"),
        ([part("note", b"x" * 400_000), part("file", FILE, "a.csv")], 413, "upload_too_large"),
    ],
)
def test_a_form_that_cannot_be_taken(
    stack: LocalStack, mine: httpx.Client, parts: list[bytes], status: int, code: str
) -> None:
    before = stored_files(stack)
    body, headers = form(*parts)
    assert_problem(mine.post("/upload", content=body, headers=headers), status, code)
    assert stored_files(stack) <= before


@pytest.mark.parametrize("cut", [20, 120, 400])
def test_a_form_without_its_end(mine: httpx.Client, cut: int) -> None:
    body, headers = form(part("file", FILE, "a.csv"))
    answer = mine.post("/upload", content=body[: min(cut, len(body) - 10)], headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.json()["code"] in ("malformed_multipart", "file_part_required")


@pytest.mark.parametrize(
    ("params", "headers", "content", "status", "code"),
    [
        ({}, {}, FILE, 422, "filename_required"),
        ({"filename": "///"}, {}, FILE, 422, "filename_required"),
        ({"filename": "movies.xlsx"}, {}, FILE, 415, "unsupported_file"),
        (NAMED, {}, b"", 422, "empty_file"),
        (NAMED, {}, b"title\r\n", 422, "empty_file"),
        (NAMED, {"Content-Type": "application/json"}, b"{}", 422, "invalid_request"),
        (NAMED, {"Content-Type": "application/xml"}, b"<a/>", 415, "unsupported_media_type"),
        (NAMED, {"Content-Type": "multipart/form-data"}, FILE, 400, "malformed_multipart"),
        (NAMED, {"Content-Type": 'multipart/form-data; boundary=""'}, FILE, 400, "malformed_multipart"),
        (NAMED, {"Content-Encoding": "gzip"}, FILE, 415, "unsupported_media_type"),
        ({"filename": "movies.csv.gz"}, {}, FILE, 415, "unsupported_file"),
        ({"filename": "movies.csv.gz"}, {}, gzip.compress(FILE)[:-9], 422, "corrupt_compression"),
        (NAMED | {"dataset": "songs"}, {}, FILE, 422, "unknown_dataset"),
        (NAMED | {"dataset": "title.basics"}, {}, FILE, 422, "header_mismatch"),
        (NAMED | {"use_celery": "perhaps"}, {}, FILE, 422, "invalid_request"),
        (NAMED | {"tenant": "Not A Tenant"}, {}, FILE, 422, "invalid_request"),
        (NAMED | {"tenant": "somebody-else"}, {}, FILE, 422, "tenant_conflict"),
    ],
)
def test_a_raw_body_that_cannot_be_taken(
    *,
    stack: LocalStack,
    mine: httpx.Client,
    params: dict[str, str],
    headers: dict[str, str],
    content: bytes,
    status: int,
    code: str,
) -> None:
    before = stored_files(stack)
    assert_problem(mine.post("/upload", params=params, headers=headers, content=content), status, code)
    assert stored_files(stack) <= before
    assert mine.get("/uploads").json()["total"] == 0


def test_a_large_file_with_a_wrong_name_is_refused_before_it_is_sent(mine: httpx.Client) -> None:
    sent = 0

    def endless() -> Any:
        nonlocal sent
        for _ in range(4096):
            sent += 1024 * 1024
            yield b"x" * 1024 * 1024

    assert_problem(mine.put("/upload", params={"filename": "movies.exe"}, content=endless()), 415, "unsupported_file")
    assert sent < 512 * 1024 * 1024


def connect(stack: LocalStack) -> socket.socket:
    address = urlsplit(stack.api_url)
    return socket.create_connection((str(address.hostname), int(address.port or 80)), timeout=20)


def put_head(stack: LocalStack, length: int, *more: str) -> bytes:
    lines = ["PUT /api/v1/upload?filename=movies.csv HTTP/1.1", f"Host: {urlsplit(stack.api_url).netloc}"]
    return "\r\n".join([*lines, f"Content-Length: {length}", *more, "", ""]).encode()


@pytest.mark.parametrize("more", [(), ("Expect: 100-continue",)])
def test_too_large_an_announcement_is_refused_before_one_byte_of_the_file(
    small_limit: LocalStack, more: tuple[str, ...]
) -> None:
    with connect(small_limit) as raw:
        raw.sendall(put_head(small_limit, 1024 * 1024 + 1, *more))
        answer = b""
        while block := raw.recv(65536):  # the server closes: what is left of the body is no next request
            answer += block
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in head.lower()
    assert json.loads(body)["code"] == "upload_too_large"


@pytest.mark.parametrize("as_form", [False, True])
def test_the_size_is_counted_when_nothing_announced_it(small_limit: LocalStack, *, as_form: bool) -> None:
    content = FILE + b"x" * 3 * 1024 * 1024
    body, headers = form(part("file", content, "movies.csv")) if as_form else (content, {})
    blocks = (body[start : start + 65536] for start in range(0, len(body), 65536))
    url = f"{small_limit.api_url}/api/v1/upload"
    answer = httpx.put(url, params=NAMED, headers=headers, content=blocks, trust_env=False)
    assert_problem(answer, 413, "upload_too_large")
    assert not stored_files(small_limit)


def test_a_client_that_goes_away_leaves_nothing(small_limit: LocalStack) -> None:
    with connect(small_limit) as raw:
        raw.sendall(put_head(small_limit, 900_000) + FILE + b"x" * 400_000)
        deadline = time.monotonic() + 10
        while not stored_files(small_limit) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert stored_files(small_limit)
    while stored_files(small_limit) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not stored_files(small_limit)
    assert httpx.get(f"{small_limit.api_url}/api/v1/uploads", trust_env=False).json()["total"] == 0


def test_the_tenant_in_the_query_stays_in_the_addresses(api: httpx.Client) -> None:
    tenant = f"q-{uuid.uuid4().hex[:8]}"
    answer = api.put("/upload", params=NAMED | {"tenant": tenant}, content=FILE)
    location = answer.headers["location"]
    assert location.endswith(f"?tenant={tenant}")
    assert api.get(location.removeprefix("/api/v1")).json()["tenant"] == tenant
    assert api.get(location.removeprefix("/api/v1").partition("?")[0]).status_code == 404
