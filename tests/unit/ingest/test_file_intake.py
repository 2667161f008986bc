"""The intake of a file: stored once, hashed, recognised, split; a file that cannot be loaded is refused at once."""

import gzip
import hashlib
import os
from pathlib import Path

import pytest

from shared.csv.sniffing.sniff import TextOptions
from shared.csv.unreadable import (
    CorruptArchive,
    EmptyFile,
    HeaderMismatch,
    MemberNotFound,
    NoValidRecord,
    SeveralTables,
    UnreadableFile,
    UnsupportedFile,
)
from shared.errors import IngestError, TooLarge
from shared.ingest.intake.file_intake import FileIntake, StagedFile
from shared.ingest.intake.headers import UploadHeader
from shared.settings import Settings
from shared.storage.directory import DirectoryStorage
from tests.archives import Member, archive
from tests.conftest import REGISTRY
from tests.rows import MOVIES_HEADER, movies, titles
from tests.unit.csv.reading import assert_spans_tile


def intake_of(settings: Settings, filename: str, member: str | None = None) -> FileIntake:
    storage = DirectoryStorage(settings.upload_dir)
    return FileIntake(storage, settings, filename, TextOptions(), UploadHeader(REGISTRY), member)


def receive(
    tmp_path: Path,
    content: bytes,
    filename: str,
    block: int = 100,
    max_upload_bytes: int = 10**9,
    member: str | None = None,
) -> StagedFile:
    configuration = Settings(
        database_url="postgresql://unused.invalid/x", data_dir=tmp_path, max_upload_bytes=max_upload_bytes
    )
    intake = intake_of(configuration, filename, member)
    try:
        for start in range(0, len(content), block):
            intake.feed(content[start : start + block])
        return intake.finish()
    except (IngestError, UnreadableFile):
        intake.abort()
        assert list(configuration.upload_dir.iterdir()) == []
        raise


@pytest.mark.parametrize("block", [1, 7, 100_000])
def test_a_plain_file(tmp_path: Path, block: int) -> None:
    content = movies(*[{}] * 5)
    staged = receive(tmp_path, content, "movies.csv", block)
    assert (tmp_path / "uploads" / staged.storage_key).read_bytes() == content
    assert staged.sha256 == hashlib.sha256(content).hexdigest()
    assert (staged.size_bytes, staged.content_bytes) == (len(content), len(content))
    assert staged.header == MOVIES_HEADER
    assert staged.dataset.name == "movies"
    assert staged.header_bytes == content.index(b"\n") + 1
    assert staged.is_small
    assert len(staged.spans) == 1
    assert_spans_tile(content[staged.header_bytes :], staged.spans, staged.header_bytes, 2)


@pytest.mark.parametrize("block", [1, 13, 100_000])
def test_a_gzip_of_several_members(tmp_path: Path, block: int) -> None:
    content = titles(*[{}] * 50)
    sent = gzip.compress(content[:700]) + gzip.compress(content[700:]) + b"\0" * 20
    staged = receive(tmp_path, sent, "title.basics.tsv.gz", block)
    assert staged.dataset.name == "title.basics"
    assert (tmp_path / "uploads" / staged.storage_key).read_bytes() == content
    assert staged.sha256 == hashlib.sha256(sent).hexdigest()
    assert_spans_tile(content[staged.header_bytes :], staged.spans, staged.header_bytes, 2)
    assert (staged.size_bytes, staged.content_bytes) == (len(sent), len(content))


@pytest.mark.parametrize("block", [1, 100_000])
@pytest.mark.parametrize("notes", [b"This is no table.", titles({}), b""])
def test_a_likelier_table_of_an_archive_replaces_the_one_before(tmp_path: Path, notes: bytes, block: int) -> None:
    content = movies(*[{}] * 5)
    sent = archive(Member("notes.txt", notes), Member("movies.csv", content, descriptor=4))
    staged = receive(tmp_path, sent, "movies.zip", block)
    assert (staged.dataset.name, staged.filename, staged.member) == ("movies", "movies.zip", "movies.csv")
    assert staged.sha256 == hashlib.sha256(sent).hexdigest()
    assert [path.read_bytes() for path in (tmp_path / "uploads").iterdir()] == [content]
    assert_spans_tile(content[staged.header_bytes :], staged.spans, staged.header_bytes, 2)


def test_the_client_chooses_the_member_of_an_archive(tmp_path: Path) -> None:
    sent = archive(Member("a.csv", movies({})), Member("b.csv", titles({})), Member("c.txt", b"a,b\n1,2\n"))
    assert receive(tmp_path, sent, "x.zip", member="b.csv").dataset.name == "title.basics"
    for member, error in (("c.txt", HeaderMismatch), ("d.csv", MemberNotFound)):
        with pytest.raises(error):
            receive(tmp_path / member, sent, "x.zip", member=member)


