"""What the arguments of a command name, and how each file is read."""

import os
from pathlib import Path

import pytest

from cli.client.client_errors import LocalFileError
from cli.sending.files import InputFile, OpenFile, expand


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b.csv", "a.TSV", "notes.md", ".hidden.csv", "deep/c.csv.gz", "deep/er/d.csv", ".git/e.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (tmp_path / "f.csv").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize(
    ("arguments", "recursive", "paths"),
    [
        (["notes.md", "-", "none.csv"], False, ["notes.md", "-", "none.csv"]),
        (["."], False, ["a.TSV", "b.csv"]),
        (["."], True, ["a.TSV", "b.csv", "deep/c.csv.gz", "deep/er/d.csv"]),
        (["deep"], False, ["deep/c.csv.gz"]),
        (["deep/er", "b.csv", "deep/er/d.csv"], False, ["deep/er/d.csv", "b.csv"]),
        (["*.csv"], False, ["b.csv"]),
        (["*.csv", "b.csv"], False, ["b.csv"]),
        (["**/*.csv"], False, ["b.csv", "deep/er/d.csv"]),
        (["[ab].*"], False, ["a.TSV", "b.csv"]),
        (["dee?"], False, ["deep/c.csv.gz"]),
        (["*.xlsx"], False, ["*.xlsx"]),
        (["f.csv"], False, ["f.csv"]),
    ],
)
def test_arguments_name_files_directories_and_patterns(arguments: list[str], recursive: bool, paths: list[str]) -> None:
    assert [os.path.normpath(path) for path in expand(arguments, recursive=recursive).paths] == paths


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tables: Path) -> None:
    (tables / "[b].csv").write_text("x")
    assert expand(["[b].csv"], recursive=False).paths == ["[b].csv"]


def test_an_absolute_pattern_is_expanded(tables: Path) -> None:
    assert expand([f"{tables}/*.csv"], recursive=False).paths == [f"{tables}/b.csv"]


@pytest.mark.parametrize(
    ("recursive", "skipped"),
    [
        (False, [".git/", ".hidden.csv", "deep/", "f.csv/", "notes.md", "pipe.csv"]),
        (True, [".git/", ".hidden.csv", "notes.md", "pipe.csv"]),
    ],
)
def test_what_is_skipped_of_a_directory_is_named(tables: Path, recursive: bool, skipped: list[str]) -> None:
    os.mkfifo(tables / "pipe.csv")
    found = expand([str(tables), "b.csv"], recursive=recursive)
    assert found.skipped == [f"{tables}/{name}" for name in skipped]


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize(
    ("path", "name", "code", "said"),
    [
        ("notes.md", None, "unsupported_file", "must end with"),
        ("b.csv", "b.docx", "unsupported_file", "--filename movies.csv"),
        ("-", None, "filename_required", "stdin"),
        ("none.csv", None, "no_such_file", "no such file"),
        ("no*.csv", None, "no_such_file", "pattern"),
        ("f.csv", None, "no_tables", "--recursive"),
    ],
)
def test_a_file_that_cannot_be_sent_says_why(path: str, name: str | None, code: str, said: str) -> None:
    with pytest.raises(LocalFileError) as caught, InputFile.at(path, name).opened():
        pytest.fail("it was opened")
    assert caught.value.document["code"] == code
    assert said in caught.value.message


def test_a_name_that_is_no_text_is_sent_as_text(tables: Path) -> None:
    path = os.fsdecode(os.fsencode(tables) + b"/caf\xe9.csv")
    Path(path).write_text("x")
    with InputFile.at(path).opened() as file:
        assert file.name == "caf\ufffd.csv"


def read(file: OpenFile) -> tuple[bytes, list[int]]:
    steps: list[int] = []
    return b"".join(file.blocks(steps.append)), steps


def test_a_file_shows_its_size_and_a_pipe_does_not(tables: Path) -> None:
    content = os.urandom(600_000)
    (tables / "b.csv").write_bytes(content)
    with InputFile.at("b.csv").opened() as file:
        assert file.size == len(content)
        assert read(file) == (content, [262_144, 524_288, 600_000])
    ours, theirs = os.pipe()
    os.write(theirs, b"a\n1\n")
    os.close(theirs)
    with InputFile.at(f"/dev/fd/{ours}", "pipe.csv").opened() as file:
        assert (file.name, file.size) == ("pipe.csv", None)
        assert read(file)[0] == b"a\n1\n"
    os.close(ours)


@pytest.mark.parametrize("change", [5, -5])
def test_a_file_that_changes_while_it_is_read_is_an_error(tables: Path, change: int) -> None:
    path = tables / "b.csv"
    path.write_bytes(b"x" * 300_000)
    with InputFile.at(path).opened() as file:
        blocks = file.blocks(lambda _done: None)
        next(blocks)
        os.truncate(path, 300_000 + change)
        with pytest.raises(LocalFileError, match="changed while it was read"):
            list(blocks)
