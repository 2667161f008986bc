"""Reading agrees with Python's `csv` where the file is well-formed; elsewhere malformed records cost no others."""

import csv
import io
import time
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.csv.dialect import Dialect
from shared.csv.invisible import is_blank
from shared.csv.reading.read import read_batch
from shared.csv.structure.scan import LONGEST_FIELD_BYTES
from tests.unit.csv.dialects import CSV, TSV
from tests.unit.csv.reading import (
    DIALECTS,
    HEADER,
    assert_batches_make_no_difference,
    assert_every_byte_is_in_one_record,
    assert_loaded_as_scanned,
    faults,
    read_behind_others,
    seen,
)


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
        if not all(is_blank(cell) for cell in row):
            expected.append((line, tuple(cell or None for cell in row)))
        line += 1 + sum(cell.count("\n") for cell in row)
    records = read_batch(content.encode(), 1, CSV, HEADER)
    assert seen(records) == [one for one in expected if one[1] != ("a", "b", "c")]


ANY = st.binary(max_size=200) | st.text(st.sampled_from("ab\",;|\t'\\\n\r\0é"), max_size=60).map(str.encode)
EACH = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)


@given(content=ANY)
@EACH
def test_every_byte_is_in_one_record(dialect: Dialect, content: bytes) -> None:
    assert_every_byte_is_in_one_record(content, read_behind_others(content, dialect))


@given(content=ANY)
@EACH
def test_what_is_loaded_is_what_one_record_after_the_other_gives(dialect: Dialect, content: bytes) -> None:
    assert_loaded_as_scanned(content, dialect, read_behind_others(content, dialect))


@given(content=ANY, batch_bytes=st.integers(1, 50), block=st.integers(1, 60))
@EACH
def test_batches_make_no_difference(dialect: Dialect, content: bytes, batch_bytes: int, block: int) -> None:
    assert_batches_make_no_difference(content, dialect, batch_bytes, block)


@pytest.mark.parametrize(
    ("dialect", "content"),
    [
        # the column of a quote that nothing in its own record closes
        ("csv", b'"\n",","a\n'),
        # judged by the bytes before the cut alone: a record with valid quotes, or a malformed one up to the end
        ("tabs and quotes", b'"\n\t\t"\na'),
        ("apostrophes", b"'\n;'\n';"),
        ("csv", b'"\n,,",\n,,""\n"'),
        # several lines, though the file ends in the last of them
        ("tabs and quotes", b'"\n"\t"\t"\n"\t\t'),
        # blank lines behind a malformed record, at the end of a batch
        ("apostrophes", b"'\n\n;';\n"),
    ],
)
@pytest.mark.parametrize("batch_bytes", [1, 6])
def test_batches_make_no_difference_to_what_fuzzing_found(dialect: str, content: bytes, batch_bytes: int) -> None:
    assert_batches_make_no_difference(content, DIALECTS[dialect], batch_bytes=batch_bytes, block=6)


MALFORMED: list[tuple[bytes, list[int], list[tuple[int, str | None, str]]]] = [
    (b"1,2,3\n4,5\n6,7,8\n", [1, 3], [(2, None, "wrong_field_count")]),
    (b"1,2,3\n4,5,6,7\n6,7,8\n", [1, 3], [(2, None, "wrong_field_count")]),
    (b'1,2,3\n4,"5,6\n6,7,8\n9,9,9\n', [1, 3, 4], [(2, "b", "unterminated_quote")]),
    (b'1,2,3\n4,"5" x,6\n6,7,8\n', [1, 3], [(2, "b", "stray_quote")]),
    (b'1,2,3\n4,"5\n6\n"7,8\n9,9,9\n', [1, 5], [(2, "b", "stray_quote")]),
    (b"1,2,3\n\n6,7,8\n", [1, 3], []),
    (b"1,2,3\n4,\xff5,6\n6,7,8\n", [1, 3], [(2, "b", "invalid_utf8")]),
    (b"1,2,3\n4,5,6\0\n6,7,8\n", [1, 3], [(2, "c", "nul_byte")]),
    (b"1,2,3\n4,5," + b"x" * (LONGEST_FIELD_BYTES + 1) + b"\n6,7,8\n", [1, 3], [(2, "c", "field_too_long")]),
    (b'1,2,3\n4,5,"' + b"\n" * 1001 + b'"\n6,7,8\n', [1, 1004], [(2, None, "record_too_long")]),
    (b'1,5"2,3\n4,5,6\n', [1, 2], []),
    (b'1,"2\n3",4\n5,"6",7\n', [1, 3], []),
    (b"1,2,3\na,b,c\n6,7,8\n", [1, 3], [(2, None, "repeated_header")]),
    # malformed records beside each other are one reject each
    (b'1,"O"2,3\n4,"O"2,3\n7,8,9\n', [3], [(1, "b", "stray_quote"), (2, "b", "stray_quote")]),
    (b'1,"O,3\n4,"O,3\n7,8,9\n', [3], [(1, "b", "unterminated_quote"), (2, "b", "unterminated_quote")]),
    (b'1,"O"2,x\n6,a,b,c\n7,8,9\n', [3], [(1, "b", "stray_quote"), (2, None, "wrong_field_count")]),
    # the rest of a malformed cell is no record, though it has the right number of fields
    (b'1,"first line\nsecond, "word" here",9\n6,x,3\n', [3], [(1, "b", "stray_quote")]),
    (b'1,"first, line\nsecond "word" here",9\n6,x,3\n', [3], [(1, "b", "stray_quote")]),
    # closed by the quote of another record, in a way that looks valid
    (b'5,"abc,2\n6,",",3\n7,ok,4\n', [2, 3], [(1, "b", "unterminated_quote")]),
    (b"1,2\r3,4\n5,6,7\n", [1, 2], []),
    (b'1,2,3\n4,"5\n6', [1], [(2, "b", "unterminated_quote")]),
    (b'1,2,3\n4,5,"' + b"\n" * 1000 + b'"\n6,7,8\n', [1, 1003], [(2, None, "record_too_long")]),
    (b'1,2,3\n4,5,"' + b"\n" * 999 + b'"\n6,7,8\n', [1, 2, 1002], []),
    (b"\\.\n1,2,3\n", [2], [(1, None, "wrong_field_count")]),
    (b"1,2,3\n" + b"x," * 9_999 + b"x\n4,5,6\n", [1, 3], [(2, None, "wrong_field_count")]),
]


