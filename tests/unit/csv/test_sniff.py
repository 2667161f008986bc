"""The dialect is told by the header and the first records."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.csv.dialect import Dialect
from shared.csv.reading.read import read_batch
from shared.csv.reading.records import Records
from shared.csv.sniffing.paired_colons import PairedColons
from shared.csv.sniffing.sniff import TextOptions, sniff
from shared.csv.sniffing.trials import Sniffed
from shared.csv.unreadable import EmptyFile, HeaderMismatch, NoValidRecord, UnreadableFile, UnsupportedFile
from shared.ingest.intake.headers import UploadHeader
from tests.conftest import REGISTRY
from tests.rows import GOOD_MOVIE, MOVIES_HEADER, movies, titles

TITLES = ["A Film", "It's", "'Allo 'Allo", 'The "Best"', "two\nlines", 'say "hi", "o";|^~: \t', "'o',;|^~: \t", ""]


def written(**style: object) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, **style)  # type: ignore[arg-type]
    writer.writerow(MOVIES_HEADER)
    for title in TITLES:
        writer.writerow([{**GOOD_MOVIE, "overview": title}[name] for name in MOVIES_HEADER])
    return text.getvalue().encode()


def sniffed(content: bytes, options: TextOptions = TextOptions(), dataset: str | None = None) -> Sniffed:  # noqa: B008  frozen
    found = sniff(content, options, UploadHeader(REGISTRY, dataset), is_all=True)
    assert found is not None
    return found


def read(content: bytes, found: Sniffed) -> Records:
    text = content.translate(bytes.maketrans(b"\r\n", b"\n\r")) if found.dialect.is_exchanged else content
    return read_batch(text[found.header_end :], found.first_line, found.dialect, found.header)


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|", "^", "~", ":", " "])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "style",
    [
        {},
        {"quoting": csv.QUOTE_ALL},
        {"quotechar": "'"},
        {"quotechar": "'", "quoting": csv.QUOTE_ALL},
        {"doublequote": False, "escapechar": "\\"},
        {"doublequote": False, "escapechar": "\\", "quoting": csv.QUOTE_ALL},
    ],
    ids=repr,
)
def test_what_python_writes_is_read_back(delimiter: str, newline: str, style: dict[str, object]) -> None:
    content = written(delimiter=delimiter, lineterminator=newline, **style)
    found = sniffed(content)
    expected = (delimiter, newline, style.get("quotechar", '"'))
    assert (found.dialect.delimiter, found.dialect.newline, found.dialect.quote) == expected
    assert found.dialect.quoting is True
    assert found.dialect.is_escaped == ("escapechar" in style)
    records = read(content, found)
    assert records.table["overview"].to_pylist() == [title or None for title in TITLES]
    lines = content.decode().split(newline[-1])
    begins = [number for number, line in enumerate(lines, 1) if "30000000.0" in line]
    assert records.line_numbers.tolist() == begins


def test_imdbs_own_files_have_no_quotes() -> None:
    for title in ('"Rome"', '"Crocodile" Dundee', "plain"):
        found = sniffed(titles({"primaryTitle": title}))
        assert (found.dialect.delimiter, found.dialect.quoting, found.layout.name) == ("\t", False, "title.basics")
        assert read(titles({"primaryTitle": title}), found).table["primaryTitle"].to_pylist() == [title]


def test_imdb_titles_as_csv_have_quotes() -> None:
    content = titles({"primaryTitle": "Rome, Open City"}, {"primaryTitle": "Q"}).replace(b"Rome, Open City", b'"R, O"')
    content = content.replace(b"\t", b",").replace(b"Documentary,Short", b'"Documentary,Short"')
    found = sniffed(content)
    assert (found.dialect.delimiter, found.dialect.quoting) == (",", True)
    assert read(content, found).table["primaryTitle"].to_pylist() == ["R, O", "Q"]


@pytest.mark.parametrize("malformed", [b'"open', b'"a"b', b'a"b"c'])
def test_one_misplaced_quote_is_malformed_input_and_no_dialect(malformed: bytes) -> None:
    content = movies(*[{"overview": "plain"}] * 5, {"overview": "XX"}, *[{}] * 5).replace(b"XX", malformed)
    found = sniffed(content)
    assert (found.dialect.quoting, found.dialect.quote, found.dialect.is_escaped) == (True, '"', False)
    assert read(content, found).table.num_rows == (11 if malformed.startswith(b"a") else 10)


def test_tabs_with_misplaced_quotes_have_no_quoting() -> None:
    content = movies(*[{"overview": "XX"}] * 3, {}).replace(b",", b"\t").replace(b"XX", b'"so" he said')
    found = sniffed(content)
    assert found.dialect.quoting is False
    assert read(content, found).table["overview"].to_pylist() == ['"so" he said'] * 3 + ["What happens."]


@pytest.mark.parametrize("before", ["sep=;\r\n", "\n\n", "A report\nof today, by us\n", "#\n" * 20])
def test_lines_before_the_header_are_skipped_and_counted(before: str) -> None:
    content = before.encode() + movies({}, {})
    found = sniffed(content)
    lines = before.count("\n")
    assert (found.dialect.header_line, found.first_line, found.header) == (lines + 1, lines + 2, MOVIES_HEADER)
    assert read(content, found).line_numbers.tolist() == [lines + 2, lines + 3]


def test_the_search_for_a_header_ends() -> None:
    with pytest.raises(HeaderMismatch):
        sniffed(b"#\n" * 21 + movies({}))


def test_what_the_client_says_counts() -> None:
    content = movies({"overview": '"wrapped"'}, end="\n")
    assert sniffed(content, TextOptions(quoting=False)).dialect.quoting is False
    assert sniffed(content, TextOptions(quoting=True)).dialect.quoting is True
    with pytest.raises(HeaderMismatch):
        sniffed(content, TextOptions(delimiter=";"))
    assert sniffed(content, dataset="movies").layout.name == "movies"
    with pytest.raises(HeaderMismatch):
        sniffed(content, dataset="title.basics")


def test_a_misfit_is_told_in_the_nearest_dialect() -> None:
    header = [name for name in MOVIES_HEADER if name != "title"]
    with pytest.raises(HeaderMismatch) as raised:
        sniffed(movies({}, header=header).replace(b",", b";"))
    fields = raised.value.fields
    assert (fields["dataset"], fields["missing"], fields["found"]) == ("movies", ["title"], header)
    assert fields["candidates"][0] == {
        "dataset": "movies",
        "score": 1.0,
        "mapping": {name: name for name in header},
        "lacks": ["title"],
        "contradicted": [],
    }


@pytest.mark.parametrize("content", ["\n\nFilm name;Year, month;Shelf\n", "Film name;Year, month;Shelf\rA;1;B\r"])
def test_what_was_found_is_told_in_the_likeliest_dialect(content: str) -> None:
    with pytest.raises(HeaderMismatch) as raised:
        sniffed(content.encode())
    assert raised.value.fields["found"] == ["Film name", "Year, month", "Shelf"]


@given(text=st.text(st.sampled_from(":ab\n"), max_size=30).map(str.encode), block=st.integers(1, 5))
def test_two_colons_become_a_tab_however_the_text_comes(text: bytes, block: int) -> None:
    colons = PairedColons()
    pieces = [colons.feed(text[start : start + block], at_end=False) for start in range(0, len(text), block)]
    assert b"".join(pieces) + colons.feed(b"", at_end=True) == text.replace(b"::", b"\t")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (movies({}, header=[*MOVIES_HEADER, "Title"]), HeaderMismatch),
        (b"\x00\x01\x02 binary\n", UnsupportedFile),
        (movies({}).replace(b"title", b"ti\0tle", 1), UnreadableFile),
        (b'"budget\n' * 10, HeaderMismatch),
        (b"\r\n" * 10, EmptyFile),
        (b"x," * 20_000 + b"\n", HeaderMismatch),
        (b'"a' + b'"' * 1_000_000 + b"\n", UnreadableFile),
        ("\ufeff\n".encode(), EmptyFile),
        (b"30000000.0," + movies({}).split(b"\r\n")[1], HeaderMismatch),
    ],
)
def test_what_is_no_header_is_refused(content: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        sniffed(content)


def test_a_line_end_of_another_kind_in_the_header_is_none() -> None:
    content = movies({}, {"overview": "two\nlines"}, {}, header=[*MOVIES_HEADER, "note"], end="\r")
    for text in (content, content.replace(b"\r", b"\n", 2).replace(b"\n", b"\r", 1)):
        assert sniffed(text).header == [*MOVIES_HEADER, "note"]
        assert sniffed(text).dialect.newline == "\r"
    with pytest.raises(NoValidRecord):
        sniffed(movies(*[{}] * 200, end="\n").replace(b"\n", b"\r", 1))


@pytest.mark.parametrize("delimiter", [",", ";", "|"])
def test_malformed_quotes_everywhere_are_malformed_input_all_the_same(delimiter: str) -> None:
    content = movies(*[{"overview": "XX"}] * 30).replace(b",", delimiter.encode()).replace(b"XX", b'"the "best" film"')
    found = sniffed(content)
    assert found.dialect.quoting is True
    assert read(content, found).reasons["code"].to_pylist() == ["stray_quote"] * 30


def test_a_file_is_read_like_another_if_its_header_can_be() -> None:
    like = Dialect("#", quoting=True, quote="'", escape="\\")
    options = TextOptions(like=like)
    content = movies({}).replace(b",", b"#")
    found = sniffed(content, options).dialect
    assert (found.delimiter, found.quote, found.escape, found.newline) == ("#", "'", "\\", "\r\n")
    assert sniffed(movies({}), options).dialect.delimiter == ","


def test_a_byte_order_mark_twice_is_no_part_of_the_header() -> None:
    content = b"\xef\xbb\xbf" + b"\xef\xbb\xbf".join([movies({}), movies({})])
    found = sniffed(b"\xef\xbb\xbf" + content)
    assert found.header == MOVIES_HEADER
    assert read(content, sniffed(content)).reasons["code"].to_pylist() == ["repeated_header"]


def test_more_is_awaited_until_records_can_be_judged() -> None:
    content = movies(*[{}] * 3_000)
    for size in (10, 1_000, 100_000):
        assert sniff(content[:size], TextOptions(), UploadHeader(REGISTRY), is_all=False) is None
    assert sniff(content[:200_000], TextOptions(), UploadHeader(REGISTRY), is_all=False) is not None


def test_a_file_of_malformed_input_is_refused_and_a_small_one_is_reported() -> None:
    few, many = movies() + b"1,2,3\n" * 99, movies() + b"1,2,3\n" * 100
    assert read(few, sniffed(few)).reasons.num_rows == 99
    with pytest.raises(NoValidRecord) as raised:
        sniffed(many)
    assert raised.value.fields["reasons"] == [{"code": "wrong_field_count", "records": 100}]


def test_a_dialect_of_before_can_still_be_read() -> None:
    stored = {"delimiter": "\t", "quoting": False, "null": "\\N"}
    assert Dialect.from_json(stored) == Dialect("\t", quoting=False)
    dialect = Dialect(";", quoting=True, nulls=("", "x"), newline="\r", encoding="latin-1", bom=True)
    assert Dialect.from_json(dialect.to_json()) == dialect
