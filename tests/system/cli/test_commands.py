"""The commands against the running platform."""

import csv
import io
import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from stack.local import LocalStack
from tests.archives import Member, archive
from tests.rows import movies
from tests.system.cli.programs import ROOT, SAMPLES, Result, command, run, surroundings

Client = Callable[..., Result]


@pytest.fixture
def client(stack: LocalStack, tenant: str) -> Client:
    """Runs a command for this test's tenant."""

    def call(*arguments: str | Path) -> Result:
        return run([*arguments, "--tenant", tenant], INGEST_API_URL=stack.api_url)

    return call


@pytest.mark.parametrize("options", [[], ["--use-celery"]])
def test_upload_and_wait_ends_with_the_record_counts(client: Client, options: list[str]) -> None:
    result = client("upload", SAMPLES / "movies.csv", "--wait", *options)
    assert result.code == 3, result.err
    for name, value in [("records read", "262"), ("loaded", "247"), ("rejected", "15"), ("duplicate", "0")]:
        assert [line for line in result.out.splitlines() if name in line and f" {value} " in line], result.out
    assert "seconds" in result.out
    assert "rows/s" in result.out
    assert "completed" in result.out


def test_progress_goes_to_stderr_as_plain_lines_where_there_is_no_terminal(client: Client) -> None:
    result = client("upload", SAMPLES / "movies.csv", "--wait")
    assert "sending" in result.err
    assert "[##############################] 100 %  262 records" in result.err
    assert "\x1b" not in result.err + result.out


