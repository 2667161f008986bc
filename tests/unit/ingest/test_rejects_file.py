"""The lines that people correct: five cells of ours in any dialect, and the record byte by byte."""

import csv
import io
from pathlib import Path

import pytest

from shared.advice.hints import Advisor
from shared.csv.dialect import BACKSLASH, Dialect
from shared.ingest.corrections.rejects_file import Reason, RejectedRecord, RejectsFile
from shared.ingest.rejects_columns import REJECT_COLUMNS
from tests.conftest import REGISTRY
from tests.unit.ingest.stored import stored

ADVISOR = Advisor(REGISTRY.columns)
COMMA, TAB = Dialect(",", quoting=True), Dialect("\t", quoting=False)
HOSTILE = Reason('=SUM(A1)\t"x', "code", "one, two; three\r\nfour 'five' \"six\" \\", None)


def lines_of(tmp_path: Path, content: bytes, header_bytes: int, dialect: Dialect, *records: RejectedRecord) -> bytes:
    with stored(tmp_path, content) as source:
        file = RejectsFile(source, header_bytes, dialect, ADVISOR)
        return file.header() + b"".join(file.blocks(records))


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t", " "])
@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("is_escaped", [False, True])
def test_our_cells_are_five_in_every_quoting_dialect(
    tmp_path: Path, delimiter: str, quote: str, *, is_escaped: bool
) -> None:
    dialect = Dialect(delimiter, quoting=True, quote=quote, escape=BACKSLASH if is_escaped else quote)
    content = f"a{delimiter}b\nx{delimiter}y\n".encode()
    record = RejectedRecord(2, 4, 8, [HOSTILE, Reason(None, "stray_quote", "a quote within a cell", "")])
    text = lines_of(tmp_path, content, 4, dialect, record).decode()
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quotechar=quote,
        doublequote=not is_escaped,
        escapechar="\\" if is_escaped else None,
    )
    header, row = list(reader)
    assert header == [*REJECT_COLUMNS, "a", "b"]
    assert row[0] == "2"
    assert row[1].startswith("'=SUM(A1)")
    assert row[2] == "code; stray_quote"
    assert row[4] == 'escape the quote where it belongs to the text; most files double it: ""'
    assert row[5:] == ["x", "y"]
    assert "four 'five' \"six\"" in row[3]
    assert text.endswith(f"{delimiter}x{delimiter}y\n")


@pytest.mark.parametrize("delimiter", ["\t", ",", " "])
def test_without_quoting_our_texts_lose_what_would_split_them(tmp_path: Path, delimiter: str) -> None:
    dialect = Dialect(delimiter, quoting=False)
    content = f'a{delimiter}b\r\n"x{delimiter}y'.encode()
    text = lines_of(tmp_path, content, 5, dialect, RejectedRecord(2, 5, len(content), [HOSTILE])).decode()
    lines = text.split("\r\n")
    assert [len(line.split(delimiter)) for line in lines] == [7, 7, 1]
    assert lines[1].endswith(f'{delimiter}"x{delimiter}y')


def test_a_record_whose_location_was_not_noted_says_where_to_look(tmp_path: Path) -> None:
    record = RejectedRecord(17, None, None, [Reason("a", "negative", "a must not be negative", "-1")])
    text = lines_of(tmp_path, b"a,b\n1,2\n", 4, COMMA, record).decode()
    row = list(csv.reader(io.StringIO(text)))[1]
    assert row[0] == "17"
    assert row[4].endswith("it begins at line 17 of the file")
    assert row[5:] == [""]


def test_a_bom_that_was_stored_comes_first_and_once(tmp_path: Path) -> None:
    bom = b"\xef\xbb\xbf"
    assert lines_of(tmp_path, bom + b"a\n1\n", 5, COMMA) == bom + b"_line,_column,_code,_message,_hint,a\n"
    noted = Dialect(",", quoting=True, bom=True)
    assert lines_of(tmp_path, b"a\n1\n", 2, noted) == bom + b"_line,_column,_code,_message,_hint,a\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "windows-1252", "latin-1"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [False, True])
def test_the_lines_are_encoded_as_the_file_was(tmp_path: Path, encoding: str, newline: str, *, bom: bool) -> None:
    has_bom = bom and encoding.startswith("utf")
    dialect = Dialect(";", quoting=True, newline=newline, encoding=encoding, bom=has_bom, header_line=2)
    text = newline.join(["Söme words before", 'nämé;"two', 'lines"', "ä;b", ""])
    stored = text.encode()
    if newline == "\r":
        stored = stored.translate(bytes.maketrans(b"\r\n", b"\n\r"))
    start = stored.index("ä;b".encode())
    record = RejectedRecord(4, start, len(stored), [Reason("nämé", "c", "m; n", None)])
    found = lines_of(tmp_path, stored, start, dialect, record).decode(encoding)
    assert found.startswith("\ufeff") == has_bom
    header = f'_line;_column;_code;_message;_hint;nämé;"two{newline}lines"{newline}'
    assert found.removeprefix("\ufeff") == f'{header}4;nämé;c;"m; n";;ä;b{newline}'


def test_records_of_any_size_come_in_blocks(tmp_path: Path) -> None:
    content = b"a\n" + b"x" * 100_000 + b"\n"
    records = (RejectedRecord(2, 2, len(content), [Reason(None, "c", "m", None)]) for _ in range(50))
    with stored(tmp_path, content) as source:
        sizes = [len(block) for block in RejectsFile(source, 2, TAB, ADVISOR).blocks(records)]
    assert max(sizes) < 400_000
    assert sum(sizes) > 5_000_000
