"""`tenants` as an operator uses it."""

import json
from pathlib import Path

import httpx
import pytest

from stack.local import LocalStack
from tests.system.api.sending import wait_for_end
from tests.system.cli.programs import SAMPLES, Result, run


@pytest.fixture
def where(stack: LocalStack) -> tuple[str, Path]:
    return "--data-dir", stack.data_dir


def shown(where: tuple[str, Path], tenant: str) -> list[dict[str, object]]:
    """What the list says of the tenant: one line or none."""
    listed = run(["tenants", "--json", *where])
    assert listed.code == 0, listed.err
    return [item for item in listed.document["items"] if item["name"] == tenant]


def test_a_default_file_is_set_reloaded_shown_and_removed(
    stack: LocalStack, where: tuple[str, Path], tenant: str, tmp_path: Path
) -> None:
    file = tmp_path / "box office.csv"
    file.write_text("Alpha;de\nBeta;NULL\n")
    options = [
        "--dataset",
        "movies",
        "--header",
        "name,lang",
        "--map",
        "name=title",
        "--map",
        "lang=original_language",
        "--null",
        "NULL",
    ]
    made = run(["tenants", "default-file", tenant, file, *options, "--delimiter", ";", *where])
    assert (made.code, made.out) == (0, f"box office.csv (19 bytes) is the default file of {tenant}.\n"), made.err
    file.unlink()  # a copy is kept
    headers = {"X-Tenant": tenant}
    with httpx.Client(base_url=f"{stack.api_url}/api/v1", headers=headers, timeout=30, trust_env=False) as client:
        answer = client.post("/reload")
        assert answer.status_code == 202, answer.text
        assert wait_for_end(client, answer.json()["id"])["records"]["loaded"] == 2
    [found] = shown(where, tenant)
    default = found.pop("default_file")
    assert isinstance(default, dict)
    assert default.pop("set_at")
    assert found == {"name": tenant, "uploads": 1, "rows": 2}
    assert default == {
        "filename": "box office.csv",
        "size_bytes": 19,
        "dataset": "movies",
        "options": {
            "dataset": "movies",
            "delimiter": ";",
            "header": ["name", "lang"],
            "mapping": {"name": "title", "lang": "original_language"},
            "schema": {"missingValues": ["", "NULL"]},
        },
    }
    [line] = [line for line in run(["tenants", *where]).out.splitlines() if tenant in line]
    assert "box office.csv" in line
    removed = run(["tenants", "remove-default-file", tenant, *where])
    assert removed.code == 0, removed.err
    [found] = shown(where, tenant)
    assert (found["default_file"], found["rows"]) == (None, 2)


def test_another_name_may_be_given_and_a_later_file_counts(where: tuple[str, Path], tenant: str) -> None:
    for name in ("first.csv", "second.csv"):
        command = ["tenants", "default-file", tenant, SAMPLES / "film.csv", "--filename", name, *where]
        assert run(command).code == 0
    [found] = shown(where, tenant)
    assert found["uploads"] == 0
    assert json.dumps(found).count("second.csv") == 1
    assert "first.csv" not in json.dumps(found)


def said(result: Result) -> tuple[int, str]:
    assert "Traceback" not in result.err
    return result.code, result.err


def test_what_cannot_be_is_said_in_a_line(where: tuple[str, Path], tenant: str, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    file = SAMPLES / "film.csv"
    for code, arguments, expected in (
        (2, [tenant, tmp_path / "other.csv"], "other.csv cannot be loaded: the header has no column"),
        (2, [tenant, SAMPLES / "README.md"], "README.md cannot be loaded: the file's name must end with"),
        (2, [tenant, file, "--dataset", "songs"], "has no dataset songs"),
        (2, ["Films", file], "small letters"),
        (2, [tenant, file, "--encoding", "klingon"], "there is no encoding klingon"),
        (2, [tenant, file, "--delimiter", "--"], "one character"),
        (2, [tenant, tmp_path / "nothing.csv"], "does not exist"),
    ):
        failed, text = said(run(["tenants", "default-file", *map(str, arguments), *where]))
        assert failed == code, text
        assert expected in " ".join(text.replace("│", " ").split()), arguments
    assert said(run(["tenants", "remove-default-file", tenant, *where])) == (
        1,
        f"tenants: the tenant {tenant} has no default file\n",
    )
    assert shown(where, tenant) == []
    nobody = run(["tenants"], DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert nobody.code == 1
    assert nobody.err.startswith("tenants: the database does not answer")
