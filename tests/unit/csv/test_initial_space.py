"""A blank behind each delimiter, as people write lists."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from shared.csv.reading.initial_space import Tightener, spaced_delimiter, tightened
from shared.csv.reading.read import read_batch
from shared.csv.sniffing.sniff import TextOptions, sniff
from shared.ingest.intake.headers import UploadHeader
from tests.conftest import REGISTRY
from tests.rows import GOOD_MOVIE, movies

TEXTS = ['said, "hi"', "a, b", '"quoted"', "", '"x", y', "two,\n lines", "It's", "ends, "]


def spaced(content: bytes, delimiter: str = ",") -> bytes:
    """The same records, written with a blank behind each delimiter."""
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    return "".join(f"{delimiter} ".join(_cell(cell, delimiter) for cell in row) + "\r\n" for row in rows).encode()


def _cell(cell: str, delimiter: str) -> str:
    needs_quotes = any(character in cell for character in f'{delimiter}"\n')
    return '"' + cell.replace('"', '""') + '"' if needs_quotes else cell


def test_blanks_behind_delimiters_belong_to_no_cell() -> None:
    for delimiter in ",;|":
        content = spaced(movies(*({"overview": text} for text in TEXTS)), delimiter)
        found = sniff(content, TextOptions(), UploadHeader(REGISTRY), is_all=True)
        assert found is not None
        assert (found.dialect.delimiter, found.dialect.skip_initial_space) == (delimiter, True)
        stored = tightened(content, delimiter)
        records = read_batch(stored[found.header_end :], found.first_line, found.dialect, found.header)
        assert records.table["overview"].to_pylist() == [text.lstrip(" ") or None for text in TEXTS]
        assert set(records.table["title"].to_pylist()) == {GOOD_MOVIE["title"]}
        assert not records.reasons.num_rows


def test_other_files_keep_their_blanks() -> None:
    content = movies({"overview": " a, b"})
    found = sniff(content, TextOptions(), UploadHeader(REGISTRY), is_all=True)
    assert found is not None
    assert not found.dialect.skip_initial_space
    records = read_batch(content[found.header_end :], found.first_line, found.dialect, found.header)
    assert records.table["overview"].to_pylist() == [" a, b"]


def test_a_sentence_before_the_header_is_no_header() -> None:
    content = b"Movies, of 2017, all of them\n" + movies({"overview": " x"})
    found = sniff(content, TextOptions(), UploadHeader(REGISTRY), is_all=True)
    assert found is not None
    assert (found.dialect.skip_initial_space, found.dialect.header_line) == (False, 2)


def test_malformed_input_changes_nothing_elsewhere() -> None:
    lines = spaced(movies(*({"overview": f"a, {number}"} for number in range(9)))).split(b"\r\n")
    lines[4] = lines[4].replace(b'"', b"", 1)
    found = sniff(b"\r\n".join(lines), TextOptions(), UploadHeader(REGISTRY), is_all=True)
    assert found is not None
    stored = tightened(b"\r\n".join(lines), ",")
    records = read_batch(stored[found.header_end :], found.first_line, found.dialect, found.header)
    assert records.table["overview"].to_pylist() == [f"a, {number}" for number in range(9) if number != 3]


def test_the_delimiter_must_have_a_blank_wherever_it_stands() -> None:
    assert spaced_delimiter(b"a, b, c\n", 1) == ","
    assert spaced_delimiter(b"a, b,c\n", 1) is None
    assert spaced_delimiter(b"a, b\n", 1) is None
    assert spaced_delimiter(b"x\na| b| c\n", 1) is None
    assert spaced_delimiter(b"x\na| b| c\n", 2) == "|"


@given(st.lists(st.text(alphabet=', "\r\nx', max_size=12)))
def test_blocks_make_no_difference(blocks: list[str]) -> None:
    tightener = Tightener(",")
    parts = [tightener.feed(block.encode(), at_end=False) for block in blocks]
    parts.append(tightener.feed(b"", at_end=True))
    assert b"".join(parts) == tightened("".join(blocks).encode(), ",")
