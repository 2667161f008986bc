"""Lines that are no records of the usual kind: blank rows, later headers, doubled carriage returns, wrapped cells."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.csv.file_warnings import MOST_LOCATIONS, FileWarning, LineRange, merged
from shared.csv.reading.read import read_batch
from shared.csv.sniffing.line_ends import SingleReturns, single_returns
from shared.csv.split import Splitter
from tests.unit.csv.dialects import CSV, TSV
from tests.unit.csv.reading import faults, seen

HEADER = ["first", "second"]
GUESSED = replace(TSV, is_quoting_guessed=True)


@pytest.mark.parametrize("blank", [b"", b" ", b",", b'"",""', "\u200b,\u3000".encode(), b",,,,", b"   ,\t", b"\r"])
def test_rows_of_nothing_are_no_records(blank: bytes) -> None:
    records = read_batch(b"a,b\n" + blank + b"\n" + blank + b"\nc,d\n", 2, CSV, HEADER)
    assert seen(records) == [(2, ("a", "b")), (5, ("c", "d"))]
    assert (records.read, faults(records)) == (2, [])
    [warning] = records.warnings
    assert (warning.code, warning.count, warning.locations) == ("blank_lines", 2, (LineRange(3, 4),))


def test_a_row_with_anything_in_it_is_a_record() -> None:
    records = read_batch(b",b\n0,\n", 1, CSV, HEADER)
    assert (records.read, records.warnings) == (2, [])


def test_a_later_header_in_another_order_maps_anew() -> None:
    content = b"1,2\nsecond,first\n3,4\n5,6\nfirst,second\n7,8\n"
    records = read_batch(content, 2, CSV, HEADER)
    assert seen(records) == [(2, ("1", "2")), (4, ("4", "3")), (5, ("6", "5")), (7, ("7", "8"))]
    assert faults(records) == [(3, None, "repeated_header"), (6, None, "repeated_header")]


@settings(deadline=None)
@given(
    orders=st.lists(st.tuples(st.permutations(HEADER), st.integers(0, 5)), max_size=6),
    batch_bytes=st.integers(1, 60),
    block=st.integers(1, 50),
)
def test_batches_keep_the_order_of_the_header_above_them(
    orders: list[tuple[Sequence[str], int]], batch_bytes: int, block: int
) -> None:
    lines, expected, order, number = list[str](), list[tuple[str, ...]](), HEADER, 0
    for header, count in orders:
        lines.append(",".join(header))
        order = list(header)
        for _ in range(count):
            number += 1
            row = {"first": f"f{number}", "second": f"s{number}"}
            lines.append(",".join(row[name] for name in order))
            expected.append((row["first"], row["second"]))
    content = "".join(f"{line}\n" for line in lines).encode()
    splitter = Splitter(0, 1, batch_bytes, CSV, HEADER)
    for start in range(0, len(content), block):
        splitter.feed(content[start : start + block])
    loaded = [
        row
        for span in splitter.finish()
        for _, row in seen(read_batch(content[span.byte_start : span.byte_end], 1, CSV, HEADER, 0, span.header))
    ]
    assert loaded == expected


def test_names_of_the_header_in_a_text_change_nothing() -> None:
    records = read_batch(b"second,x\nfirst,first\nsecond,second\n", 1, CSV, HEADER)
    assert [row for _, row in seen(records)] == [("second", "x"), ("first", "first"), ("second", "second")]


@pytest.mark.parametrize("end", [b"\r\n", b"\r\r\n", b"\r\r\r\n"])
def test_a_line_end_may_have_several_carriage_returns(end: bytes) -> None:
    records = read_batch(b'a,"b"' + end + b"c,d" + end + b'"e","f, g"' + end, 1, CSV, HEADER)
    assert [row for _, row in seen(records)] == [("a", "b"), ("c", "d"), ("e", "f, g")]
    assert not faults(records)


@given(text=st.text(st.sampled_from("a\r\n"), max_size=40), block=st.integers(1, 9))
def test_doubled_returns_are_single_whatever_the_blocks_are(text: str, block: int) -> None:
    content, form = text.encode(), SingleReturns()
    blocks = [form.feed(content[start : start + block], at_end=False) for start in range(0, len(content), block)]
    assert b"".join([*blocks, form.feed(b"", at_end=True)]) == single_returns(content)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('"""Rome"" again"', '"Rome" again'),
        ('""""', '"'),
        ('"a ""b"" c"', 'a "b" c'),
        ('"Rome"', '"Rome"'),
        ('Say ""Yes""', 'Say ""Yes""'),
        ('""Rome""', '""Rome""'),
        ('"Rome" again', '"Rome" again'),
        ('"a "b" c"', '"a "b" c"'),
        ('""', '""'),
    ],
)
@pytest.mark.parametrize("slow", [False, True])
def test_a_cell_that_must_be_wrapped_is_unwrapped_and_told(cell: str, value: str, slow: bool) -> None:
    rest = "x\ry" if slow else "x"
    records = read_batch(f"{cell}\t{rest}\n".encode(), 7, GUESSED, HEADER)
    assert [row[0] for _, row in seen(records)] == [value]
    assert [warning.code for warning in records.warnings] == (["quotes_contradict"] if value != cell else [])
    told = read_batch(f"{cell}\t{rest}\n".encode(), 7, TSV, HEADER)
    assert [row[0] for _, row in seen(told)] == [cell]


def test_a_wrapped_tab_is_part_of_its_cell() -> None:
    records = read_batch(b'"a\tb"\tc\n"a\tb\tc\n', 1, GUESSED, HEADER)
    assert seen(records) == [(1, ("a\tb", "c"))]
    assert faults(records) == [(2, None, "wrong_field_count")]


def test_warnings_are_merged_and_their_locations_limited() -> None:
    parts = [FileWarning.at_lines("blank_lines", [3 * number, 3 * number + 1]) for number in range(50)]
    [whole] = merged(parts)
    assert (whole.count, len(whole.locations)) == (100, MOST_LOCATIONS)
    assert whole.locations[:2] == (LineRange(0, 1), LineRange(3, 4))
    assert merged([FileWarning.from_json(whole.to_json())]) == [whole]
