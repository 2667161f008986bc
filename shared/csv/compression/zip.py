"""zip, read forward while it arrives: headers and contents first, the directory that lists them last.

Readers differ in which of the two they believe, so both must agree, or an archive could show each reader another table.
Our own reader, because Python's needs a file that it can seek in, and `stream-unzip` does not look at the directory.
"""

import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Final, TypeVar

from shared.csv.compression import zip_records as records
from shared.csv.compression.choice import Choice
from shared.csv.compression.codec import ANEW, PADDING, PIECE_BYTES, Codec, Ratio, slices
from shared.csv.compression.tables import stream_of
from shared.csv.compression.zip_records import Member, Sizes
from shared.csv.unreadable import CorruptArchive, UnsupportedFile

Found = TypeVar("Found")
# Yields pieces of content, or None where it needs more bytes of the archive; returns what it has found.
Reading = Generator[bytes | None, None, Found]

_SIGNATURE_BYTES: Final = 4
_RAW_DEFLATE: Final = -15
# Of names and entries of the directory: some 15,000 members.
_MOST_DIRECTORY_BYTES: Final = 1024 * 1024
_CONTRADICTION: Final = "the directory of the zip archive contradicts its members"


class _Input:
    """The bytes that have arrived and are not read yet. `offset`: where they are in the archive."""

    def __init__(self) -> None:
        self.offset = 0
        self._bytes = bytearray()

    def add(self, block: bytes) -> None:
        self._bytes += block

    def give_back(self, rest: bytes) -> None:
        self._bytes[:0] = rest
        self.offset -= len(rest)

    def is_padding(self) -> bool:
        return not self._bytes.strip(PADDING)

    def peek(self, count: int) -> Reading[bytes]:
        """The next bytes, exactly so many, which remain."""
        while len(self._bytes) < count:
            yield None
        return bytes(self._bytes[:count])

    def take(self, count: int) -> Reading[bytes]:
        """The next bytes, exactly so many."""
        data = yield from self.peek(count)
        del self._bytes[:count]
        self.offset += count
        return data

    def take_some(self, most: int) -> Reading[bytes]:
        """As many of the next bytes as there are."""
        yield from self.peek(1)
        return (yield from self.take(min(most, len(self._bytes))))