def test_a_chosen_member_that_is_no_dataset_is_refused_before_the_rest_arrives(tmp_path: Path) -> None:
    sent = archive(Member("a.csv", b"a,b\n" + b"1,2\n" * 100_000))
    intake = intake_of(Settings(database_url="postgresql://unused.invalid/x", data_dir=tmp_path), "x.zip", "a.csv")
    with pytest.raises(HeaderMismatch):
        intake.feed(sent[:-200])
    intake.abort()


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path: Path) -> None:
    staged = receive(tmp_path, b"\xef\xbb\xbf" + movies({}), "movies.csv", block=1)
    assert staged.header[0] == "budget"
    assert staged.spans[0].byte_start == staged.header_bytes


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    header = [name for name in MOVIES_HEADER if name not in ("title", "runtime")]
    with pytest.raises(HeaderMismatch) as raised:
        receive(tmp_path, movies({}, header=header), "movies.csv")
    assert raised.value.fields["missing"] == ["title"]
    assert raised.value.fields["found"] == header
    assert raised.value.fields["dataset"] == "movies"


REFUSED: list[tuple[str, bytes, type[Exception]]] = [
    ("movies.csv", b"", EmptyFile),
    ("movies.csv", movies(), EmptyFile),
    ("movies.csv", movies().rstrip(), EmptyFile),
    ("movies.xlsx", movies({}), UnsupportedFile),
    ("movies.csv", gzip.compress(movies({}), mtime=0), UnsupportedFile),
    ("movies.csv.gz", movies({}), UnsupportedFile),
    ("movies.csv", b"PK\x03\x04" + b"\0" * 100, UnsupportedFile),
    ("movies.csv", bytes(range(256)) * 10, UnsupportedFile),
    ("movies.csv.gz", gzip.compress(movies({}), mtime=0)[:-9], CorruptArchive),
    ("movies.csv.gz", gzip.compress(movies({}), mtime=0)[:60] + b"\xff" * 60, CorruptArchive),
    ("movies.zip", archive(Member("a.csv", movies({})), Member("b.csv", movies({}))), SeveralTables),
    ("movies.zip", archive(Member("a.csv", b"a,b\n1,2\n"), Member("b.csv", movies({}))), SeveralTables),
    ("movies.zip", archive(Member("a.csv", b"a,b\n1,2\n"), Member("b.txt", movies({}))), HeaderMismatch),
    ("movies.zip", archive(Member("a.csv", movies())), EmptyFile),
    ("movies.zip", archive(Member("a.csv", movies({})))[:-1], CorruptArchive),
    ("movies.csv", b"a,b\n1,2\n", HeaderMismatch),
    ("movies.csv", movies({}, header=[*MOVIES_HEADER, "title"]), HeaderMismatch),
    ("movies.csv", b'budget,"home\xff' + b"x" * 2_000_000, UnreadableFile),
]


@pytest.mark.parametrize(("filename", "content", "error"), REFUSED, ids=lambda value: repr(value)[:30])
def test_whole_file_faults(tmp_path: Path, filename: str, content: bytes, error: type[Exception]) -> None:
    if error is UnsupportedFile and filename.endswith("xlsx"):
        with pytest.raises(error):
            receive_name_only(tmp_path, filename)
        return
    with pytest.raises(error):
        receive(tmp_path, content, filename, block=1000)


def receive_name_only(tmp_path: Path, filename: str) -> None:
    intake_of(Settings(database_url="postgresql://unused.invalid/x", data_dir=tmp_path), filename)


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
        staged = receive(tmp_path, movies({}), "movies.csv")
    finally:
        os.umask(before)
    stored = tmp_path / "uploads" / staged.storage_key
    assert [path.stat().st_mode & 0o777 for path in (stored, stored.parent)] == [0o600, 0o700]


def test_a_header_of_very_many_columns_is_refused_quickly(tmp_path: Path) -> None:
    header = [*MOVIES_HEADER, *(f"x{number}" for number in range(5_000))]
    with pytest.raises(HeaderMismatch, match="columns"):
        receive(tmp_path, movies({}, header=header), "movies.csv", block=100_000)


def test_a_hopeless_header_is_refused_before_the_rest_arrives(tmp_path: Path) -> None:
    settings = Settings(database_url="postgresql://unused.invalid/x", data_dir=tmp_path)
    intake = intake_of(settings, "movies.csv")
    with pytest.raises(HeaderMismatch):
        intake.feed(b"a,b,c\n" + b"1,2,3\n" * 100_000)
    intake.abort()


def test_a_file_without_a_valid_record_is_refused_before_the_rest_arrives(tmp_path: Path) -> None:
    settings = Settings(database_url="postgresql://unused.invalid/x", data_dir=tmp_path)
    intake = intake_of(settings, "movies.csv")
    with pytest.raises(NoValidRecord) as raised:
        intake.feed(movies() + b'"a\n' * 500_000)
    intake.abort()
    assert raised.value.fields["reasons"][0]["code"] == "unterminated_quote"
