"""What Python's csv writes is read back: equal values, or a word about it. Never another value in silence.

docs/FILES.md says what counts as equal.
"""

import csv
import io
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

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
CELLS = st.text(st.sampled_from("abAB'\",;|\t\n\r \\é.~^:"), max_size=8)
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


def stored(directory: Path, content: bytes) -> tuple[StagedFile, bytes]:
    storage = DirectoryStorage(directory)
    intake = FileIntake(storage, SETTINGS, "films.csv", TextOptions(), UploadHeader(REGISTRY, "movies"))
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


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(rows=ROWS, style=STYLES)
def test_nothing_else_is_read_in_silence(rows: list[list[str]], style: dict[str, Any]) -> None:
    content = written(rows, style).encode()
    with TemporaryDirectory() as directory:
        try:
            staged, text = stored(Path(directory), content)
        except UnreadableFile:
            return
        found, is_told = read(staged, text)
    expected = [[as_read(cell, style, staged.dialect) for cell in row] for row in rows]
    assert is_told or found == [row for row in expected if any(row)], staged.dialect
