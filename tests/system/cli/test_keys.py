"""`keys` as people use it, and the client with a key."""

import json
from pathlib import Path

import pytest

from stack.local import LocalStack
from tests.system.cli.programs import SAMPLES, Result, run


@pytest.fixture
def where(keyed: LocalStack) -> tuple[str, Path]:
    return "--data-dir", keyed.data_dir


def created(where: tuple[str, Path], tenant: str, *options: str) -> str:
    made = run(["keys", "create", "--name", "Ada", "--tenant", tenant, "--scope", "read", *options, *where])
    assert made.code == 0, made.err
    key, *rest = made.out.splitlines()
    assert not rest
    return key


def test_a_key_is_shown_once_and_opens_the_api(keyed: LocalStack, where: tuple[str, Path], tenant: str) -> None:
    options = ["--scope", "upload", "--tenant", "more", "--expires-days", "1"]
    made = run(["keys", "create", "--name", "Ada", "--tenant", tenant, "--scope", "read", *options, *where])
    key = made.out.strip()
    key_id, secret = key.split("_")[1:3]
    assert "once" in made.err
    assert secret not in made.err
    shown = run(["keys", "list", *where])
    assert [line for line in shown.out.splitlines() if key_id in line and tenant in line and "active" in line]
    listed = run(["keys", "list", "--json", *where])
    assert secret not in shown.out + listed.out
    (found,) = [item for item in listed.document["items"] if item["id"] == key_id]
    assert (found["name"], found["tenants"], found["scopes"]) == ("Ada", [tenant, "more"], ["read", "upload"])
    assert found["expires_at"]

    upload = ["upload", str(SAMPLES / "film.csv"), "--wait", "--json"]
    sent = run(upload, INGEST_API_URL=keyed.api_url, INGEST_API_KEY=key)
    assert sent.code == 0, sent.err
    assert sent.document["tenant"] == tenant


def test_an_operators_key_has_a_name_and_nothing_else(keyed: LocalStack, where: tuple[str, Path], tenant: str) -> None:
    made = run(["keys", "create", "--operator", "Grace", "--json", *where]).document
    assert (made["name"], made["tenants"], made["scopes"]) == ("Grace", [], ["operator"])
    assert "operator" in run(["keys", "list", *where]).out
    asked = run(["uploads", "--json"], INGEST_API_URL=keyed.api_url, INGEST_API_KEY=made["key"])
    assert problem(asked) == "scope_missing"
    for wrong in (["--operator", "Grace", "--tenant", tenant], ["--name", "Ada", "--scope", "read"]):
        refused = run(["keys", "create", *wrong, *where])
        assert (refused.code, refused.out) == (2, "")
        assert "--tenant" in refused.err


def problem(result: Result) -> str:
    assert result.code == 1
    assert "Traceback" not in result.err
    return str(result.document["code"])


def test_the_client_says_what_is_wrong_with_its_key(keyed: LocalStack, where: tuple[str, Path], tenant: str) -> None:
    key = created(where, tenant)
    ask = ["uploads", "--json"]
    assert problem(run(ask, INGEST_API_URL=keyed.api_url)) == "key_required"
    assert problem(run([*ask, "--tenant", "other"], INGEST_API_URL=keyed.api_url, INGEST_API_KEY=key)) == (
        "tenant_forbidden"
    )
    # nothing is asked: nobody is there
    malformed = run(ask, INGEST_API_URL="http://127.0.0.1:1", INGEST_API_KEY=key[:-1])
    assert problem(malformed) == "key_invalid"
    assert key[:-1] not in malformed.out + malformed.err


def test_rotate_and_revoke(keyed: LocalStack, where: tuple[str, Path], tenant: str) -> None:
    old = created(where, tenant)
    old_id = old.split("_")[1]
    rotated = run(["keys", "rotate", old_id, "--overlap-hours", "0", "--json", *where]).document
    assert (rotated["replaces"], rotated["tenants"]) == (old_id, [tenant])
    ask = ["uploads", "--json"]
    assert problem(run(ask, INGEST_API_URL=keyed.api_url, INGEST_API_KEY=old)) == "key_expired"
    assert run(ask, INGEST_API_URL=keyed.api_url, INGEST_API_KEY=rotated["key"]).code == 0
    revoked = run(["keys", "revoke", rotated["id"], *where])
    assert revoked.code == 0
    assert rotated["id"] in revoked.out
    assert problem(run(ask, INGEST_API_URL=keyed.api_url, INGEST_API_KEY=rotated["key"])) == "key_invalid"


def test_what_cannot_be_is_said_in_a_line(where: tuple[str, Path], tenant: str) -> None:
    key_id = created(where, tenant).split("_")[1]
    make = ["keys", "create", "--tenant", tenant, "--scope", "read"]
    ada = [*make, "--name", "Ada", "--expires-days"]
    for arguments, expected in (
        *[([*ada, days], "3,650 days") for days in ("0", "inf")],
        *[(["keys", "rotate", key_id, "--overlap-hours", hours], "87,600") for hours in ("1e9", "-inf")],
        ([*ada, "nan"], "nan is not a span"),
        ([*make, "--name", "x" * 5000], "at most 200"),
        (["keys", "revoke", "\udcff"], "letters and digits"),
    ):
        result = run([*arguments, *where])
        assert (result.code, result.out, result.err.count("\n")) == (2, "", 1), (arguments, result.err)
        assert expected in result.err
    listed = run(["keys", "list", "--json", *where]).document["items"]
    assert [item["expires_at"] for item in listed if item["tenants"] == [tenant]] == [None]


def test_keys_of_another_database(keyed: LocalStack, tenant: str) -> None:
    command = ["keys", "create", "--name", "Ada", "--tenant", tenant, "--scope", "admin", "--json"]
    made = run(command, DATABASE_URL=keyed.database_url)
    assert made.document["scopes"] == ["admin"]
    assert json.loads(made.out)["key"].startswith("imdb_")


def test_what_is_wrong_is_said_in_a_line(keyed: LocalStack, where: tuple[str, Path], tmp_path: Path) -> None:
    nobody = ["keys", "revoke", "nobody"]
    empty = keyed.postgres.url_of("postgres")
    for result, expected in (
        (run([*nobody, *where]), "There is no key nobody"),
        (run([*nobody, "--data-dir", tmp_path]), "no PostgreSQL is running"),
        (run(nobody), "database_url"),
        (run(nobody, DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing"), "does not answer"),
        (run(nobody, DATABASE_URL=empty), "imdb-ingest migrate"),
    ):
        assert result.code == 1
        assert expected.lower() in result.err.lower()
        assert "Traceback" not in result.err
