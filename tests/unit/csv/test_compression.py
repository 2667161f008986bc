"""Every codec: any content in any blocks comes out, several streams are one, and what is not whole is an error."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.csv.compression.codec import HARMLESS_BYTES, Codec
from shared.csv.compression.registry import CODECS, ENDINGS_IN_WORDS, FILENAME_PATTERN, codec_of
from shared.csv.compression.tables import TABLE_ENDINGS
from shared.csv.unreadable import CompressionRatioTooHigh, CorruptArchive, MemberNotFound, UnsupportedFile
from tests.compressing import COMPRESS, STREAMS, Compress, compress_xz, compress_zstd
from tests.conftest import ROOT
from tests.unit.csv.unpacking import MOST_RATIO, unpack

stream_codecs = pytest.mark.parametrize(("filename", "compress"), [(f"x.csv{end}", STREAMS[end]) for end in STREAMS])
all_codecs = pytest.mark.parametrize(("filename", "compress"), [(f"x.csv{end}", COMPRESS[end]) for end in COMPRESS])
BLOCKS = st.integers(1, 300)


def test_every_codec_is_tested() -> None:
    assert {codec_of(f"x.csv{end}") for end in COMPRESS} == set(CODECS)


# -- content


@all_codecs
@given(content=st.binary(max_size=2_000), block=BLOCKS)
def test_any_content_in_any_blocks(filename: str, compress: Compress, content: bytes, block: int) -> None:
    assert unpack(compress(content), filename, block) == content


@all_codecs
def test_pieces_are_small_whatever_the_ratio(filename: str, compress: Compress) -> None:
    content = bytes(20_000_000)
    assert unpack(compress(content), filename) == content


@stream_codecs
@given(contents=st.lists(st.binary(max_size=300), max_size=5), zeros=st.integers(0, 9), block=BLOCKS)
def test_streams_behind_each_other_are_one(
    filename: str, compress: Compress, contents: list[bytes], zeros: int, block: int
) -> None:
    data = b"".join(compress(content) + bytes(zeros) for content in (b"a", *contents))
    assert unpack(data, filename, block) == b"".join((b"a", *contents))


def test_frames_that_decoders_skip() -> None:
    skipped = b"\x5a\x2a\x4d\x18" + (3).to_bytes(4, "little") + b"abc"
    data = skipped + compress_zstd(b"a") + skipped + compress_zstd(b"b") + skipped
    assert unpack(data, "x.csv.zst", block=5) == b"ab"


# -- what is not whole


@all_codecs
def test_a_file_that_is_cut_off_anywhere_is_corrupt(filename: str, compress: Compress) -> None:
    data = compress(b"some text, some more text") + (compress(b"the rest") if filename != "x.csv.zip" else b"")
    first = len(compress(b"some text, some more text"))
    for end in range(1, len(data)):
        if filename == "x.csv.zip" or end != first:
            with pytest.raises(CorruptArchive, match="cut off"):
                unpack(data[:end], filename)


@all_codecs
@pytest.mark.parametrize("block", [1, 1000])
def test_bytes_behind_the_end_are_an_error_and_zeros_are_not(filename: str, compress: Compress, block: int) -> None:
    data = compress(b"abc")
    assert unpack(data + bytes(50), filename, block) == b"abc"
    for rest in (b"garbage and more of it", bytes(50) + b"garbage and more of it"):
        with pytest.raises(CorruptArchive):
            unpack(data + rest, filename, block)


@all_codecs
def test_a_byte_that_changed_is_seen(filename: str, compress: Compress) -> None:
    content = b"some text, and some more of it; " * 3
    data = compress(content)
    for position in range(6, len(data)):
        changed = data[:position] + bytes([data[position] ^ 0x55]) + data[position + 1 :]
        try:
            found = unpack(changed, filename)
        except (CorruptArchive, UnsupportedFile):
            continue
        assert found == content, position  # a date, for example


# -- limits


@stream_codecs
def test_content_beyond_the_ratio_is_refused(filename: str, compress: Compress) -> None:
    stream = compress(bytes(4_000_000))
    count = HARMLESS_BYTES // 4_000_000 + 2
    assert len(stream) * MOST_RATIO < 4_000_000
    assert len(unpack(stream * (count - 2), filename)) < HARMLESS_BYTES
    with pytest.raises(CompressionRatioTooHigh) as raised:
        unpack(stream * count, filename)
    assert raised.value.fields == {"max_compression_ratio": MOST_RATIO}


def test_a_dictionary_that_needs_too_much_memory_is_refused() -> None:
    assert unpack(compress_xz(b"abc", 64 << 20), "x.csv.xz") == b"abc"
    with pytest.raises(UnsupportedFile, match=r"64 MiB of memory.*xz -9"):
        unpack(compress_xz(b"abc", 96 << 20), "x.csv.xz")


def test_a_window_that_needs_too_much_memory_is_refused() -> None:
    assert unpack(compress_zstd(b"abc", 26), "x.csv.zst") == b"abc"
    with pytest.raises(UnsupportedFile, match=r"64 MiB of memory.*--long"):
        unpack(compress_zstd(b"abc", 27), "x.csv.zst")


@pytest.mark.alone
@stream_codecs
def test_tiny_streams_cost_what_they_weigh(filename: str, compress: Compress) -> None:
    def seconds(count: int) -> float:
        started = time.process_time()
        assert unpack(compress(b"") * count, filename) == b""
        return time.process_time() - started

    small = min(seconds(10_000) for _ in range(3))
    assert seconds(100_000) < 40 * small


@all_codecs
def test_memory_is_flat(tmp_path: Path, filename: str, compress: Compress) -> None:
    """In a process of its own, because only its peak can be measured."""
    files = []
    for size in (1_000_000, 64_000_000):
        (tmp_path / str(size)).mkdir()
        files.append(tmp_path / str(size) / filename)
        files[-1].write_bytes(compress(bytes(size)))
    command = [sys.executable, "-m", "tests.unit.csv.peak_memory", *map(str, files)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 12 * 1024  # 8 MiB of it are the dictionary of xz


# -- names


@pytest.mark.parametrize("table", TABLE_ENDINGS)
@pytest.mark.parametrize("codec", [None, *CODECS], ids=lambda codec: codec.name if codec else "plain")
def test_endings_combine(table: str, codec: Codec | None) -> None:
    for ending in codec.endings if codec else ("",):
        for name in (f"a b{table}{ending}", f"MOVIES{table}{ending}".upper()):
            assert codec_of(name) is codec
            assert re.search(FILENAME_PATTERN, name)
            assert table in ENDINGS_IN_WORDS
            assert ending in ENDINGS_IN_WORDS or ending == ".zstd"


def test_an_archive_needs_no_other_ending() -> None:
    assert codec_of("ml-latest.ZIP") is CODECS[-1]
    assert re.search(FILENAME_PATTERN, "ml-latest.ZIP")


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("movies.xlsx", "save it as CSV UTF-8"),
        ("movies.XLS", "save it as CSV UTF-8"),
        ("movies.ods", "save it as CSV UTF-8"),
        ("movies.json", "export the table"),
        ("movies.json.gz", "export the table"),
        ("movies.pdf", "export the table"),
        ("movies.parquet", "export the table"),
        ("movies.tar.gz", "unpack it"),
        ("movies.7z", "unpack it"),
        ("movies.csv.tgz", "unpack it"),
        ("movies.gz", ".csv, .tsv, .txt"),
        ("movies", ".csv, .tsv, .txt"),
        ("movies.csv.exe", ".gz, .bz2, .xz, .zst"),
        ("csv", ".zip"),
        ("movies.zip.gz", ".zip"),
    ],
)
def test_another_name_is_refused_with_what_to_do(name: str, advice: str) -> None:
    with pytest.raises(UnsupportedFile, match=re.escape(advice)):
        codec_of(name)
    assert not re.search(FILENAME_PATTERN, name)


# -- names and contents


@pytest.mark.parametrize("named", ["", *COMPRESS])
@pytest.mark.parametrize("ending", ["", *COMPRESS])
def test_name_and_content_must_agree(named: str, ending: str) -> None:
    data = COMPRESS[ending](b"a,b\n1,2\n") if ending else b"a,b\n1,2\n"
    if named == ending:
        assert unpack(data, f"x.csv{named}") == b"a,b\n1,2\n"
        return
    with pytest.raises(UnsupportedFile, match="content is"):
        unpack(data, f"x.csv{named}")


@pytest.mark.parametrize("named", ["", *COMPRESS])
@pytest.mark.parametrize(
    ("data", "advice"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old spreadsheet or document: open it and save it as CSV UTF-8"),
        (b"%PDF-1.7\n", "a PDF: export"),
        (b"PAR1\x15\x04", "a Parquet file: export"),
        (b"ARROW1\0\0", "an Arrow file: export"),
        (b"SQLite format 3\0", "a SQLite database: export"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive: unpack"),
        (b"Rar!\x1a\x07\x01\0", "a RAR archive: unpack"),
        (b"movies.csv".ljust(257, b"\0") + b"ustar\x0000", "a tar archive: unpack"),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_do(named: str, data: bytes, advice: str) -> None:
    with pytest.raises(UnsupportedFile, match=advice):
        unpack(data, f"x.csv{named}")


@pytest.mark.parametrize("first", [b"BZhang,year\n", b"P", b"PK,id\n", b"(", b"\x1f"])
def test_text_that_begins_like_a_codec_is_text(first: bytes) -> None:
    assert unpack(first, "x.csv") == first


@pytest.mark.parametrize("filename", ["x.csv", "x.csv.gz"])
def test_only_an_archive_has_members(filename: str) -> None:
    with pytest.raises(MemberNotFound):
        unpack(b"", filename, member="x.csv")


def test_the_order_of_codecs_decides_nothing() -> None:
    assert len({ending for codec in CODECS for ending in codec.endings}) == sum(len(codec.endings) for codec in CODECS)
