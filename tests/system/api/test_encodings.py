"""The encoding of a file, as a client names it: by the parameter or by the charset of a Content-Type."""

from typing import Any

import httpx
import pytest

from tests.rows import movies
from tests.system.api.dirty_files import REFUSED
from tests.system.api.sending import assert_problem, wait_for_end

KOI8 = movies({"overview": "Alien, чужой"}).decode().encode("koi8-r")
CHARSET = "text/csv; charset=KOI8-R"
SOURCES = {
    "raw": {"params": {"filename": "movies.csv"}, "content": KOI8, "headers": {"Content-Type": CHARSET}},
    "form": {"files": {"file": ("movies.csv", KOI8, CHARSET)}},
    "form with a name": {"params": {"filename": "movies.csv"}, "files": {"file": ("x", KOI8, CHARSET)}},
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_the_charset_of_a_content_type_names_the_encoding(mine: httpx.Client, source: dict[str, Any]) -> None:
    upload = mine.post("/upload", **source).json()
    assert (upload["dialect"]["encoding"], upload["dialect"]["is_encoding_guessed"]) == ("koi8-r", False)
    wait_for_end(mine, upload["id"])
    assert [movie["overview"] for movie in mine.get("/movies").json()["items"]] == ["Alien, чужой"]


def test_a_named_encoding_wins_over_a_charset(mine: httpx.Client) -> None:
    params = {"filename": "movies.csv", "encoding": "cp866"}
    answer = mine.post("/upload", params=params, content=KOI8, headers={"Content-Type": CHARSET})
    assert answer.json()["dialect"]["encoding"] == "cp866"


@pytest.mark.parametrize("charset", ["no-such-charset", "rot13", ""])
def test_an_unknown_charset_is_an_unknown_encoding(mine: httpx.Client, charset: str) -> None:
    kind = f"text/csv; charset={charset}" if charset else 'text/csv; charset=""'
    raw = mine.post("/upload", params={"filename": "movies.csv"}, content=KOI8, headers={"Content-Type": kind})
    assert_problem(raw, 422, "unknown_encoding")
    assert "windows-1251" in raw.json()["known"]
    assert_problem(mine.post("/upload", files={"file": ("movies.csv", KOI8, kind)}), 422, "unknown_encoding")


def test_a_charset_is_a_part_of_the_request_that_a_key_stands_for(mine: httpx.Client) -> None:
    def send(charset: str, key: str) -> httpx.Response:
        headers = {"Idempotency-Key": key, "Content-Type": f"text/csv; charset={charset}"}
        return mine.post("/upload", params={"filename": "movies.csv"}, content=KOI8, headers=headers)

    first = send("koi8-r", "charset-1")
    assert send("KOI8-R", "charset-1").json()["id"] == first.json()["id"]  # another name of the same
    assert_problem(send("cp866", "charset-1"), 422, "idempotency_key_reused")


def test_an_ambiguous_file_loads_when_its_encoding_is_named(mine: httpx.Client) -> None:
    content = REFUSED["texts that several encodings would make text of"].content
    refused = assert_problem(
        mine.post("/upload", params={"filename": "movies.csv"}, content=content), 422, "ambiguous_encoding"
    )
    reads = {candidate["encoding"]: candidate["reads"] for candidate in refused["candidates"]}
    assert reads["windows-1252"] == ["Alien³"]
    params = {"filename": "movies.csv", "encoding": "windows-1252"}
    assert (
        wait_for_end(mine, mine.post("/upload", params=params, content=content).json()["id"])["records"]["loaded"] == 1
    )