@pytest.mark.parametrize(("content", "lines", "expected"), MALFORMED, ids=lambda value: repr(value)[:40])
def test_malformed_input_stays_local(
    content: bytes, lines: list[int], expected: list[tuple[int, str | None, str]]
) -> None:
    records = read_batch(content, 1, CSV, HEADER)
    assert records.line_numbers.tolist() == lines
    assert faults(records) == expected
    assert records.read == len(lines) + len(expected)


def test_malformed_input_costs_time_in_proportion() -> None:
    """Twenty thousand good cells in one record, each with a newline, were read again from each of their lines."""
    content = b",".join([b'"a\nb"'] * 20_000) + b"\n1,2,3\n"
    started = time.process_time()
    records = read_batch(content, 1, CSV, HEADER)
    assert time.process_time() - started < 5
    assert seen(records)[-1] == (20_002, ("1", "2", "3"))
    assert faults(records)[0][2] == "record_too_long"


@pytest.mark.parametrize(
    "repeated", [b'"x,', b'"\na",', b'"a\n', b'"\n', b'","\na', b'a,"b\n"c,', b"x" * 60 + b'"\n"\n"\n']
)
def test_repeated_malformed_input_costs_time_in_proportion(repeated: bytes) -> None:
    """The first took 24 s, and the second a minute: each malformed record looked at all that follows it."""
    content = repeated * (64 * 1024 // len(repeated))
    started = time.process_time()
    assert_every_byte_is_in_one_record(content, read_behind_others(content, CSV))
    assert time.process_time() - started < 5


def test_two_quotes_in_a_plain_cell_are_two() -> None:
    for rest in (b"x,x\n", b"\\\\,x\n"):  # with and without a backslash in the record
        records = read_batch(b'a"",' + rest, 1, DIALECTS["backslashes"], HEADER)
        assert seen(records)[0][1][0] == 'a""'


def test_a_byte_order_mark_inside_the_file_is_text() -> None:
    for rest in (b"4,5,6\n", b'4,"5" x,6\n'):
        records = read_batch(b"\xef\xbb\xbf1,2,3\n" + rest, 2, CSV, HEADER)
        assert seen(records)[0] == (2, ("\ufeff1", "2", "3"))


def test_a_tsv_has_no_quotes() -> None:
    records = read_batch(b'1\t"a\t\\N\n2\tb" c\t\n', 2, TSV, HEADER)
    assert seen(records) == [(2, ("1", '"a', None)), (3, ("2", 'b" c', None))]


def test_null_is_only_the_dialects_own_word() -> None:
    records = read_batch(b"NA,null,NaN\n,\\N,None\n", 1, CSV, HEADER)
    assert [row for _, row in seen(records)] == [("NA", "null", "NaN"), (None, "\\N", "None")]


def test_a_quote_that_never_closes_costs_one_record_of_thousands() -> None:
    lines = [b"1,2,3\n"] * 3_000
    lines[10] = b'1,"2,3\n'
    records = read_batch(b"".join(lines), 1, CSV, HEADER)
    assert faults(records) == [(11, "b", "unterminated_quote")]
    assert list(islice(records.line_numbers.tolist(), 9, 12)) == [10, 12, 13]
    assert records.read == 3_000


def test_malformed_records_behind_an_open_quote_are_records_of_their_own() -> None:
    content = b'0,Z,z,2000,90\n1,"A,b,2001,90\n2,B,b,2001,90,q\n3,C,b,2001\n4,D,d,2001,90\n'
    records = read_batch(content, 2, CSV, list("abcde"))
    assert records.table["a"].to_pylist() == ["0", "4"]
    faults = zip(
        records.locations.line_numbers[records.reasons["record"].to_numpy()], records.reasons["code"], strict=True
    )
    codes = {int(line): str(code) for line, code in faults}
    assert codes == {3: "unterminated_quote", 4: "wrong_field_count", 5: "wrong_field_count"}


def test_a_cell_that_ends_at_the_beginning_of_a_line_is_one() -> None:
    records = read_batch(b'1,A,d,2001,90\n2,"Tom\n",d,2001,90,z\n3,C,d,2001,90\n', 2, CSV, list("abcde"))
    assert records.table["a"].to_pylist() == ["1", "3"]
    assert records.reasons["code"].to_pylist() == ["wrong_field_count"]
