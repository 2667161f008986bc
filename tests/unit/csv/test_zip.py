"""Archives that are read forward: whoever wrote them, one table comes out, the same that other readers see, or none."""

import gzip
import io
import random
import time
import zipfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import Buffer

from shared.csv.compression.codec import ANEW, HARMLESS_BYTES
from shared.csv.unreadable import (
    CompressionRatioTooHigh,
    CorruptArchive,
    MemberNotFound,
    SeveralTables,
    UnreadableFile,
    UnsupportedFile,
)
from tests.archives import DESCRIPTOR, ENCRYPTED, END, LOCAL, MASKED, PATCHED, STORED, Member, archive
from tests.conftest import absent
from tests.unit.csv.unpacking import pieces, unpack

TABLE = b"a,b\n1,2\n" * 30
MOVIES = Member("movies.csv", TABLE)
NOTES = Member("notes.txt", b"This is no table. ")


class Pipe(io.RawIOBase):
    """A file that cannot seek, so that sizes are written behind the content."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, block: Buffer) -> int:
        self.data += bytes(block)
        return memoryview(block).nbytes


def written(members: Sequence[tuple[str, bytes]], method: int, *, is_pipe: bool, zip64: bool = False) -> bytes:
    """As Python's own module writes it."""
    pipe, file = Pipe(), io.BytesIO()
    with zipfile.ZipFile(io.BufferedWriter(pipe) if is_pipe else file, "w", method) as target:
        for name, content in members:
            with target.open(name, "w", force_zip64=zip64) as member:
                member.write(content)
    return pipe.data or file.getvalue()


# -- what programs write


@pytest.mark.parametrize(
    ("method", "is_pipe"),
    [(zipfile.ZIP_DEFLATED, False), (zipfile.ZIP_DEFLATED, True), (zipfile.ZIP_STORED, False)],
)
@given(
    content=st.binary(max_size=3_000),
    others=st.lists(st.binary(max_size=100), max_size=3),
    index=st.integers(0, 3),
    block=st.integers(1, 400),
    zip64=st.booleans(),
)
def test_what_python_writes(
    method: int, content: bytes, others: list[bytes], index: int, block: int, *, is_pipe: bool, zip64: bool
) -> None:
    members = [(f"images/{number}.jpg", other) for number, other in enumerate(others)]
    members.insert(index, ("data/movies.csv", content))
    data = written(members, method, is_pipe=is_pipe, zip64=zip64)
    assert unpack(data, "x.zip", block) == content


@pytest.mark.parametrize("descriptor", [0, 4, 8])
@pytest.mark.parametrize("signature", [DESCRIPTOR, b""])
@pytest.mark.parametrize("zip64", [False, True])
@pytest.mark.parametrize("content", [b"", b"a", TABLE])
@pytest.mark.parametrize("large", [False, True])
def test_every_form_of_sizes(content: bytes, descriptor: int, signature: bytes, *, zip64: bool, large: bool) -> None:
    member = Member("x.csv", content, descriptor=descriptor, signature=signature, zip64=zip64)
    skipped = Member("x.jpg", content, descriptor=descriptor, signature=signature, zip64=zip64)
    for members in ((member,), (skipped, member), (member, skipped)):
        assert unpack(archive(*members, large=large), "x.zip", block=7) == content


def test_a_folder_with_a_descriptor_is_empty() -> None:
    folder = Member("data/", method=STORED, descriptor=4)
    assert unpack(archive(folder, Member("data/movies.csv", TABLE)), "x.zip") == TABLE


def test_a_comment_and_zeros_behind_it() -> None:
    assert unpack(archive(MOVIES, comment=b"made by hand") + bytes(100), "x.zip", block=11) == TABLE


def test_a_real_archive(shared_data: Path) -> None:
    packed = shared_data / "tmdb" / "tmdb_5000_movies.csv.zip"
    if not packed.is_file():
        absent(packed.name)
    assert unpack(packed.read_bytes(), packed.name) == packed.with_suffix("").read_bytes()


# -- which member


