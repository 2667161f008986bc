"""Zip archives put together byte by byte: as programs write them, and as an attacker might."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from struct import Struct

STORED, DEFLATE = 0, 8
ENCRYPTED, HAS_DESCRIPTOR, PATCHED, MASKED = 1 << 0, 1 << 3, 1 << 5, 1 << 13
LOCAL, DESCRIPTOR, ENTRY = b"PK\x03\x04", b"PK\x07\x08", b"PK\x01\x02"
END, END_64, LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_LARGE = 0xFFFFFFFF

_LOCAL_FIELDS = Struct("<4sHHHIIIIHH")
_ENTRY_FIELDS = Struct("<4sHHHHIIIIHHHHHII")
_END_FIELDS = Struct("<4sHHHHIIH")


@dataclass(frozen=True)
class Member:
    """`descriptor`: how many bytes each size behind the content has; 0: the sizes stand before it.

    `header` and `entry` change what the two say: crc, packed, content, method, flags, name, offset.
    """

    name: str | bytes
    content: bytes = b""
    method: int = DEFLATE
    flags: int = 0
    descriptor: int = 0
    signature: bytes = DESCRIPTOR
    zip64: bool = False
    header: Mapping[str, int | bytes] = field(default_factory=dict)
    entry: Mapping[str, int | bytes] = field(default_factory=dict)
    packed: bytes | None = None
    behind: bytes = b""

    @property
    def raw_name(self) -> bytes:
        return self.name if isinstance(self.name, bytes) else self.name.encode()

    @property
    def body(self) -> bytes:
        if self.packed is not None:
            return self.packed
        if self.method != DEFLATE:
            return self.content
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        return deflate.compress(self.content) + deflate.flush()

    @property
    def facts(self) -> dict[str, int | bytes]:
        crc, packed, content = zlib.crc32(self.content), len(self.body), len(self.content)
        return {"crc": crc, "packed": packed, "content": content, "method": self.method, "flags": self.all_flags} | {
            "name": self.raw_name
        }

    @property
    def all_flags(self) -> int:
        return self.flags | (HAS_DESCRIPTOR if self.descriptor else 0)

    def local(self) -> bytes:
        known: dict[str, int | bytes] = {"crc": 0, "packed": 0, "content": 0} if self.descriptor else {}
        facts = {**self.facts, **known, **self.header}
        sizes, extra = self._sizes(facts, "packed", "content")
        head = _LOCAL_FIELDS.pack(
            *(LOCAL, 45, facts["flags"], facts["method"], 0, facts["crc"], *sizes, len(_name(facts)), len(extra))
        )
        return head + _name(facts) + extra + self.body + self._descriptor() + self.behind

    def directory(self, offset: int) -> bytes:
        facts = {**self.facts, "offset": offset, **self.entry}
        sizes, extra = self._sizes(facts, "packed", "content", "offset")
        packed, content, start = sizes
        head = _ENTRY_FIELDS.pack(
            *(ENTRY, 45, 45, facts["flags"], facts["method"], 0, facts["crc"], packed, content),
            *(len(_name(facts)), len(extra), 2, 0, 0, 0, start),
        )
        return head + _name(facts) + extra + b"ok"  # a comment

    def _sizes(self, facts: Mapping[str, int | bytes], *names: str) -> tuple[list[int], bytes]:
        numbers = [number for name in names if isinstance(number := facts[name], int)]
        if not self.zip64:
            return numbers, b""
        packed, content, *others = numbers
        large = b"".join(number.to_bytes(8, "little") for number in (content, packed, *others))
        unknown = Struct("<HH").pack(0x5455, 3) + b"abc"
        return [_LARGE] * len(numbers), unknown + Struct("<HH").pack(1, len(large)) + large

    def _descriptor(self) -> bytes:
        if not self.descriptor:
            return b""
        sizes = (len(self.body), len(self.content))
        crc = zlib.crc32(self.content).to_bytes(4, "little")
        return self.signature + crc + b"".join(size.to_bytes(self.descriptor, "little") for size in sizes)


def archive(
    *members: Member,
    comment: bytes = b"",
    large: bool = False,
    before_directory: bytes = b"",
    entries: list[int] | None = None,
    end: Mapping[str, int] | None = None,
) -> bytes:
    """The members and their directory. `entries`: which members the directory lists. `end` changes the last record."""
    data, offsets = b"", []
    for member in members:
        offsets.append(len(data))
        data += member.local()
    data += before_directory
    listed = range(len(members)) if entries is None else entries
    directory = b"".join(members[number].directory(offsets[number]) for number in listed)
    facts = {"count": len(listed), "size": len(directory), "offset": len(data), "disk": 0, **(end or {})}
    count, size, offset, disk = (facts[name] for name in ("count", "size", "offset", "disk"))
    last = b""
    if large:
        last += Struct("<4sQHHIIQQQQ").pack(END_64, 44, 45, 45, disk, disk, count, count, size, offset)
        last += Struct("<4sIQI").pack(LOCATOR_64, 0, len(data) + len(directory), 1)
        count, size, offset = 0xFFFF, _LARGE, _LARGE
    last += _END_FIELDS.pack(END, disk, disk, count, count, size, offset, len(comment))
    return data + directory + last + comment


def _name(facts: Mapping[str, int | bytes]) -> bytes:
    name = facts["name"]
    assert isinstance(name, bytes)
    return name