def test_a_terminal_gets_bars(stack: LocalStack, tenant: str) -> None:
    ours, theirs = pty.openpty()
    arguments = command("upload", SAMPLES / "movies.csv", "--wait", "--tenant", tenant)
    there = surroundings(INGEST_API_URL=stack.api_url, TERM="xterm-256color", COLUMNS="100")
    process = subprocess.Popen(arguments, cwd=ROOT, env=there, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = read_to_end(ours)
    assert process.wait(timeout=60) == 3
    assert "━" in shown
    assert "loading" in shown
    assert "100 %" in shown
    assert "completed" in shown


def test_json_is_one_document_and_nothing_else(client: Client) -> None:
    waited = client("upload", SAMPLES / "movies.csv", "--wait", "--json")
    assert waited.code == 3
    assert waited.err == ""
    assert waited.document["state"] == "completed"
    sent = client("upload", SAMPLES / "movies.csv", "--json")
    assert sent.code == 0
    assert sent.document["state"] in {"queued", "loading", "completed"}


def test_rejects_as_table_json_and_csv(client: Client) -> None:
    upload = client("upload", SAMPLES / "movies.csv", "--wait", "--json").document
    table = client("rejects", upload["id"]).out
    assert "2023-02-30" in table
    assert "16 of 16" in table
    assert client("rejects", upload["id"], "--column", "release_date", "--json").document["total"] == 3
    assert "February 2023 has 28 days" in " ".join(table.split())
    rows = list(csv.DictReader(io.StringIO(client("rejects", upload["id"], "--csv", "-").out, newline="")))
    assert len(rows) == 15
    assert rows[0]["_line"] == "20"
    only = client("rejects", upload["id"], "--csv", "-", "--code", "negative").out.splitlines()
    assert len(only) == 2


def test_rejects_are_corrected_in_a_file_and_sent_back(client: Client, tmp_path: Path) -> None:
    source, rejects = tmp_path / "movies.csv", tmp_path / "rejects.csv"
    source.write_bytes(movies({}, {"budget": "$1,000"}, {"runtime": "x"}))
    upload = client("upload", source, "--wait", "--json").document
    assert client("rejects", upload["id"], "--csv", rejects).code == 0
    rejects.write_bytes(rejects.read_bytes().replace(b'"$1,000"', b"1000"))
    corrected = client("correct", upload["id"], rejects, "--wait")
    assert corrected.code == 3, corrected.err
    assert [line for line in corrected.out.splitlines() if "loaded" in line and " 1 " in line]
    records = client("uploads", "--json").document["items"][-1]["records"]
    assert records == {"read": 3, "loaded": 2, "rejected": 1, "duplicate": 0}
    refused = client("correct", upload["id"], source)
    assert refused.code == 1
    assert "header_mismatch" in refused.err
    sheet = client("rejects", upload["id"], "--csv", "-", "--spreadsheet").out
    assert sheet.removeprefix("\ufeff").startswith('"_sheet_line",')
    missing = tmp_path / "none.csv"
    assert client("rejects", "00000000-0000-4000-8000-000000000000", "--csv", missing).code == 1
    assert not missing.exists()


def test_uploads_and_movies(client: Client) -> None:
    upload = client("upload", SAMPLES / "movies.csv", "--wait", "--json").document
    listed = client("uploads").out
    assert upload["id"] in listed
    assert "movies.csv" in listed
    films = client("movies", "--year", "1954", "--language", "ja", "--sort-order", "asc")
    assert "七人の侍" in films.out
    assert "2 of 2" in films.out
    named = client(
        "movies", "--title", "samurai", "--sort-by", "popularity", "--year-from", "1950", "--year-to", "1959"
    )
    assert "七人の侍" in named.out
    first = client("movies", "--json", "--page-size", "5").document
    second = client("movies", "--json", "--page-size", "5", "--cursor", first["next_cursor"]).document
    by_page = client("movies", "--json", "--page-size", "5", "--page", "2").document
    assert second["items"] == by_page["items"]
    assert client("uploads", "--state", "failed", "--json").document["total"] == 0


def test_undo_takes_the_rows_out_and_retry_says_why_not(client: Client) -> None:
    upload = client("upload", SAMPLES / "movies.csv", "--wait", "--json").document
    undone = client("undo", upload["id"])
    assert undone.code == 0
    assert "undone" in undone.out
    assert client("movies", "--json").document["total"] == 0
    refused = client("retry", upload["id"])
    assert refused.code == 1
    assert refused.out == ""
    first, *more = refused.err.splitlines()
    assert "(409 state_conflict): " in first
    assert more[:2] == ["  state: undone", "  allowed: failed, cancelled"]
    assert client("cancel", upload["id"], "--json").document["code"] == "state_conflict"


def test_a_file_that_is_no_dataset_is_refused_in_one_message(client: Client, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    result = client("upload", other)
    assert result.code == 1
    assert "(422 header_mismatch): " in result.err
    assert "Traceback" not in result.err
    assert client("upload", other, "--json").document["code"] == "header_mismatch"


def test_another_name_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    sheet = tmp_path / "movies.xlsx"
    sheet.write_bytes(b"PK")
    result = run(["upload", sheet], INGEST_API_URL="http://127.0.0.1:1")
    assert result.code == 1
    assert "save it as CSV UTF-8" in result.err


def test_a_member_of_an_archive_is_chosen(client: Client, tmp_path: Path) -> None:
    packed = tmp_path / "films.zip"
    packed.write_bytes(archive(Member("a.csv", movies({})), Member("b.csv", movies({}, {}))))
    refused = client("upload", packed)
    assert refused.code == 1
    assert "a.csv, b.csv" in refused.err
    assert "member" in refused.err
    chosen = client("upload", packed, "--member", "b.csv", "--wait", "--json")
    assert chosen.document["records"]["loaded"] == 2


def test_what_a_file_holds_cannot_steer_the_terminal(client: Client, tmp_path: Path) -> None:
    hostile = tmp_path / "hostile.csv"
    evil = "[red]\x1b]0;owned\x07\x1b[2J[/red]"
    hostile.write_bytes(movies({"title": f"A {evil}"}, {"status": evil}))
    upload = client("upload", hostile, "--wait", "--json").document
    for result in (client("rejects", upload["id"]), client("movies")):
        assert result.code == 0
        assert "\x1b" not in result.out
        assert "\\x1b]0;owned\\x07" in result.out.replace("\n", "")
        assert "[red]" in result.out


def test_an_unknown_id_is_a_readable_error(client: Client) -> None:
    result = client("rejects", "00000000-0000-4000-8000-000000000000")
    assert result.code == 1
    assert "404 not_found" in result.err
    assert client("rejects", "seventeen").code == 2


def read_to_end(descriptor: int) -> str:
    shown = b""
    try:
        while block := os.read(descriptor, 65536):
            shown += block
    except OSError:  # how a terminal says that its last writer has gone
        pass
    finally:
        os.close(descriptor)
    return shown.decode(errors="replace")
