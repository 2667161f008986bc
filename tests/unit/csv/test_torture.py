"""Public collections of difficult CSV files (the data's manifest tells which): read as their makers, or Python, do."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from shared.csv.dialect import Dialect
from shared.csv.encodings.to_utf8 import Decoder, exchange
from shared.csv.reading.read import read_batch
from shared.csv.structure.scan import scan_record

# Their quotes are malformed: Python reads on, where we reject.
MALFORMED = {
    "bad-missing-quote.csv": ["unterminated_quote"],
    "bad-quotes-with-unescaped-quote.csv": ["stray_quote"],
}
DELIMITERS = {"german_sample.csv": ";", "sniff_limit.csv": ";", "dummy.tsv": "\t"}
# answers to other files (a telephone number, line ends); a header with malformed quotes
SLOW = ("location_coordinates.csv", "newlines_crlf.csv", "test_header_newline.csv")
RETURNS = ("mac_newlines.csv",)


def read(path: Path) -> tuple[list[list[str | None]], list[str], str]:
    """Its header and valid records, the codes of its rejects, and its text."""
    decoder = Decoder()
    content = decoder.feed(path.read_bytes()) + decoder.finish()
    text = content.decode().removeprefix("\ufeff")
    dialect = Dialect(DELIMITERS.get(path.name, ","), quoting=True, newline="\r" if path.name in RETURNS else "\n")
    stored = exchange(text.encode()) if dialect.is_exchanged else text.encode()
    header = scan_record(stored, 0, dialect)
    assert header.fields is not None
    names = [str(number) for number in range(len(header.fields))]
    records = read_batch(stored[header.end :], 2, dialect, names)
    rows = [list(row) for row in zip(*records.table.to_pydict().values(), strict=True)]
    return [[name.decode() for name in header.fields], *rows], records.reasons["code"].to_pylist(), text


def files(shared_data: Path, folder: str) -> list[Path]:
    found = sorted(path for path in (shared_data / "torture" / folder).glob("*.?sv") if path.stat().st_size)
    found = [path for path in found if path.name not in SLOW]
    assert found
    return found


@pytest.mark.parametrize("folder", ["csv-spectrum/csvs", "csv-test-data/csv"])
def test_files_with_a_known_answer(shared_data: Path, folder: str) -> None:
    for path in files(shared_data, folder):
        answer = path.parent.parent / "json" / f"{path.stem}.json"
        rows, codes, _ = read(path)
        if not answer.exists():
            assert codes == MALFORMED.get(path.name, codes), path.name
            continue
        expected = rows_of(json.loads(answer.read_text())) or rows  # the answer to a file with a header alone is empty
        assert rows == [row for row in expected if any(row) or row is expected[0]], path.name
        assert not codes, path.name


def rows_of(answer: Any) -> list[list[str | None]]:
    """Header and rows, of lists or of objects."""
    rows = [answer] if isinstance(answer, dict) else answer
    if rows and isinstance(rows[0], dict):
        rows = [list(rows[0]), *(list(row.values()) for row in rows)]
    return [row if number == 0 else [cell or None for cell in row] for number, row in enumerate(rows)]


@pytest.mark.parametrize("folder", ["csvkit", "xloader"])
def test_other_files_are_read_as_python_reads_them(shared_data: Path, folder: str) -> None:
    for path in files(shared_data, folder):
        rows, codes, text = read(path)
        source = io.StringIO(text, newline="")
        expected = list(csv.reader(source, delimiter=DELIMITERS.get(path.name, ",")))
        width = len(rows[0])
        records = [row for row in expected[1:] if "".join(row).strip()]
        verdicts = [verdict(row, width) for row in records]
        valid = [row for row, code in zip(records, verdicts, strict=True) if code is None]
        assert rows[1:] == [[cell or None for cell in row] for row in valid], path.name
        assert codes == [code for code in verdicts if code], path.name


def verdict(row: list[str], width: int) -> str | None:
    if len(row) != width:
        return "wrong_field_count"
    return "nul_byte" if any("\0" in cell for cell in row) else None
