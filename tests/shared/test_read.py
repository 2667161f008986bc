"""Reading: the fast way, the careful way and Python's `csv` agree where the file is well-formed; damage stays local."""

import csv
import io
import time
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ingest.careful import LONGEST_FIELD_BYTES, read_carefully
from shared.ingest.dialect import CSV, TSV, Dialect
from shared.ingest.read import read_batch
from shared.ingest.records import Records

HEADER = ["a", "b", "c"]


def seen(records: Records) -> list[tuple[int, tuple[str | None, ...]]]:
    columns = [column.to_pylist() for column in records.table.columns]
    return list(zip(records.line_numbers.tolist(), zip(*columns, strict=True), strict=True))


def faults(records: Records) -> list[tuple[int, str | None, str]]:
    return [(fault.line_number, fault.column, fault.code) for fault in records.faults]


@given(
    rows=st.lists(
        st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=6)] * 3), max_size=20
    ),
    end=st.sampled_from(["\n", "\r\n"]),
    final_end=st.booleans(),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_agrees_with_python(rows: list[tuple[str, ...]], end: str, final_end: bool, quoting: int) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator=end, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    content = text.getvalue()
    if not final_end and rows:
        content = content.removesuffix(end)
    expected, line = [], 1
    for row in csv.reader(io.StringIO(content, newline="")):
        expected.append((line, tuple(cell or None for cell in row)))
        line += 1 + sum(cell.count("\n") for cell in row)
    for records in (read_batch(content.encode(), 1, CSV, HEADER), read_carefully(content.encode(), 1, CSV, HEADER)):
        assert seen(records) == expected
        assert faults(records) == []


@given(content=st.binary(max_size=200) | st.text(st.sampled_from('ab",\n\r\0é'), max_size=60).map(str.encode))
@pytest.mark.parametrize("dialect", [CSV, TSV], ids=["csv", "tsv"])
def test_the_fast_way_says_what_the_careful_one_says(dialect: Dialect, content: bytes) -> None:
    fast, careful = read_batch(content, 5, dialect, HEADER), read_carefully(content, 5, dialect, HEADER)
    assert seen(fast) == seen(careful)
    assert faults(fast) == faults(careful)


DAMAGE: list[tuple[bytes, list[int], list[tuple[int, str | None, str]]]] = [
    (b"1,2,3\n4,5\n6,7,8\n", [1, 3], [(2, None, "wrong_field_count")]),
    (b"1,2,3\n4,5,6,7\n6,7,8\n", [1, 3], [(2, None, "wrong_field_count")]),
    (b'1,2,3\n4,"5,6\n6,7,8\n9,9,9\n', [1, 3, 4], [(2, None, "unterminated_quote")]),
    (b'1,2,3\n4,"5" x,6\n6,7,8\n', [1, 3], [(2, None, "stray_quote")]),
    (b'1,2,3\n4,"5\n6\n"7,8\n9,9,9\n', [1, 5], [(2, None, "stray_quote")]),
    (b"1,2,3\n\n6,7,8\n", [1, 3], [(2, None, "blank_line")]),
    (b"1,2,3\n4,\xff5,6\n6,7,8\n", [1, 3], [(2, "b", "invalid_utf8")]),
    (b"1,2,3\n4,5,6\0\n6,7,8\n", [1, 3], [(2, "c", "nul_byte")]),
    (b"1,2,3\n4,5," + b"x" * (LONGEST_FIELD_BYTES + 1) + b"\n6,7,8\n", [1, 3], [(2, None, "field_too_long")]),
    (b'1,2,3\n4,5,"' + b"\n" * 1001 + b'"\n6,7,8\n', [1, 1004], [(2, None, "record_too_long")]),
    (b'1,5"2,3\n4,5,6\n', [1, 2], []),
    (b'1,"2\n3",4\n5,"6",7\n', [1, 3], []),
    (b"\\.\n1,2,3\n", [2], [(1, None, "wrong_field_count")]),
    (b"1,2,3\n" + b"x," * 9_999 + b"x\n4,5,6\n", [1, 3], [(2, None, "wrong_field_count")]),
]


@pytest.mark.parametrize(("content", "lines", "expected"), DAMAGE, ids=lambda value: repr(value)[:40])
def test_damage_stays_local(content: bytes, lines: list[int], expected: list[tuple[int, str | None, str]]) -> None:
    records = read_batch(content, 1, CSV, HEADER)
    assert records.line_numbers.tolist() == lines
    assert faults(records) == expected
    assert records.read == len(lines) + len(expected)


def test_damage_costs_time_in_proportion() -> None:
    """Twenty thousand good cells in one record, each with a newline, were read again from each of their lines."""
    content = b",".join([b'"a\nb"'] * 20_000) + b"\n1,2,3\n"
    started = time.process_time()
    records = read_batch(content, 1, CSV, HEADER)
    assert time.process_time() - started < 5
    assert seen(records)[-1] == (20_002, ("1", "2", "3"))
    assert records.faults[0].code == "wrong_field_count"


def test_a_byte_order_mark_inside_the_file_is_text() -> None:
    for rest in (b"4,5,6\n", b'4,"5" x,6\n'):
        records = read_batch(b"\xef\xbb\xbf1,2,3\n" + rest, 2, CSV, HEADER)
        assert seen(records)[0] == (2, ("\ufeff1", "2", "3"))


def test_a_tsv_has_no_quotes() -> None:
    records = read_batch(b'1\t"a\t\\N\n2\tb" c\t\n', 2, TSV, HEADER)
    assert seen(records) == [(2, ("1", '"a', None)), (3, ("2", 'b" c', ""))]


def test_null_is_only_the_dialects_own_word() -> None:
    records = read_batch(b"NA,null,NaN\n,\\N,None\n", 1, CSV, HEADER)
    assert [row for _, row in seen(records)] == [("NA", "null", "NaN"), (None, "\\N", "None")]


def test_a_quote_that_never_closes_costs_one_record_of_thousands() -> None:
    lines = [b"1,2,3\n"] * 3_000
    lines[10] = b'1,"2,3\n'
    records = read_batch(b"".join(lines), 1, CSV, HEADER)
    assert faults(records) == [(11, None, "unterminated_quote")]
    assert list(islice(records.line_numbers.tolist(), 9, 12)) == [10, 12, 13]
    assert records.read == 3_000
