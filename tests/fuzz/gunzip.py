"""Any bytes, and gzip streams that are valid or almost: pieces are small, errors are ours, valid content comes out."""

import gzip
import zlib
from typing import Final
from unittest import mock

from shared.csv import gunzip
from shared.csv.gunzip import Gunzip
from shared.csv.unreadable import CorruptGzip, GzipRatioTooHigh
from tests.fuzz.controls import blocks, controls

# what the content is, size of blocks, which byte is spoiled, and how
CONTROLS: Final = 4
_RAW, _VALID, _SPOILED = range(3)
_MOST_RATIO: Final = 100
_HARMLESS_BYTES: Final = 32 * 1024
_PIECE_BYTES: Final = 1024 * 1024


def check(data: bytes) -> None:
    (kind, block, location, change), content = controls(data, CONTROLS)
    kind %= 3
    stream = content if kind == _RAW else _members(content, location)
    if kind == _SPOILED:
        spoiled = len(stream) * location // 256
        stream = stream[:spoiled] + bytes([stream[spoiled] ^ change]) + stream[spoiled + 1 :]
    try:
        found = _unpacked(stream, block)
    except CorruptGzip:
        assert kind != _VALID
    except GzipRatioTooHigh:
        assert len(_reference(stream)) > max(_HARMLESS_BYTES, _MOST_RATIO)
    else:
        assert found == _reference(stream)
        assert kind != _VALID or found == content


def _members(content: bytes, cut: int) -> bytes:
    """As several programs write them: two members, one of them stored, and zeros behind."""
    end = len(content) * cut // 256
    return gzip.compress(content[:end], mtime=0) + gzip.compress(content[end:], 0, mtime=0) + b"\0" * (cut % 4)


def _unpacked(stream: bytes, block: int) -> bytes:
    found = bytearray()
    with mock.patch.object(gunzip, "_HARMLESS_BYTES", _HARMLESS_BYTES):
        reader = Gunzip(_MOST_RATIO)
        for part in blocks(stream, block):
            for piece in reader.feed(part):
                assert 0 < len(piece) <= _PIECE_BYTES
                found += piece
        reader.finish()
    return bytes(found)


def _reference(stream: bytes) -> bytes:
    """What Python's own reader says, as far as the stream goes; it knows no zeros before the first member."""
    rest, found = stream.lstrip(b"\0"), bytearray()
    while rest:
        member = zlib.decompressobj(31)
        found += member.decompress(rest)
        if not member.eof:
            break
        rest = member.unused_data.lstrip(b"\0")
    return bytes(found)
