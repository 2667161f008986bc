"""What Python's csv writes is read back: equal values, or a word about it. Never another value in silence.

docs/FILES.md says what counts as equal.
"""

import csv
import io
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from shared.csv.dialect import Dialect
from shared.csv.reading.read import read_batch
from shared.csv.sniffing.sniff import TextOptions
from shared.csv.unreadable import UnreadableFile
from shared.ingest.intake.file_intake import FileIntake, StagedFile
from shared.ingest.intake.headers import UploadHeader
from shared.settings import Settings
from shared.storage.directory import DirectoryStorage
from tests.conftest import REGISTRY

HEADER = ["title", "overview", "homepage"]
CHARACTERS = "abAB'\",;|\t\n\r \\.~^:"
CELLS = st.text(st.sampled_from(f"{CHARACTERS}é"), max_size=8)
ROWS = st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=12)
STYLES = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from(",;\t|^~:"),
        "quotechar": st.sampled_from("\"'"),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC, csv.QUOTE_NONE]),
        "doublequote": st.booleans(),
        "escapechar": st.sampled_from([None, "\\"]),
        "lineterminator": st.sampled_from(["\n", "\r\n", "\r", "\r\r\n"]),
    }
)
# Letters of one language that each encoding is used for.
LETTERS = {
    **dict.fromkeys(("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"), "éßłЖשعอ映画"),
    **dict.fromkeys(("cp1250", "iso8859-2"), "ąćęłńóśźżĄŁŚ"),
    **dict.fromkeys(("cp1251", "koi8-r", "iso8859-5", "cp866", "mac-cyrillic"), "абвгдежзийклмнопрстуАБВ"),
    **dict.fromkeys(("cp1252", "iso8859-1", "iso8859-15", "mac-roman", "cp850"), "àâçéèêëîïôùûÉÀ"),
    **dict.fromkeys(("cp1253", "iso8859-7"), "αβγδεζηθικλμνξοπΑΒ"),
    **dict.fromkeys(("cp1254", "iso8859-9"), "çğıöşüÇĞİÖŞÜ"),
    "koi8-u": "абвгґєіїжз",
    "cp1255": "אבגדהוזחטיכ",
    "cp1256": "ابتثجحخدذرز",
    "cp1257": "āčēģīķļņšūž",
    "cp874": "กขคงจฉชซ",
    **dict.fromkeys(("shift_jis", "cp932", "euc-jp", "iso-2022-jp"), "あいうえカキク映画日本表能"),
    **dict.fromkeys(("gb18030", "gbk"), "电影中国的一是在"),
    "big5": "電影中國的一是在功許蓋",
    "euc-kr": "가나다라마바사영화",
}
WRAPPED = re.compile(r'"(?:[^"]|"")*"')
SETTINGS = Settings(DATABASE_URL="postgresql://nobody@127.0.0.1/none", REDIS_URL="redis://127.0.0.1/0")


def written(rows: list[list[str]], style: dict[str, Any]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, **style)
    try:
        writer.writerows([HEADER, *rows])
    except csv.Error:  # the style has no way to write these cells
        assume(False)
    return text.getvalue()


def as_read(cell: str, style: dict[str, Any], dialect: Dialect) -> str | None:
    """A cell between double quotes is a wrapped one, unless the file shows that they are plain characters."""
    has_plain_quotes = style["quotechar"] != '"' or style["quoting"] == csv.QUOTE_NONE
    if has_plain_quotes and dialect.quoting and dialect.quote == '"' and WRAPPED.fullmatch(cell):
        cell = cell[1:-1].replace('""', '"')
    return cell or None


def stored(directory: Path, content: bytes, options: TextOptions) -> tuple[StagedFile, bytes]:
    storage = DirectoryStorage(directory)
    intake = FileIntake(storage, SETTINGS, "films.csv", options, UploadHeader(REGISTRY, "movies"))
    try:
        intake.feed(content)
        staged = intake.finish()
    except BaseException:
        intake.abort()
        raise
    return staged, storage.read(staged.storage_key, 0, staged.content_bytes)


def read(staged: StagedFile, content: bytes) -> tuple[list[list[str | None]], bool]:
    """The rows that would be loaded, and whether anything is said about the file or its records."""
    warnings, rejects, rows = list(staged.warnings), 0, list[list[str | None]]()
    for span in staged.spans:
        data = content[span.byte_start : span.byte_end]
        records = read_batch(data, span.first_line, staged.dialect, staged.header, span.byte_start, span.header)
        warnings += records.warnings
        rejects += records.reasons.num_rows
        columns = [records.table[name].to_pylist() for name in HEADER if name in staged.header]
        rows += map(list, zip(*columns, strict=True))
    return rows, bool(warnings or rejects)


def assert_nothing_else_is_read_in_silence(
    rows: list[list[str]], style: dict[str, Any], encoding: str, options: TextOptions
) -> None:
    content = written(rows, style).encode(encoding)
    with TemporaryDirectory() as directory:
        try:
            staged, text = stored(Path(directory), content, options)
        except UnreadableFile:
            return
        found, is_told = read(staged, text)
    expected = [[as_read(cell, style, staged.dialect) for cell in row] for row in rows]
    assert is_told or found == [row for row in expected if any(row)], staged.dialect


SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much]
# Of each encoding; there are some forty.
MOST_EXAMPLES = 20


@settings(deadline=None, suppress_health_check=SLOW)
@given(rows=ROWS, style=STYLES)
def test_nothing_else_is_read_in_silence(rows: list[list[str]], style: dict[str, Any]) -> None:
    assert_nothing_else_is_read_in_silence(rows, style, "utf-8", TextOptions())


@settings(max_examples=MOST_EXAMPLES, deadline=None, suppress_health_check=SLOW)
@given(data=st.data(), style=STYLES, is_named=st.booleans())
@pytest.mark.parametrize("encoding", LETTERS)
def test_nor_in_any_encoding(encoding: str, data: st.DataObject, style: dict[str, Any], *, is_named: bool) -> None:
    letters = st.text(st.sampled_from(LETTERS[encoding]), min_size=1, max_size=12)
    cells = st.one_of(letters, st.text(st.sampled_from(f"{CHARACTERS}{LETTERS[encoding]}"), max_size=8))
    rows = data.draw(st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=8))
    options = TextOptions(encoding=encoding) if is_named else TextOptions()
    assert_nothing_else_is_read_in_silence(rows, style, encoding, options)