@pytest.mark.parametrize(
    "others",
    [
        [Member("__MACOSX/._movies.csv", b"x")],
        [Member(".DS_Store", b"x"), Member("a/.hidden.csv", b"x")],
        [Member("data/", b"")],
        [Member(name, b"x") for name in ("", ".", "..", "./", "/", "\\", "\0", "\xff")],
        [Member("readme.txt", b"x"), Member("license.txt", b"x")],
        [Member("poster.jpg", b"x"), Member("README", b"x"), Member("data.json", b"x")],
        [Member("old.xlsx", b"PK")],
    ],
    ids=lambda others: others[0].name,
)
def test_the_table_is_found_wherever_it_is(others: list[Member]) -> None:
    for members in ([MOVIES, *others], [*others, MOVIES], [others[0], MOVIES, *others[1:]]):
        assert unpack(archive(*members), "x.zip", block=10) == TABLE


@pytest.mark.parametrize("name", ["./movies.csv", "data\\movies.csv", "a b/Amélie.CSV", "xl/movies.tsv"])
def test_a_table_in_any_folder(name: str) -> None:
    assert unpack(archive(Member("data\\"), Member(name, TABLE)), "x.zip") == TABLE


def test_another_ending_of_tables_will_do_if_there_is_no_other() -> None:
    assert unpack(archive(Member("ml-100k/u.item", TABLE), Member("a.jpg", b"x")), "x.zip") == TABLE


def test_a_likelier_table_replaces_the_one_before() -> None:
    found = list(pieces(archive(NOTES, MOVIES), "x.zip"))
    assert found == [NOTES.content, ANEW, TABLE]
    assert list(pieces(archive(NOTES, Member("movies.csv")), "x.zip")) == [NOTES.content, ANEW]


@pytest.mark.parametrize("name", ["ratings.csv", "folder/movies.csv", "MOVIES.TSV", "movies.csv.gz", "movies.csv"])
def test_several_tables_are_listed_and_none_is_guessed(name: str) -> None:
    with pytest.raises(SeveralTables) as raised:
        unpack(archive(NOTES, MOVIES, Member("x.jpg"), Member(name, TABLE), Member("readme.txt")), "x.zip")
    assert raised.value.fields == {"members": ["movies.csv", name]}


def test_several_likely_tables_are_listed() -> None:
    with pytest.raises(SeveralTables) as raised:
        unpack(archive(NOTES, Member("u.data"), Member("u.item")), "x.zip")
    assert raised.value.fields == {"members": ["notes.txt", "u.data", "u.item"]}


def test_a_hundred_are_listed_at_most() -> None:
    with pytest.raises(SeveralTables) as raised:
        unpack(archive(*(Member(f"{number}.csv") for number in range(150))), "x.zip")
    assert raised.value.fields["members"] == [f"{number}.csv" for number in range(100)]
    with pytest.raises(UnsupportedFile) as refused:
        unpack(archive(*(Member(f"{number}.jpg") for number in range(150))), "x.zip")
    assert refused.value.fields["members"] == [f"{number}.jpg" for number in range(100)]


@pytest.mark.parametrize("member", ["movies.csv", "notes.txt", "a/ratings.csv", "README", "Amélie.csv", "zo\xe9.csv"])
def test_the_client_chooses(member: str) -> None:
    names = ("movies.csv", "notes.txt", "a/ratings.csv", "README", "Amélie.csv", "zo\xe9.csv".encode("cp437"))
    data = archive(*(Member(name, f"{name!r}\n".encode()) for name in names))
    chosen = next(name for name in names if name in (member, member.encode("cp437")))
    assert unpack(data, "x.zip", member=member) == f"{chosen!r}\n".encode()


def test_a_member_that_is_not_there() -> None:
    with pytest.raises(MemberNotFound) as raised:
        unpack(archive(MOVIES, NOTES), "x.zip", member="Movies.csv")
    assert raised.value.fields == {"member": "Movies.csv", "members": ["movies.csv", "notes.txt"]}


def test_a_member_that_is_there_twice() -> None:
    with pytest.raises(SeveralTables):
        unpack(archive(MOVIES, Member("movies.csv", b"x\n1\n")), "x.zip", member="movies.csv")


def test_a_table_that_is_compressed_once_more() -> None:
    packed = gzip.compress(TABLE) + gzip.compress(TABLE)
    for method in (STORED, 8):
        data = archive(Member("movies.csv.gz", packed, method=method))
        assert unpack(data, "x.zip", block=9) == TABLE * 2
    for wrong in (packed[:-1], TABLE):
        with pytest.raises(CorruptArchive):
            unpack(archive(Member("movies.csv.gz", wrong)), "x.zip")


