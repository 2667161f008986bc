"""`upload` with several files, directories, patterns and pipes, and what it says of each."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from stack.local import LocalStack
from tests.rows import movies
from tests.system.cli.answering import UPLOAD, Answer, answering
from tests.system.cli.programs import ROOT, SAMPLES, Result, command, run, surroundings

Client = Callable[..., Result]
FILM = SAMPLES / "film.csv"


@pytest.fixture
def client(stack: LocalStack, tenant: str) -> Client:
    """Runs a command for this test's tenant."""

    def call(*arguments: str | Path) -> Result:
        return run([*arguments, "--tenant", tenant], INGEST_API_URL=stack.api_url)

    return call


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """A directory with tables that are loaded as a whole, in part and not at all, and other files."""
    (tmp_path / "whole.csv").write_bytes(movies({}, {}))
    (tmp_path / "part.csv").write_bytes(movies({}, {"runtime": "x"}))
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "notes.md").write_text("no table")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "deep.csv").write_bytes(movies({"title": "Deep"}))
    return tmp_path


def test_each_file_has_its_line_and_the_worst_decides(client: Client, tables: Path, tenant: str) -> None:
    result = client("upload", tables / "whole.csv", tables / "part.csv", "--wait")
    assert result.code == 3
    assert result.err == ""
    whole, part, summary = result.out.splitlines()
    assert whole.endswith("  Completed: 2 records loaded, none rejected.")
    assert whole.startswith(f"✓ {tables / 'whole.csv'}"[:50])
    assert "  Partial: 1 of 2 records loaded, 1 record rejected; to see why: imdb-ingest rejects " in part
    assert part.endswith(f" --tenant {tenant}")
    assert summary == "2 files: 1 completed, 1 partial"
    (rejects,) = [words for words in part.split() if words.count("-") == 4 and "/" not in words]
    assert "runtime" in client("rejects", rejects).out


def test_a_refused_file_does_not_stop_the_others(client: Client, tables: Path) -> None:
    names = ["notes.md", "none.csv", "other.csv", "whole.csv"]
    result = client("upload", *(tables / name for name in names), "--wait")
    assert result.code == 1
    lines = result.out.splitlines()
    assert "the file's name must end with" in lines[0]
    assert lines[1].endswith("There is no such file.")
    assert "(422 header_mismatch)" in lines[2]
    assert "    found: a, b" in lines
    assert "Completed: 2 records" in lines[-2]
    assert lines[-1] == "4 files: 1 completed, 3 refused"
    assert client("uploads", "--json").document["total"] == 1


def test_a_directory_and_a_pattern_are_the_tables_in_them(client: Client, tables: Path) -> None:
    (tables / "other.csv").unlink()
    found = client("upload", tables, "--recursive", "--wait", "--json")
    assert found.code == 3
    assert found.err == ""
    assert [(Path(item["file"]).name, item["outcome"]) for item in found.document["items"]] == [
        ("deep.csv", "completed"),
        ("part.csv", "partial"),
        ("whole.csv", "completed"),
    ]
    assert found.document["outcomes"] == {"completed": 2, "partial": 1}
    assert found.document["skipped"] == [str(tables / "notes.md")]
    again = client("upload", f"{tables}/w*.csv")
    assert again.code == 0
    first, second, summary = again.out.splitlines()
    assert f"Loaded already, as upload {found.document['items'][2]['upload']['id']} of " in first
    assert first.endswith("To load the file once more, add --force.")
    assert "Completed: 2 records" in second
    assert summary == "1 file: 1 completed"


def test_all_files_of_imdb_are_loaded_from_their_directory(client: Client, tmp_path: Path) -> None:
    names = [path.name for pattern in ("title.*", "name.basics.*") for path in SAMPLES.glob(pattern)]
    assert len(names) == 7
    for name in names:
        (tmp_path / name).write_bytes((SAMPLES / name).read_bytes())
    (tmp_path / "title.crew.tsv").write_text("tconst\tdirectors\twriters\nx\t\\N\t\\N\n")  # no valid record
    (tmp_path / ".title.ratings.tsv.part").write_text("half a download")
    (tmp_path / "old").mkdir()
    (tmp_path / "LICENSE").write_text("text")
    result = client("upload", tmp_path, "--use-celery", "--wait")
    assert result.code == 4
    assert result.err == f"Skipped: {tmp_path}/.title.ratings.tsv.part, {tmp_path}/LICENSE, {tmp_path}/old/\n"
    lines = {name: line for name in names for line in result.out.splitlines() if f"/{name} " in line}
    assert len(lines) == 7
    assert "(nothing_loaded)" in lines["title.crew.tsv"]
    assert "Completed: 7 records loaded" in lines["name.basics.tsv"]
    assert "Partial: 170 of 175 records loaded" in lines["title.basics.tsv.gz"]
    assert result.out.splitlines()[-1] == "7 files: 5 completed, 1 partial, 1 failed"
    assert client("uploads", "--json").document["total"] == 7


