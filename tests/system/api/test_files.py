"""Every kind of dirt in docs/FILES.md, through HTTP and a real loader."""

import re

import httpx
import pytest

from stack.local import LocalStack
from tests.conftest import ROOT
from tests.system.api.dirty_files import (
    AROUND,
    DIRTY_LINE,
    MALFORMATIONS,
    REFUSED,
    WRITTEN,
    Malformed,
    Refused,
    Written,
)
from tests.system.api.sending import Json, assert_problem, stored_files, wait_for_end


def sent(client: httpx.Client, content: bytes, filename: str) -> Json:
    answer = client.post("/upload", params={"filename": filename}, content=content)
    assert answer.status_code == 202, answer.text
    return wait_for_end(client, answer.json()["id"])


@pytest.mark.parametrize("malformed", MALFORMATIONS.values(), ids=MALFORMATIONS)
def test_malformed_records_are_told_with_their_location_and_the_rest_loads(
    mine: httpx.Client, malformed: Malformed
) -> None:
    upload = sent(mine, malformed.content, "movies.csv")
    rejects = mine.get(f"/uploads/{upload['id']}/rejects", params={"page_size": 100}).json()["items"]
    assert tuple((reject["line_number"], reject["column"], reject["code"]) for reject in rejects) == malformed.rejects
    records = len({line for line, _, _ in malformed.rejects})
    assert upload["records"] == {
        "read": AROUND + malformed.loaded + records,
        "loaded": AROUND + malformed.loaded,
        "rejected": records,
        "duplicate": 0,
    }
    assert [warning["code"] for warning in upload["warnings"]] == ([malformed.warning] if malformed.warning else [])
    if malformed.shown is not None:
        assert rejects[0]["value"] == malformed.shown
    lines = {int(movie["id"]) % 2**24 for movie in mine.get("/movies", params={"page_size": 100}).json()["items"]}
    behind = DIRTY_LINE + malformed.records.count(b"\n")
    assert lines == {2, 3, 4, behind, behind + 1, behind + 2} | ({DIRTY_LINE} if malformed.loaded else set())


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
def test_a_file_that_is_none_is_refused_and_leaves_nothing(
    stack: LocalStack, mine: httpx.Client, refused: Refused
) -> None:
    before = stored_files(stack)
    answer = mine.post("/upload", params={"filename": refused.filename}, content=refused.content)
    problem = assert_problem(answer, refused.status, refused.code)
    assert {name: problem[name] for name in refused.fields} == refused.fields
    assert stored_files(stack) <= before
    assert mine.get("/uploads").json()["total"] == 0


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
def test_any_way_of_writing_is_recognised(mine: httpx.Client, written: Written) -> None:
    upload = sent(mine, written.content, written.filename)
    assert upload["records"] == {"read": written.loaded, "loaded": written.loaded, "rejected": 0, "duplicate": 0}
    assert {name: upload["dialect"][name] for name in written.dialect} == written.dialect
    assert tuple(warning["code"] for warning in upload["warnings"]) == written.warnings
    texts = {movie["overview"] for movie in mine.get("/movies").json()["items"]}
    assert texts >= set(written.texts)


def test_what_the_client_says_overrules_what_the_file_tells(mine: httpx.Client) -> None:
    content = WRITTEN["Windows-1252"].content
    params = {"filename": "movies.csv", "encoding": "rot13", "delimiter": ";"}
    assert_problem(mine.post("/upload", params=params, content=content), 422, "unknown_encoding")
    params["encoding"] = "utf-8"
    assert_problem(mine.post("/upload", params=params, content=content), 422, "header_mismatch")
    params["delimiter"] = ","
    answer = mine.post("/upload", params=params, content=content)
    assert wait_for_end(mine, answer.json()["id"])["records"]["rejected"] == 1


def test_the_document_names_every_kind_and_no_other() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ", (ROOT / "docs/FILES.md").read_text(encoding="utf-8"), re.MULTILINE)
    kinds = [name for name in rows if name != "kind"]
    assert sorted(kinds) == sorted([*MALFORMATIONS, *REFUSED, *WRITTEN])


@pytest.mark.parametrize("kind", [*MALFORMATIONS, *REFUSED])
def test_the_document_names_the_codes(kind: str) -> None:
    line = next(
        line for line in (ROOT / "docs/FILES.md").read_text(encoding="utf-8").splitlines() if f"| {kind} |" in line
    )
    codes = [REFUSED[kind].code] if kind in REFUSED else [code for _, _, code in MALFORMATIONS[kind].rejects]
    assert set(re.findall(r"\[`(\w+)`\]", line)) == set(codes)