@pytest.mark.parametrize("names", [("xl/workbook.xml", "[Content_Types].xml"), ("mimetype",), ("Index/Document.iwa",)])
@pytest.mark.parametrize("member", [None, "movies.csv"])
def test_a_spreadsheet_is_refused_with_what_to_do(names: tuple[str, ...], member: str | None) -> None:
    data = archive(MOVIES, *(Member(name, b"<xml/>") for name in names))
    with pytest.raises(UnsupportedFile, match="open it and save it as CSV UTF-8"):
        unpack(data, "x.zip", member=member)


@pytest.mark.parametrize("members", [[], [Member("a.jpg", b"x"), Member("b.zip", b"x")]])
def test_an_archive_without_a_table(members: list[Member]) -> None:
    with pytest.raises(UnsupportedFile, match=r"no member that ends with \.csv") as raised:
        unpack(archive(*members), "x.zip")
    assert raised.value.fields == {"members": [member.name for member in members]}


# -- what cannot be read


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (Member("x.csv", TABLE, flags=ENCRYPTED), "without a password"),
        (Member("x.csv", TABLE, flags=MASKED), "without a password"),
        (Member("x.csv", TABLE, flags=PATCHED), "make an archive with Deflate"),
        (Member("x.csv", TABLE, method=9), "Deflate64.*make an archive with Deflate.*gz"),
        (Member("x.csv", TABLE, method=93), "Zstandard"),
        (Member("x.csv", TABLE, method=77), "method 77"),
        (Member("x.csv", TABLE, method=STORED, descriptor=4), "end cannot be seen.*with compression"),
        (Member("x.csv", TABLE, method=STORED, descriptor=8, zip64=True), "end cannot be seen.*with compression"),
        (Member("x" * 1_025 + ".csv", TABLE), "name of more than 1024 bytes"),
    ],
)
def test_what_cannot_be_read_forward_is_refused_with_what_to_do(member: Member, reason: str) -> None:
    with pytest.raises(UnsupportedFile, match=reason):
        unpack(archive(member), "x.zip")


def test_a_member_that_is_not_read_may_be_anything_of_a_known_size() -> None:
    others = [Member("a.jpg", b"PK\x03\x04", flags=ENCRYPTED), Member("b.jpg", LOCAL * 5, method=9)]
    assert unpack(archive(others[0], MOVIES, others[1]), "x.zip", block=3) == TABLE
    with pytest.raises(UnsupportedFile, match="Deflate64"):
        unpack(archive(Member("b.jpg", b"x", method=9, descriptor=4), MOVIES), "x.zip")


def test_an_archive_of_very_many_members_is_refused_quickly() -> None:
    many = b"".join(Member(b"%05d.jpg" % number).local() for number in range(25_000))
    started = time.process_time()
    with pytest.raises(UnsupportedFile, match="too many members"):
        unpack(many, "x.zip")
    assert time.process_time() - started < 5


# -- what is not whole, or lies


@pytest.mark.parametrize(
    "member",
    [
        Member("x.csv", TABLE, header={"crc": 1}),
        Member("x.csv", TABLE, header={"content": 7}),
        Member("x.csv", TABLE, header={"packed": 7}),
        Member("x.csv", TABLE, header={"packed": 10_000}),
        Member("x.csv", TABLE, method=STORED, header={"content": 7}),
        Member("x.csv", TABLE, method=STORED, header={"crc": 1}),
        Member("x.csv", TABLE, packed=b"\x07garbage" * 9),
        Member("x.csv", TABLE, packed=zlib.compress(TABLE), descriptor=4),
        Member("x.csv", TABLE, behind=b"garbage"),
        Member("x.csv", TABLE, descriptor=4, behind=b"garbage"),
        Member("x.csv", TABLE, descriptor=4, signature=b"PK\x07\x09"),
        Member("x.csv", TABLE, descriptor=3),
        Member("x.csv", TABLE, entry={"crc": 1}),
        Member("x.csv", TABLE, entry={"content": 1}),
        Member("x.csv", TABLE, entry={"packed": 1}),
        Member("x.csv", TABLE, entry={"method": STORED}),
        Member("x.csv", TABLE, entry={"flags": ENCRYPTED}),
        Member("x.csv", TABLE, entry={"name": b"y.csv"}),
        Member("x.csv", TABLE, entry={"offset": 1}),
        Member("x.csv", TABLE, descriptor=4, entry={"crc": 0, "packed": 0, "content": 0}),
    ],
)
def test_header_content_and_directory_must_agree(member: Member) -> None:
    for members in ((member,), (Member("b.jpg", b"x"), member), (member, Member("b.jpg", b"x"))):
        with pytest.raises(CorruptArchive):
            unpack(archive(*members), "x.zip")