def test_stdin_and_other_pipes_are_sent_as_they_come(stack: LocalStack, tenant: str) -> None:
    there = surroundings(INGEST_API_URL=stack.api_url)
    options = ["--filename", "piped.csv", "--wait", "--json", "--tenant", tenant]
    content = FILM.read_bytes()
    piped = subprocess.run(
        command("upload", "-", *options), cwd=ROOT, env=there, input=content, capture_output=True, check=True
    )
    assert json.loads(piped.stdout)["filename"] == "piped.csv"
    assert json.loads(piped.stdout)["size_bytes"] == len(content)
    ours, theirs = os.pipe()
    os.write(theirs, content)
    os.close(theirs)
    arguments = command("upload", f"/dev/fd/{ours}", *options, "--force")
    other = subprocess.run(arguments, cwd=ROOT, env=there, pass_fds=[ours], capture_output=True, check=True)
    os.close(ours)
    assert json.loads(other.stdout)["records"]["loaded"] == 5
    with FILM.open("rb") as redirected:
        arguments = command("upload", "-", *options)
        same = subprocess.run(arguments, cwd=ROOT, env=there, stdin=redirected, capture_output=True, check=True)
    assert json.loads(same.stdout)["deduplicated"] is True


def test_what_cannot_be_sent_is_refused_before_anything_is_asked(tables: Path) -> None:
    nowhere = "http://127.0.0.1:1"
    refused = run(["upload", "-"], INGEST_API_URL=nowhere)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == "Not sent: what comes from stdin has no name; name it, for example --filename movies.csv.\n"
    assert run(["upload", tables / "notes.md", "--json"], INGEST_API_URL=nowhere).document["code"] == "unsupported_file"
    wrong = run(["upload", FILM, tables / "whole.csv", "--filename", "a.csv"], INGEST_API_URL=nowhere)
    assert wrong.code == 2
    assert "for one file" in " ".join(wrong.err.replace("│", " ").split())


def test_if_the_api_is_away_the_other_files_are_not_tried(tables: Path) -> None:
    result = run(["upload", tables], INGEST_API_URL="http://127.0.0.1:1")
    assert result.code == 1
    assert result.out.count("does not answer (") == 1
    assert result.out.count("Not sent, because the API does not answer.") == 2
    assert result.out.splitlines()[-1] == "3 files: 3 refused"


def test_every_option_reaches_the_api_and_no_other_does(tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text("{}")
    options = [
        *("--dataset", "movies", "--delimiter", ";", "--no-quoting", "--encoding", "latin-1", "--force"),
        *("--on-error", "abort", "--max-rejects", "2.5%", "--use-celery", "--map", "a=title", "--null", "-"),
        *("--schema", str(schema), "--no-header", "--member", "b.csv", "--mode", "upsert"),
    ]
    stored: Answer = (202, UPLOAD)
    targets: list[str] = []
    with answering(stored, stored, targets=targets) as (url, _):
        assert run(["upload", FILM, *options], INGEST_API_URL=url).code == 0
        assert run(["upload", FILM], INGEST_API_URL=url).code == 0
    full, plain = targets
    assert set(full.partition("?")[2].split("&")) == {
        *("filename=film.csv", "dataset=movies", "delimiter=%3B", "quoting=false", "encoding=latin-1", "force=true"),
        *("on_error=abort", "max_rejects=2.5%25", "use_celery=true", "mapping=%7B%22a%22%3A%22title%22%7D"),
        *("schema=%7B%22missingValues%22%3A%5B%22%22%2C%22-%22%5D%7D", "header=none", "member=b.csv"),
        "mode=upsert",
    }
    assert set(plain.partition("?")[2].split("&")) == {"filename=film.csv", "use_celery=false"}


def test_an_idempotency_key_makes_one_upload(client: Client) -> None:
    first, second = (client("upload", FILM, "--force", "--idempotency-key", "k-1", "--json") for _ in range(2))
    assert first.document["id"] == second.document["id"]
