"""Every kind of dirt in docs/FILES.md, through HTTP and a real loader."""

import re

import httpx
import pytest

from stack.local import LocalStack
from tests.api.dirty_files import AROUND, DAMAGES, DIRTY_LINE, REFUSED, WRITTEN, Damage, Refused, Written
from tests.api.sending import Json, assert_problem, stored_files, wait_for_end
from tests.conftest import ROOT


def sent(client: httpx.Client, content: bytes, filename: str) -> Json:
    answer = client.post("/upload", params={"filename": filename}, content=content)
    assert answer.status_code == 202, answer.text
    return wait_for_end(client, answer.json()["id"])


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damage_is_told_with_its_place_and_the_rest_loads(mine: httpx.Client, damage: Damage) -> None:
    upload = sent(mine, damage.content, "movies.csv")
    rejects = mine.get(f"/uploads/{upload['id']}/rejects", params={"page_size": 100}).json()["items"]
    assert tuple((reject["line_number"], reject["column"], reject["code"]) for reject in rejects) == damage.rejects
    records = len({line for line, _, _ in damage.rejects})
    assert upload["records"] == {
        "read": AROUND + damage.loaded + records,
        "loaded": AROUND + damage.loaded,
        "rejected": records,
        "duplicate": 0,
    }
    if damage.shown is not None:
        assert rejects[0]["value"] == damage.shown
    lines = {int(movie["id"]) % 2**32 for movie in mine.get("/movies", params={"page_size": 100}).json()["items"]}
    behind = DIRTY_LINE + damage.records.count(b"\n")
    assert lines == {2, 3, 4, behind, behind + 1, behind + 2} | ({DIRTY_LINE} if damage.loaded else set())


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
    texts = {movie["overview"] for movie in mine.get("/movies").json()["items"]}
    assert texts >= set(written.texts)


def test_what_the_client_says_overrules_what_the_file_tells(mine: httpx.Client) -> None:
    content = WRITTEN["Windows-1252"].content
    params = {"filename": "movies.csv", "encoding": "cp1250", "delimiter": ";"}
    assert_problem(mine.post("/upload", params=params, content=content), 422, "unknown_encoding")
    params["encoding"] = "utf-8"
    assert_problem(mine.post("/upload", params=params, content=content), 422, "header_mismatch")
    params["delimiter"] = ","
    answer = mine.post("/upload", params=params, content=content)
    assert wait_for_end(mine, answer.json()["id"])["records"]["rejected"] == 1


def test_the_document_names_every_kind_and_no_other() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ", (ROOT / "docs/FILES.md").read_text(encoding="utf-8"), re.MULTILINE)
    kinds = [name for name in rows if name != "kind"]
    assert sorted(kinds) == sorted([*DAMAGES, *REFUSED, *WRITTEN])


@pytest.mark.parametrize("kind", [*DAMAGES, *REFUSED])
def test_the_document_names_the_codes(kind: str) -> None:
    line = next(
        line for line in (ROOT / "docs/FILES.md").read_text(encoding="utf-8").splitlines() if f"| {kind} |" in line
    )
    codes = [REFUSED[kind].code] if kind in REFUSED else [code for _, _, code in DAMAGES[kind].rejects]
    assert set(re.findall(r"\[`(\w+)`\]", line)) == set(codes)
