"""The records of a zip archive: the header before each member, and the directory at the end (APPNOTE 6.3)."""

from dataclasses import dataclass
from struct import Struct
from typing import Final

from shared.csv.unreadable import CorruptArchive, UnsupportedFile

LOCAL: Final = b"PK\x03\x04"
DESCRIPTOR: Final = b"PK\x07\x08"
ENTRY: Final = b"PK\x01\x02"
END: Final = b"PK\x05\x06"
END_64: Final = b"PK\x06\x06"
LOCATOR_64: Final = b"PK\x06\x07"

# The fixed parts of the records, behind their signatures.
LOCAL_FIELDS: Final = Struct("<HHHIIIIHH")
ENTRY_FIELDS: Final = Struct("<HHHHIIIIHHHHHII")
END_FIELDS: Final = Struct("<HHHHIIH")
END_64_FIELDS: Final = Struct("<QHHIIQQQQ")
LOCATOR_64_FIELDS: Final = Struct("<IQI")
# The longest descriptor, and the signature behind it.
DESCRIPTOR_BYTES: Final = 28

STORED: Final = 0
_DEFLATE: Final = 8
_METHODS: Final = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "xz", 98: "PPMd"}

_ENCRYPTED: Final = 1 << 0
_HAS_DESCRIPTOR: Final = 1 << 3
_PATCHED: Final = 1 << 5
_MASKED: Final = 1 << 13
_READ_OTHERWISE: Final = _ENCRYPTED | _PATCHED | _MASKED

_ZIP64: Final = 1  # the kind of the extra field
_IN_ZIP64: Final = 0xFFFFFFFF  # a number that is there
_MOST_NAME_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class Sizes:
    """A member's bytes in the archive, its bytes when it is unpacked, and their CRC-32."""

    crc: int
    packed_bytes: int
    content_bytes: int

    def descriptor_length(self, data: bytes, *, is_zip64: bool) -> int | None:
        """The length of a descriptor with these values at the beginning of `data`; None if there is none.

        Its sizes have 4 or 8 bytes, and its signature may be missing; only the record behind it decides.
        """
        for width in (8, 4) if is_zip64 else (4, 8):
            sizes = b"".join(number.to_bytes(8, "little")[:width] for number in (self.packed_bytes, self.content_bytes))
            for signature in (DESCRIPTOR, b""):
                expected = signature + self.crc.to_bytes(4, "little") + sizes
                if data.startswith(expected) and data.startswith((LOCAL, ENTRY), len(expected)):
                    return len(expected)
        return None


@dataclass(frozen=True, slots=True)
class Member:
    """A member as its header or its entry in the directory describes it."""

    raw_name: bytes
    flags: int
    method: int
    sizes: Sizes
    is_zip64: bool

    @property
    def name(self) -> str:
        """The name in UTF-8, else in the encoding of old programs."""
        try:
            return self.raw_name.decode()
        except UnicodeDecodeError:
            return self.raw_name.decode("cp437")

    @property
    def has_descriptor(self) -> bool:
        """Whether its sizes come behind its content."""
        return bool(self.flags & _HAS_DESCRIPTOR)

    def is_same(self, other: "Member") -> bool:
        """Whether header and entry describe the same member."""
        mine, others = ((one.raw_name, one.method, one.flags & _READ_OTHERWISE, one.sizes) for one in (self, other))
        return mine == others

    def refuse_unreadable(self) -> None:
        """Raise `UnsupportedFile` unless its content can be unpacked."""
        if self.flags & _ENCRYPTED:
            raise UnsupportedFile("the archive is encrypted: make one without a password, or send the table itself")
        if self.method not in (STORED, _DEFLATE) or self.flags & _PATCHED:
            method = _METHODS.get(self.method, f"method {self.method}")
            raise UnsupportedFile(
                f"a member of the archive is compressed with {method}: make an archive with Deflate, the usual method,"
                " or send the table itself, plain or as .gz"
            )


def read_local(fields: bytes, name: bytes, extra: bytes) -> Member:
    """The member behind a header; raises `CorruptArchive`, `UnsupportedFile`."""
    _version, flags, method, _time, crc, packed, content, *_lengths = LOCAL_FIELDS.unpack(fields)
    if flags & _MASKED:
        raise UnsupportedFile("the archive is encrypted: make one without a password, or send the table itself")
    if len(name) > _MOST_NAME_BYTES:
        raise UnsupportedFile(f"the archive has a name of more than {_MOST_NAME_BYTES} bytes")
    large = _zip64_field(extra)
    content, packed = _with_zip64([content, packed], large)
    return Member(name, flags, method, Sizes(crc, packed, content), is_zip64=large is not None)


def read_entry(fields: bytes, name: bytes, extra: bytes) -> tuple[int, Member]:
    """An entry of the directory: the offset of the member's header, and the member; raises `CorruptArchive`."""
    _by, _version, flags, method, _time, crc, packed, content, *_others, offset = ENTRY_FIELDS.unpack(fields)
    large = _zip64_field(extra)
    content, packed, offset = _with_zip64([content, packed, offset], large)
    return offset, Member(name, flags, method, Sizes(crc, packed, content), is_zip64=large is not None)


def local_lengths(fields: bytes) -> tuple[int, int]:
    """The lengths of the name and the extra field behind a header."""
    *_, name_bytes, extra_bytes = LOCAL_FIELDS.unpack(fields)
    return name_bytes, extra_bytes


def entry_lengths(fields: bytes) -> tuple[int, int, int]:
    """The lengths of the name, the extra field and the comment behind an entry."""
    *_, name_bytes, extra_bytes, comment_bytes, _disk, _attributes, _more, _offset = ENTRY_FIELDS.unpack(fields)
    return name_bytes, extra_bytes, comment_bytes


def is_end(fields: bytes, count: int, size: int, offset: int, *, is_large: bool) -> bool:
    """Whether the last record tells of a directory of so many members, of this size, at this offset.

    In a large archive it may leave that to the record before it.
    """
    *numbers, _comment_bytes = END_FIELDS.unpack(fields)
    found = zip(numbers, (0, 0, count, count, size, offset), (0xFFFF,) * 4 + (_IN_ZIP64,) * 2, strict=True)
    return all(number == right or (is_large and number == left_out) for number, right, left_out in found)


def is_end_64(fields: bytes, count: int, size: int, offset: int) -> bool:
    """The same for the record of a large archive."""
    rest_bytes, _by, _version, *numbers = END_64_FIELDS.unpack(fields)
    return rest_bytes == END_64_FIELDS.size - 8 and numbers == [0, 0, count, count, size, offset]


def locator_64(offset: int) -> bytes:
    """The record that says where the record of a large archive is."""
    return LOCATOR_64 + LOCATOR_64_FIELDS.pack(0, offset, 1)


def _zip64_field(extra: bytes) -> bytes | None:
    """What the extra field says about a large member; None if it says nothing."""
    while len(extra) >= 4:  # kind and length
        kind, length = int.from_bytes(extra[:2], "little"), int.from_bytes(extra[2:4], "little")
        if kind == _ZIP64:
            return extra[4 : 4 + length]
        extra = extra[4 + length :]
    return None


def _with_zip64(numbers: list[int], large: bytes | None) -> list[int]:
    """The numbers; those that did not fit come from the extra field."""
    found = []
    for number in numbers:
        if number == _IN_ZIP64 and large is not None:
            if len(large) < 8:
                raise CorruptArchive("an extra field of the zip archive is too short")
            number, large = int.from_bytes(large[:8], "little"), large[8:]  # noqa: PLW2901
        found.append(number)
    return found
