"""What comes in: stored once, hashed, recognised, split; whole files that cannot be loaded are refused at once."""

import gzip
import hashlib
import os
from pathlib import Path

import pytest

from shared.errors import (
    CorruptGzip,
    EmptyFile,
    HeaderMismatch,
    IngestError,
    NoSoundRecord,
    TooLarge,
    UnreadableFile,
    UnsupportedFile,
)
from shared.ingest.accept import ReceivedFile, Receiver
from shared.ingest.sniff import Wanted
from shared.settings import Settings
from shared.storage.local import LocalStorage
from tests.rows import MOVIES_HEADER, movies, titles


def receive(
    tmp_path: Path, content: bytes, filename: str, block: int = 100, max_upload_bytes: int = 10**9
) -> ReceivedFile:
    configuration = Settings(
        database_url="postgresql://unused.invalid/x", data_dir=tmp_path, max_upload_bytes=max_upload_bytes
    )
    receiver = Receiver(LocalStorage(configuration.upload_dir), configuration, filename, Wanted())
    try:
        for start in range(0, len(content), block):
            receiver.feed(content[start : start + block])
        return receiver.finish()
    except IngestError:
        receiver.abort()
        assert list(configuration.upload_dir.iterdir()) == []
        raise


@pytest.mark.parametrize("block", [1, 7, 100_000])
def test_a_plain_file(tmp_path: Path, block: int) -> None:
    content = movies(*[{}] * 5)
    received = receive(tmp_path, content, "movies.csv", block)
    assert (tmp_path / "uploads" / received.storage_key).read_bytes() == content
    assert received.sha256 == received.content_sha256 == hashlib.sha256(content).hexdigest()
    assert (received.size_bytes, received.content_bytes) == (len(content), len(content))
    assert received.header == MOVIES_HEADER
    assert received.dataset == "movies"
    assert received.header_bytes == content.index(b"\n") + 1
    assert [(span.byte_end, span.first_line) for span in received.spans] == [(len(content), 2)]


@pytest.mark.parametrize("block", [1, 13, 100_000])
def test_a_gzip_of_several_members(tmp_path: Path, block: int) -> None:
    content = titles(*[{}] * 50)
    sent = gzip.compress(content[:700]) + gzip.compress(content[700:]) + b"\0" * 20
    received = receive(tmp_path, sent, "title.basics.tsv.gz", block)
    assert received.dataset == "title.basics"
    assert (tmp_path / "uploads" / received.storage_key).read_bytes() == content
    assert received.sha256 == hashlib.sha256(sent).hexdigest()
    assert received.content_sha256 == hashlib.sha256(content).hexdigest()
    assert (received.size_bytes, received.content_bytes) == (len(sent), len(content))


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path: Path) -> None:
    received = receive(tmp_path, b"\xef\xbb\xbf" + movies({}), "movies.csv", block=1)
    assert received.header[0] == "budget"
    assert received.spans[0].byte_start == received.header_bytes


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    header = [name for name in MOVIES_HEADER if name not in ("title", "runtime")]
    with pytest.raises(HeaderMismatch) as raised:
        receive(tmp_path, movies({}, header=header), "movies.csv")
    assert raised.value.fields["missing"] == ["runtime", "title"]
    assert raised.value.fields["found"] == header
    assert raised.value.fields["dataset"] == "movies"


REFUSED: list[tuple[str, bytes, type[IngestError]]] = [
    ("movies.csv", b"", EmptyFile),
    ("movies.csv", movies(), EmptyFile),
    ("movies.csv", movies().rstrip(), EmptyFile),
    ("movies.xlsx", movies({}), UnsupportedFile),
    ("movies.csv", gzip.compress(movies({})), UnsupportedFile),
    ("movies.csv.gz", movies({}), UnsupportedFile),
    ("movies.csv", b"PK\x03\x04" + b"\0" * 100, UnsupportedFile),
    ("movies.csv", bytes(range(256)) * 10, UnsupportedFile),
    ("movies.csv.gz", gzip.compress(movies({}))[:-9], CorruptGzip),
    ("movies.csv.gz", gzip.compress(movies({}))[:60] + b"\xff" * 60, CorruptGzip),
    ("movies.csv", b"a,b\n1,2\n", HeaderMismatch),
    ("movies.csv", movies({}, header=[*MOVIES_HEADER, "title"]), HeaderMismatch),
    ("movies.csv", b'budget,"home\xff' + b"x" * 2_000_000, UnreadableFile),
]