@pytest.mark.parametrize(
    "data",
    [
        archive(MOVIES, before_directory=b"garbage"),
        archive(MOVIES, NOTES, entries=[0]),
        archive(MOVIES, NOTES, entries=[1]),
        archive(MOVIES, NOTES, entries=[0], end={"count": 2}),
        archive(MOVIES, entries=[]),
        archive(MOVIES, entries=[0, 0]),
        archive(MOVIES, end={"count": 2}),
        archive(MOVIES, end={"size": 1}),
        archive(MOVIES, end={"offset": 0}),
        archive(MOVIES, end={"disk": 1}),
        archive(MOVIES, end={"count": 0xFFFF, "size": 0xFFFFFFFF, "offset": 0xFFFFFFFF}),
        archive(MOVIES, large=True, end={"count": 2}),
        archive(MOVIES, large=True, end={"size": 1}),
        archive(MOVIES, large=True, end={"offset": 0}),
        archive(MOVIES, large=True).replace(b"PK\x06\x07\0", b"PK\x06\x07\1"),
        archive(MOVIES, comment=b"see " + archive(MOVIES)),
        archive(MOVIES, comment=END + bytes(18)),
        archive(MOVIES)[:-22] + b"PK\x05\x05" + bytes(18),
        archive(MOVIES) + archive(MOVIES),
        archive(MOVIES) + b"\0" * 9 + b"x",
    ],
)
def test_an_end_that_lies_is_corrupt(data: bytes) -> None:
    with pytest.raises(CorruptArchive):
        unpack(data, "x.zip")


def test_the_order_of_the_directory_is_free() -> None:
    assert unpack(archive(NOTES, MOVIES, Member("a.jpg"), entries=[2, 0, 1]), "x.zip") == TABLE


def test_no_archive_shows_other_readers_another_table() -> None:
    """Bytes that changed, in pairs: whatever is unpacked here is what Python's own reader finds."""
    seeded = random.Random(1)  # noqa: S311  not for secrets
    data = archive(NOTES, Member("movies.csv", TABLE, descriptor=4), Member("a/b.jpg", b"x", method=STORED))
    read = 0
    for _ in range(4_000):
        changed = bytearray(data)
        for _ in range(seeded.randint(1, 2)):
            changed[seeded.randrange(4, len(data))] ^= 1 << seeded.randrange(8)
        try:
            found = unpack(bytes(changed), "x.zip")
        except UnreadableFile:
            continue
        read += 1
        with suppress(NotImplementedError), zipfile.ZipFile(io.BytesIO(changed)) as other:  # of later versions
            assert found in [other.read(entry) for entry in other.infolist()[:2]]  # without the picture
    assert read > 100  # most have another time or comment


# -- bombs


def deflated(content: bytes, count: int) -> bytes:
    """So many times the content, as one stream."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    part = packer.compress(content) + packer.flush(zlib.Z_FULL_FLUSH)
    end = zlib.compressobj(9, zlib.DEFLATED, -15)
    return part * count + end.flush()


BOMB = deflated(bytes(1 << 20), HARMLESS_BYTES // (1 << 20) + 2)


@pytest.mark.parametrize(
    "member",
    [
        Member("x.csv", packed=BOMB),
        Member("x.csv", packed=BOMB, descriptor=4),
        Member("x.jpg", packed=BOMB, descriptor=8),
        Member("x.csv.gz", packed=deflated(gzip.compress(bytes(1 << 20), mtime=0), 80)),
        Member("x.csv.gz", packed=deflated(gzip.compress(b"", mtime=0) * 50_000, 2)),
    ],
    ids=lambda member: f"{member.name}, {member.descriptor}, {len(member.packed)} bytes",
)
def test_content_beyond_the_ratio_is_refused_wherever_it_is(member: Member) -> None:
    with pytest.raises(CompressionRatioTooHigh):
        unpack(archive(MOVIES, member), "x.zip", member=None if member.name == "x.jpg" else str(member.name))
