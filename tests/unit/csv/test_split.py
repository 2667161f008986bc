"""Spans tile any content, and in well-formed content they end where records end."""

import csv
import io
from itertools import cycle
from unittest import mock

import pytest
import xxhash
from hypothesis import example, given
from hypothesis import strategies as st

from shared.csv.split import Span, Splitter
from tests.unit.csv.dialects import CSV, TSV
from tests.unit.csv.reading import assert_spans_tile

NAMES = ["one", "two", "three"]
CELLS = st.text(st.sampled_from('ab",\n\r é'), max_size=8)
ROWS = st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=40)


def split(content: bytes, batch_bytes: int, *, quoting: bool, block: int = 7, small_bytes: int = 0) -> list[Span]:
    splitter = Splitter(100, 2, batch_bytes, CSV if quoting else TSV, NAMES, small_bytes=small_bytes)
    for start in range(0, len(content), block):
        splitter.feed(content[start : start + block])
    return splitter.finish()


BLOCKS = st.integers(1, 600)
CONTENTS = st.binary(min_size=1, max_size=500) | st.text(st.sampled_from('a",\n'), min_size=1).map(str.encode)


@given(
    content=CONTENTS,
    batch_bytes=st.integers(1, 100),
    small_bytes=st.integers(0, 600),
    block=BLOCKS,
    quoting=st.booleans(),
)
def test_spans_tile_any_content(content: bytes, batch_bytes: int, small_bytes: int, block: int, quoting: bool) -> None:
    spans = split(content, batch_bytes, quoting=quoting, block=block, small_bytes=small_bytes)
    assert_spans_tile(content, spans, 100, 2)


@given(
    content=CONTENTS, batch_bytes=st.integers(1, 40), longest=st.integers(0, 40), block=BLOCKS, quoting=st.booleans()
)
@example(content=b"a" * 200 + b"\na,b\n", batch_bytes=10, longest=20, block=7, quoting=True)
@example(content=b"a" * 200 + b"\na,b\n", batch_bytes=40, longest=0, block=1, quoting=False)
def test_spans_say_which_of_them_begin_within_a_line(
    content: bytes, batch_bytes: int, longest: int, block: int, quoting: bool
) -> None:
    with mock.patch("shared.csv.split._LONGEST_RECORD_BYTES", longest):
        spans = split(content, batch_bytes, quoting=quoting, block=block)
    assert_spans_tile(content, spans, 100, 2)
    if content.startswith(b"a" * 200):
        assert [span.begins_in_line for span in spans].count(True) > 1
        assert not spans[-1].begins_in_line


@given(content=CONTENTS, batch_bytes=st.integers(1, 100), more=st.integers(0, 100), blocks=st.lists(BLOCKS, min_size=1))
def test_small_content_is_one_span_whatever_the_blocks_are(
    content: bytes, batch_bytes: int, more: int, blocks: list[int]
) -> None:
    splitter = Splitter(100, 2, batch_bytes, CSV, NAMES, small_bytes=len(content) + more)
    rest, sizes = content, cycle(blocks)
    while rest:
        size = next(sizes)
        splitter.feed(rest[:size])
        rest = rest[size:]
    spans = splitter.finish()
    assert len(spans) == 1
    assert_spans_tile(content, spans, 100, 2)


@given(rows=ROWS, batch_bytes=st.integers(1, 60), block=BLOCKS)
def test_spans_hold_whole_records(rows: list[list[str]], batch_bytes: int, block: int) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    content = text.getvalue().encode()
    spans = split(content, batch_bytes, quoting=True, block=block)
    parts = [content[span.byte_start - 100 : span.byte_end - 100] for span in spans]
    read = [row for part in parts for row in csv.reader(io.StringIO(part.decode(), newline=""))]
    assert read == list(csv.reader(io.StringIO(content.decode(), newline="")))


def test_a_small_file_is_one_span() -> None:
    content = b"a,b\n" * 100
    assert len(split(content, 40, quoting=True)) == 10
    assert split(content, 40, quoting=True, small_bytes=400) == [
        Span(100, 500, 2, 100, begins_in_line=False, checksum=xxhash.xxh3_128(content).digest())
    ]
    assert len(split(content, 40, quoting=True, small_bytes=399)) == 10


@pytest.mark.parametrize("filler", [b"a", b'"', b'"\n\n'])
def test_memory_stays_flat_whatever_comes(filler: bytes) -> None:
    splitter = Splitter(0, 1, 4096, CSV, NAMES[:1])
    block = filler * (1024 * 1024 // len(filler))
    for _ in range(30):
        splitter.feed(block)
        assert len(splitter._pending) < 10 * 1024 * 1024
    assert_spans_tile(block * 30, splitter.finish(), 0, 1)


def test_without_quoting_a_quote_is_a_character() -> None:
    assert len(split(b'"\t1\n' * 10, 4, quoting=False)) == 10