@pytest.mark.parametrize(("filename", "content", "error"), REFUSED, ids=lambda value: repr(value)[:30])
def test_whole_file_faults(tmp_path: Path, filename: str, content: bytes, error: type[IngestError]) -> None:
    if error is UnsupportedFile and filename.endswith("xlsx"):
        with pytest.raises(error):
            receive_name_only(tmp_path, filename)
        return
    with pytest.raises(error):
        receive(tmp_path, content, filename, block=1000)


def receive_name_only(tmp_path: Path, filename: str) -> None:
    settings = Settings(database_url="postgresql://unused.invalid/x")
    Receiver(LocalStorage(tmp_path), settings, filename, Wanted())


def test_the_size_limit_counts_what_comes_in(tmp_path: Path) -> None:
    content = movies(*[{}] * 20)
    with pytest.raises(TooLarge):
        receive(tmp_path, content, "movies.csv", max_upload_bytes=len(content) - 1)
    receive(tmp_path, content, "movies.csv", max_upload_bytes=len(content))


def test_a_small_gzip_that_holds_too_much_is_refused(tmp_path: Path) -> None:
    content = gzip.compress(movies({}) + b"a" * 5_000_000)
    with pytest.raises(TooLarge):
        receive(tmp_path, content, "movies.csv.gz", max_upload_bytes=1_000_000)


def test_a_large_gzip_that_holds_little_is_refused(tmp_path: Path) -> None:
    content = gzip.compress(movies({})) + gzip.compress(b"") * 1_000
    with pytest.raises(TooLarge):
        receive(tmp_path, content, "movies.csv.gz", max_upload_bytes=len(content) - 1)
    receive(tmp_path, content, "movies.csv.gz", max_upload_bytes=len(content))


def test_a_stored_file_is_its_owners_whatever_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        received = receive(tmp_path, movies({}), "movies.csv")
    finally:
        os.umask(before)
    stored = tmp_path / "uploads" / received.storage_key
    assert [path.stat().st_mode & 0o777 for path in (stored, stored.parent)] == [0o600, 0o700]


def test_a_header_of_very_many_columns_is_refused_quickly(tmp_path: Path) -> None:
    header = [*MOVIES_HEADER, *(f"x{number}" for number in range(5_000))]
    with pytest.raises(HeaderMismatch, match="columns"):
        receive(tmp_path, movies({}, header=header), "movies.csv", block=100_000)


def test_a_hopeless_header_is_refused_before_the_rest_arrives(tmp_path: Path) -> None:
    settings = Settings(database_url="postgresql://unused.invalid/x", data_dir=tmp_path)
    receiver = Receiver(LocalStorage(settings.upload_dir), settings, "movies.csv", Wanted())
    with pytest.raises(HeaderMismatch):
        receiver.feed(b"a,b,c\n" + b"1,2,3\n" * 100_000)
    receiver.abort()


def test_a_file_without_a_sound_record_is_refused_before_the_rest_arrives(tmp_path: Path) -> None:
    settings = Settings(database_url="postgresql://unused.invalid/x", data_dir=tmp_path)
    receiver = Receiver(LocalStorage(settings.upload_dir), settings, "movies.csv", Wanted())
    with pytest.raises(NoSoundRecord) as raised:
        receiver.feed(movies() + b'"a\n' * 500_000)
    receiver.abort()
    assert raised.value.fields["reasons"][0]["code"] == "unterminated_quote"
