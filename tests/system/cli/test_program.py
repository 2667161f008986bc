"""The program itself: version, help, completion; and what it shows of one upload and of the datasets."""

import subprocess
from collections.abc import Iterator

import pytest
import typer

from cli.program import program
from stack.local import LocalStack
from tests.system.cli.answering import UPLOAD, answering
from tests.system.cli.programs import ROOT, SAMPLES, command, run, surroundings


def commands(group: typer.core.TyperGroup, *before: str) -> Iterator[list[str]]:
    """The words of every command and group."""
    for name, found in group.commands.items():
        yield [*before, name]
        if isinstance(found, typer.core.TyperGroup):
            yield from commands(found, *before, name)


GROUP = typer.main.get_command(program)
assert isinstance(GROUP, typer.core.TyperGroup)
COMMANDS = list(commands(GROUP))


def test_the_version_is_that_of_the_package() -> None:
    assert run(["--version"]).out.startswith("imdb-ingest 0.")


def test_every_command_has_short_and_long_help() -> None:
    assert ["keys", "create"] in COMMANDS
    for words in COMMANDS:
        context = typer.main.get_command(program).make_context("imdb-ingest", [], resilient_parsing=True)
        for word in words:
            group = context.command
            assert isinstance(group, typer.core.TyperGroup)
            context = group.commands[word].make_context(word, [], parent=context, resilient_parsing=True)
        assert context.help_option_names == ["-h", "--help"], words
    for option in ("-h", "--help"):
        shown = run(["upload", option])
        assert shown.code == 0
        assert "Exit code with --wait" in shown.out


def test_shells_complete_commands_options_and_choices() -> None:
    def completed(*words: str) -> list[str]:
        line = " ".join(["imdb-ingest", *words])
        asked = run([], _IMDB_INGEST_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(words)))
        return asked.out.split()

    assert completed("up") == ["upload", "uploads", "up"]
    assert "--dataset" in completed("upload", "--d")
    assert completed("upload", "--on-error", "") == ["skip", "abort"]
    assert completed("keys", "re") == ["revoke"]
    assert completed("upload", "sam") == []  # the shell itself completes names of files


def test_bash_takes_the_script_for_completion() -> None:
    asked = surroundings(_IMDB_INGEST_COMPLETE="source_bash")
    script = subprocess.run(command(), cwd=ROOT, env=asked, capture_output=True, check=True, text=True).stdout
    checked = f"{script}\ncomplete -p imdb-ingest"
    shown = subprocess.run(["bash", "--norc", "-c", checked], capture_output=True, check=True, text=True).stdout
    assert "-F _imdb_ingest_completion imdb-ingest" in shown
    assert "-o default" in shown


def test_datasets_are_listed_with_columns_and_rules(stack: LocalStack) -> None:
    there = ["--api-url", stack.api_url]
    listed = run(["datasets", *there])
    assert listed.code == 0
    assert "title.basics" in listed.out
    one = run(["datasets", "show", "film", *there])
    for expected in ("Sakila", "film_id", "release_year", "not_a_year", "must not be blank (required)"):
        assert expected in one.out
    unknown = run(["datasets", "show", "filn", *there])
    assert unknown.code == 1
    assert "There is no dataset 'filn'; did you mean film?" in unknown.err


def test_show_has_all_of_an_upload(stack: LocalStack, tenant: str) -> None:
    there, mine = ["--api-url", stack.api_url], ["--tenant", tenant]
    upload = run(["upload", SAMPLES / "movies.csv", "--wait", "--json", *mine, *there]).document
    shown = run(["show", upload["id"], *mine, *there])
    assert shown.code == 0, shown.err
    for expected in (
        *("completed, partial", "records read", "encoding: utf-8", f"tenant: {tenant}", upload["sha256"], "queued"),
        *(
            f"undo     imdb-ingest undo {upload['id']} --tenant {tenant} --api-url {stack.api_url}",
            "Partial: 247 of 262 records loaded",
        ),
    ):
        assert expected in shown.out
    as_json = run(["show", upload["id"], "--json", *mine, *there]).document
    assert as_json["records"] == upload["records"]
    assert [event["event"] for event in as_json["history"]] == ["queued", "loading", "completed"]
    elsewhere = run(["show", upload["id"], *there])
    assert elsewhere.code == 1
    assert "Only the uploads of the default tenant were looked at; --tenant names another." in elsewhere.err


def test_show_says_what_to_do_about_a_failed_upload(stack: LocalStack, tenant: str) -> None:
    there = ["--api-url", stack.api_url, "--tenant", tenant]
    failed = run(["upload", SAMPLES / "movies.csv", "--wait", "--max-rejects", "3", *there])
    assert failed.code == 4
    last = failed.out.splitlines()[-1]
    assert last.startswith("Failed: 15 records were rejected")
    upload_id = last.rpartition("imdb-ingest rejects ")[2].split()[0]
    shown = " ".join(run(["show", upload_id, *there]).out.replace("│", " ").split())
    for expected in (
        "what to do about too_many_rejects",
        "correct the file and upload that",
        "retry imdb-ingest retry",
    ):
        assert expected in shown


def test_warnings_and_new_members_of_the_api_are_shown() -> None:
    warning = {"code": "blank_lines", "message": "lines without text", "count": 3}
    upload = {
        **UPLOAD,
        "state": "completed",
        "phase": "done",
        "outcome": "partial",
        "columns": {"mapped": {"movie_title": "title"}, "missing": ["budget"], "extra": []},
        "warnings": [{**warning, "locations": [{"line": 7, "to_line": 9}]}],
        "links": {"undo": "/api/v1/uploads/1/undo"},
    }
    with answering((200, upload), (200, {"items": []})) as (url, _):
        shown = run(["show", str(UPLOAD["id"])], INGEST_API_URL=url).out
    for expected in (
        *("Warning: lines without text [blank_lines] (3 times; line 7-9)", "mapped: movie_title=title"),
        *("missing: budget", "Partial: 0 of 0 records loaded"),
    ):
        assert expected in shown


def test_a_refusal_shows_the_candidates() -> None:
    problem = {
        "type": "/errors#header_mismatch",
        "title": "No dataset",
        "status": 422,
        "code": "header_mismatch",
        "detail": "two datasets fit equally",
        "trace_id": "abc",
        "candidates": [{"dataset": "movies", "mapping": {"movie_title": "title"}, "missing": ["budget"]}],
    }
    with answering((422, problem)) as (url, _):
        refused = run(["upload", SAMPLES / "movies.csv"], INGEST_API_URL=url)
    assert refused.code == 1
    assert refused.err.splitlines()[-6:] == [
        "No dataset (422 header_mismatch): two datasets fit equally [trace abc]",
        "  candidates:",
        "    - dataset: movies",
        "      mapping: movie_title=title",
        "      missing: budget",
        f"  explained at: {url}/errors#header_mismatch",
    ]


@pytest.mark.parametrize("words", [["uploads", "--page", "0"], ["nothing"], ["upload"]])
def test_wrong_usage_is_exit_code_two(words: list[str]) -> None:
    wrong = run(words)
    assert wrong.code == 2
    assert "Traceback" not in wrong.err
