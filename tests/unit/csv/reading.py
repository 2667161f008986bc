"""What holds for reading and splitting of any bytes: property tests and fuzzing ask the same."""

from collections.abc import Sequence

import xxhash

from shared.csv.dialect import Dialect
from shared.csv.reading.read import read_batch
from shared.csv.reading.records import Records
from shared.csv.split import Span, Splitter
from shared.csv.structure.scan import scan_record
from tests.unit.csv.dialects import CSV, TSV

HEADER = ["a", "b", "c"]
DIALECTS = {
    "csv": CSV,
    "tsv": TSV,
    "apostrophes": Dialect(";", quoting=True, quote="'", escape="'"),
    "backslashes": Dialect(",", quoting=True, escape="\\"),
    "backslashes and apostrophes": Dialect("|", quoting=True, quote="'", escape="\\"),
    "tabs and quotes": Dialect("\t", quoting=True),
}


def seen(records: Records) -> list[tuple[int, tuple[str | None, ...]]]:
    columns = [column.to_pylist() for column in records.table.columns]
    return list(zip(records.line_numbers.tolist(), zip(*columns, strict=True), strict=True))


def faults(records: Records) -> list[tuple[int, str | None, str]]:
    found = zip(*(records.reasons[name].to_pylist() for name in ("record", "column", "code")), strict=True)
    return sorted(
        ((int(records.locations.line_numbers[record]), column, code) for record, column, code in found),
        key=lambda fault: fault[0],
    )


def read_behind_others(content: bytes, dialect: Dialect) -> Records:
    """Read the content as the middle of a file: from line 5 and byte 70 on."""
    return read_batch(content, 5, dialect, HEADER, first_byte=70)


def assert_every_byte_is_in_one_record(content: bytes, records: Records) -> None:
    locations = records.locations
    assert locations.byte_starts.tolist() == [70, *locations.byte_ends.tolist()][: len(locations)]
    assert (locations.byte_ends[-1] if len(locations) else 70) == 70 + len(content)
    loaded, refused = set(records.numbers.tolist()), set(records.reasons["record"].to_pylist())
    blank = set(records.blank.tolist())
    assert loaded | refused | blank == set(range(len(locations)))
    assert len(loaded) + len(refused) + len(blank) == len(locations)
    line = 5
    for number, start, end in zip(
        locations.line_numbers.tolist(), locations.byte_starts.tolist(), locations.byte_ends.tolist(), strict=True
    ):
        assert number == line
        line += content.count(b"\n", start - 70, end - 70)


def assert_loaded_as_scanned(content: bytes, dialect: Dialect, records: Records) -> None:
    """Each loaded record has the values that `scan_record` finds in its bytes."""
    for number, (_, row) in zip(records.numbers.tolist(), seen(records), strict=True):
        record = content[records.locations.byte_starts[number] - 70 : records.locations.byte_ends[number] - 70]
        fields = scan_record(record, 0, dialect).fields
        assert fields is not None
        assert tuple(None if cell.decode() in dialect.nulls else cell.decode() for cell in fields) == row


def assert_spans_tile(content: bytes, spans: Sequence[Span], first_byte: int, first_line: int) -> None:
    """`content` begins at `first_byte` of the file, in this line, with a record."""
    byte, line = first_byte, first_line
    for span in spans:
        assert (span.byte_start, span.first_line) == (byte, line)
        assert span.byte_end > span.byte_start
        start, part = byte - first_byte, content[byte - first_byte : span.byte_end - first_byte]
        assert span.line_feeds == part.count(b"\n")
        assert span.begins_in_line == (start > 0 and content[start - 1 : start] != b"\n")
        assert span.checksum == xxhash.xxh3_128(part).digest()
        byte, line = span.byte_end, line + span.line_feeds
    assert byte == first_byte + len(content)


def assert_batches_make_no_difference(content: bytes, dialect: Dialect, batch_bytes: int, block: int) -> None:
    splitter = Splitter(0, 1, batch_bytes, dialect, HEADER)
    for start in range(0, len(content), block):
        splitter.feed(content[start : start + block])
    spans = splitter.finish()
    assert_spans_tile(content, spans, 0, 1)
    parts = [read_batch(content[span.byte_start : span.byte_end], span.first_line, dialect, HEADER) for span in spans]
    whole = read_batch(content, 1, dialect, HEADER)
    assert [row for part in parts for row in seen(part)] == seen(whole)
    assert [fault for part in parts for fault in faults(part)] == faults(whole)