class Unzip:
    """A `Decompressor` of an archive: yields the content of one member, and reads past all others."""

    def __init__(self, ratio: Ratio, wanted: str | None) -> None:
        """`wanted`: the name of the member that is the table; None: see `Choice`."""
        self._ratio = ratio
        self._choice = Choice(wanted)
        self._has_begun = False
        self._input = _Input()
        self._members: dict[int, Member] = {}  # by offset
        self._directory_bytes = 0
        self._reading: Reading[None] | None = self._archive()

    @property
    def member(self) -> str | None:
        """The member that is the table, after `finish`."""
        return self._choice.table

    def feed(self, block: bytes) -> Iterator[bytes]:
        """Read on; raises `UnreadableFile`. `ANEW` comes before a table that replaces the one before."""
        self._input.add(block)
        for piece in self._reading or ():
            if piece is None:
                return
            yield piece
        self._reading = None
        if not self._input.is_padding():
            raise CorruptArchive("there are bytes behind the end of the zip archive")
        self._input = _Input()

    def finish(self) -> None:
        """Raise `CorruptArchive` if the archive is cut off, and what `Choice.finish` raises."""
        if self._reading is not None:
            raise CorruptArchive("the zip archive is cut off")
        self._choice.finish()

    def _archive(self) -> Reading[None]:
        signature = yield from self._input.take(_SIGNATURE_BYTES)
        while signature == records.LOCAL:
            yield from self._member()
            signature = yield from self._input.take(_SIGNATURE_BYTES)
        yield from self._directory(signature)

    # -- members

    def _member(self) -> Reading[None]:
        offset = self._input.offset - _SIGNATURE_BYTES
        fields = yield from self._input.take(records.LOCAL_FIELDS.size)
        name_bytes, extra_bytes = records.local_lengths(fields)
        name = yield from self._input.take(name_bytes)
        extra = yield from self._input.take(extra_bytes)
        member = records.read_local(fields, name, extra)
        self._directory_bytes += records.ENTRY_FIELDS.size + len(name)
        if self._directory_bytes > _MOST_DIRECTORY_BYTES:
            raise UnsupportedFile("the archive has too many members: send the table itself")
        sizes = yield from self._content(member)
        self._members[offset] = replace(member, sizes=sizes)

    def _content(self, member: Member) -> Reading[Sizes]:
        if self._choice.takes(member.name):
            if self._has_begun:
                yield ANEW
            self._has_begun = True
            return (yield from self._table(member))
        if member.has_descriptor:
            return (yield from self._unpacked(member, _ignore))
        left = member.sizes.packed_bytes
        while left:
            left -= len((yield from self._input.take_some(left)))
        return member.sizes

    def _table(self, member: Member) -> Reading[Sizes]:
        """The content of the table, which may be compressed once more."""
        codec = stream_of(member.name)
        if codec is None:
            return (yield from self._unpacked(member, _keep))
        inner = codec.open(self._ratio, None)
        sizes = yield from self._unpacked(
            member, lambda piece: chain.from_iterable(inner.feed(part) for part in slices(piece))
        )
        inner.finish()
        return sizes

    def _unpacked(self, member: Member, read: Callable[[bytes], Iterable[bytes]]) -> Reading[Sizes]:
        """What `read` makes of the content; returns the sizes that were found."""
        member.refuse_unreadable()
        begin, crc, content_bytes = self._input.offset, 0, 0
        pieces = self._stored(member.sizes.packed_bytes) if member.method == records.STORED else self._inflated()
        for piece in pieces:
            if piece is None:
                yield None
                continue
            crc, content_bytes = zlib.crc32(piece, crc), content_bytes + len(piece)
            self._ratio.add_out(len(piece))
            yield from read(piece)
        sizes = Sizes(crc, self._input.offset - begin, content_bytes)
        yield from self._check(member, sizes)
        return sizes

    def _stored(self, left: int) -> Reading[None]:
        while left:
            piece = yield from self._input.take_some(min(left, PIECE_BYTES))
            left -= len(piece)
            yield piece

    def _inflated(self) -> Reading[None]:
        stream = zlib.decompressobj(_RAW_DEFLATE)
        while not stream.eof:
            data = stream.unconsumed_tail or (yield from self._input.take_some(PIECE_BYTES))
            try:
                piece = stream.decompress(data, PIECE_BYTES)
            except zlib.error as error:
                raise CorruptArchive("a member of the zip archive is corrupt") from error
            if piece:
                yield piece
        self._input.give_back(stream.unused_data)

    def _check(self, member: Member, sizes: Sizes) -> Reading[None]:
        if not member.has_descriptor:
            if sizes != member.sizes:
                raise CorruptArchive("a member of the zip archive has another size or checksum than its header says")
            return
        data = yield from self._input.peek(records.DESCRIPTOR_BYTES)
        length = sizes.descriptor_length(data, is_zip64=member.is_zip64)
        if length is not None:
            yield from self._input.take(length)
        elif member.method == records.STORED:
            raise UnsupportedFile(
                "a member of the archive is stored without its size, so its end cannot be seen while it arrives: make"
                " an archive with compression, or send the table itself"
            )
        else:
            raise CorruptArchive("a member of the zip archive has another size or checksum than the archive says")

    # -- the end

    def _directory(self, signature: bytes) -> Reading[None]:
        offset, count = self._input.offset - _SIGNATURE_BYTES, len(self._members)
        while signature == records.ENTRY:
            yield from self._entry()
            signature = yield from self._input.take(_SIGNATURE_BYTES)
        size = self._input.offset - _SIGNATURE_BYTES - offset
        is_right, is_large = not self._members, signature == records.END_64
        if is_large:
            fields = yield from self._input.take(records.END_64_FIELDS.size)
            is_right &= records.is_end_64(fields, count, size, offset)
            locator = yield from self._input.take(_SIGNATURE_BYTES + records.LOCATOR_64_FIELDS.size)
            is_right &= locator == records.locator_64(offset + size)
            signature = yield from self._input.take(_SIGNATURE_BYTES)
        if signature != records.END:
            raise CorruptArchive("the zip archive is corrupt")
        fields = yield from self._input.take(records.END_FIELDS.size)
        is_right &= records.is_end(fields, count, size, offset, is_large=is_large)
        comment = yield from self._input.take(int.from_bytes(fields[-2:], "little"))
        # Other readers search backwards for the last record.
        if not is_right or records.END in comment:
            raise CorruptArchive(_CONTRADICTION)

    def _entry(self) -> Reading[None]:
        fields = yield from self._input.take(records.ENTRY_FIELDS.size)
        name_bytes, extra_bytes, comment_bytes = records.entry_lengths(fields)
        name = yield from self._input.take(name_bytes)
        extra = yield from self._input.take(extra_bytes)
        yield from self._input.take(comment_bytes)
        offset, entry = records.read_entry(fields, name, extra)
        member = self._members.pop(offset, None)
        if member is None or not member.is_same(entry):
            raise CorruptArchive(_CONTRADICTION)


def _ignore(_piece: bytes) -> Iterable[bytes]:
    return ()


def _keep(piece: bytes) -> Iterable[bytes]:
    return (piece,)


ZIP: Final = Codec(
    "zip",
    (".zip",),
    (records.LOCAL, records.END),
    ("application/zip", "application/x-zip-compressed"),
    Unzip,
    is_archive=True,
)
