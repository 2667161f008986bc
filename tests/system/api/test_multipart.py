"""Forms that broke other parsers: refused or read as they were meant, in bounded time and memory, leaving nothing."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import psutil
import pytest

from stack.local import LocalStack
from tests.system.api.sending import NAMED, movies_csv, stored_files

MIB = 1024 * 1024
FILE = movies_csv([{"title": "Metropolis"}])
FORM = "multipart/form-data; boundary="
DISPOSITION = b'Content-Disposition: form-data; name="file"; filename="movies.csv"\r\n'
LONGEST_SECONDS = 2.0
MOST_GROWTH = 64 * MIB


@dataclass(frozen=True)
class Form:
    """A body with its boundary; `statuses`: what may be answered. `type`: another Content-Type than the usual one."""

    body: bytes
    statuses: tuple[int, ...]
    boundary: str = "edge"
    type: str | None = None
    chunk_bytes: int = 64 * 1024

    def chunks(self) -> Iterator[bytes]:
        for start in range(0, len(self.body), self.chunk_bytes):
            yield self.body[start : start + self.chunk_bytes]


def whole(
    head: bytes = DISPOSITION, content: bytes = FILE, before: bytes = b"", end: bytes = b"\r\n--edge--\r\n"
) -> bytes:
    return before + b"--edge\r\n" + head + b"\r\n" + content + end


FORMS = {
    # bytes before the first boundary are read over, and so must be few
    "an endless preamble": Form(b"x" * 40 * MIB, (413,)),
    "a preamble of line ends": Form(b"\r\n" * 5 * MIB + whole(), (400, 413)),
    "a preamble of half boundaries": Form(b"\r\n--edg" * 200_000 + whole(), (400, 413)),
    "an endless epilogue": Form(whole() + b"x" * 4 * MIB, (413,)),
    "a part header of 1 MB": Form(whole(DISPOSITION + b"X: " + b"a" * MIB + b"\r\n"), (400, 413)),
    "a part header without its end": Form(b"--edge\r\nX: " + b"a" * MIB, (400, 413)),
    "10,000 headers of a part": Form(whole(DISPOSITION + b"X: 1\r\n" * 10_000), (400,)),
    "10,000 parts": Form(b'--edge\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n' * 10_000 + whole(), (400,)),
    "a boundary of 1,000 characters": Form(whole().replace(b"edge", b"e" * 1000), (202, 400), boundary="e" * 1000),
    "a boundary of 60,000 characters": Form(whole().replace(b"edge", b"e" * 60_000), (202, 400, 431), "e" * 60_000),
    "options that go back and forth": Form(whole(), (400,), type='multipart/form-data; x="' + "\\a" * 7_000),
    "options without an end": Form(whole(), (202, 400), type=FORM + "edge" + "; a=b" * 3_000),
    "no last boundary": Form(whole(end=b""), (400,)),
    "a last boundary without its dashes": Form(whole(end=b"\r\n--edge"), (400,)),
    "a form in the form": Form(
        whole(b'Content-Disposition: form-data; name="file"\r\nContent-Type: multipart/mixed; boundary=in\r\n'), (422,)
    ),
    "a name in an unknown encoding": Form(
        whole(b"Content-Disposition: form-data; name=\"file\"; filename*=x-none''movies.csv\r\n"), (400, 422)
    ),
    "a name with wrong escapes": Form(
        whole(b"Content-Disposition: form-data; name=\"file\"; filename*=utf-8''%ff%zz.csv\r\n"), (202, 400, 415, 422)
    ),
    "a negative length of a part": Form(whole(DISPOSITION + b"Content-Length: -1\r\n"), (202, 400)),
    "a length of a part that lies": Form(whole(DISPOSITION + b"Content-Length: 3\r\n"), (202, 400)),
    "a header in the name": Form(whole(DISPOSITION.replace(b"movies", b'm\r\nX-Evil: 1\r\nX: "')), (400, 422)),
    "line feeds only": Form(whole().replace(b"\r\n", b"\n"), (400,)),
    "carriage returns only": Form(whole().replace(b"\r\n", b"\r"), (400, 422)),
    "chunks of one byte": Form(whole(), (202,), chunk_bytes=1),
    "base64": Form(whole(DISPOSITION + b"Content-Transfer-Encoding: base64\r\n"), (202, 400)),
    "quoted-printable": Form(whole(DISPOSITION + b"Content-Transfer-Encoding: quoted-printable\r\n"), (202, 400)),
    "NUL in a header": Form(whole(DISPOSITION.replace(b"movies", b"m\0vies")), (202, 400)),
    "a header without a colon": Form(whole(DISPOSITION + b"nonsense\r\n"), (400,)),
    "bytes that are no text in a header": Form(whole(DISPOSITION.replace(b"movies", b"\xff\xfe")), (202, 400)),
    "half a boundary again and again": Form(whole(content=FILE + b"\r\n--edg" * 100_000), (202,)),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_form_that_broke_others(stack: LocalStack, mine: httpx.Client, form: Form) -> None:
    before, process = stored_files(stack), psutil.Process(stack.api.pid)
    memory = process.memory_info().rss
    started = time.monotonic()
    headers = {"Content-Type": form.type or f"{FORM}{form.boundary}"}
    answer = mine.post("/upload", params={"force": "true"}, headers=headers, content=form.chunks())
    assert time.monotonic() - started < LONGEST_SECONDS
    assert answer.status_code in form.statuses, answer.text
    assert process.memory_info().rss - memory < MOST_GROWTH
    if answer.status_code == 202:
        # Nothing is decoded, cut or joined: the file is what stands between the boundaries.
        expected = form.body.partition(b"\r\n\r\n")[2].rpartition(b"\r\n--")[0]
        assert answer.json()["size_bytes"] == len(expected)
    else:
        assert not {path for path in stored_files(stack) - before if path.name.endswith(".part")}
        assert mine.get("/uploads").json()["total"] == 0


def test_the_file_is_what_stands_between_the_boundaries_however_it_is_cut(mine: httpx.Client) -> None:
    for size in (1, 2, 3, 7, 64, 1024):
        form = Form(whole(), (202,), chunk_bytes=size)
        headers = {"Content-Type": f"{FORM}edge"}
        answer = mine.post("/upload", params={"force": "true"}, headers=headers, content=form.chunks())
        assert answer.json()["size_bytes"] == len(FILE), size


def test_a_name_in_the_query_counts_more_than_any_in_the_form(mine: httpx.Client) -> None:
    body = whole(DISPOSITION.replace(b"movies.csv", b"../../evil.html"))
    answer = mine.post("/upload", params=NAMED, headers={"Content-Type": f"{FORM}edge"}, content=body)
    assert (answer.status_code, answer.json()["filename"]) == (202, "movies.csv")
