"""Any bytes, and compressed files that are valid or almost: pieces are small, errors are ours, valid content comes out.

A zip archive must also show Python's own reader, which begins at its end, the same content.
"""

import io
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from shared.csv.compression.codec import ANEW, PADDING, PIECE_BYTES, Codec, Ratio
from shared.csv.compression.streams import BufferedStream
from shared.csv.compression.tables import stream_of
from shared.csv.unreadable import CompressionRatioTooHigh, UnreadableFile
from tests.archives import STORED, Member, archive
from tests.compressing import COMPRESS, OPEN
from tests.fuzz.controls import blocks, controls

# what the content is, size of blocks, which byte is spoiled, and how
CONTROLS: Final = 4
_RAW, _VALID, _SPOILED = range(3)
_MOST_RATIO: Final = 100
_HARMLESS_BYTES: Final = 64 * 1024


def check_of(codec: Codec) -> Callable[[bytes], None]:
    """The check of one codec."""
    return partial(_check, codec)


def files_of(codec: Codec, seeds: list[bytes]) -> list[bytes]:
    """The seeds, and what they begin with as a file of this codec, unchanged."""
    raw = (bytes([_RAW, *seed[1:CONTROLS]]) + _file(codec, seed[CONTROLS:], seed[2]) for seed in seeds)
    return [*seeds, *raw]


def _check(codec: Codec, data: bytes) -> None:
    (kind, block, location, change), content = controls(data, CONTROLS)
    kind %= 3
    stream = content if kind == _RAW else _file(codec, content, location)
    if kind == _SPOILED:
        spoiled = len(stream) * location // 256
        stream = stream[:spoiled] + bytes([stream[spoiled] ^ change]) + stream[spoiled + 1 :]
    try:
        found = _unpacked(codec, stream, block)
    except CompressionRatioTooHigh:
        assert kind != _VALID or len(content) > _HARMLESS_BYTES // 4
    except UnreadableFile:
        assert kind != _VALID
    else:
        _compare(codec, stream, found)
        assert kind != _VALID or found == content


def _file(codec: Codec, content: bytes, cut: int) -> bytes:
    """As several programs write them: two streams, or an archive of several members, and zeros behind."""
    zeros, end = bytes(cut % 4), len(content) * cut // 256
    if codec.is_archive:
        table = Member("a/movies.csv", content, method=cut % 2 * 8, descriptor=cut % 2 * (cut % 3) * 4)
        return archive(Member("b.txt", content[:end], descriptor=4), table, Member("c.jpg", b"x", STORED)) + zeros
    compress = COMPRESS[codec.endings[0]]
    return compress(content[:end]) + compress(content[end:]) + zeros


def _unpacked(codec: Codec, stream: bytes, block: int) -> bytes:
    found = bytearray()
    ratio = Ratio(_MOST_RATIO, _HARMLESS_BYTES)
    reader = codec.open(ratio, None)
    for part in blocks(stream, block):
        ratio.add_in(len(part))
        for piece in reader.feed(part):
            assert len(piece) <= PIECE_BYTES
            assert piece or codec.is_archive
            if piece == ANEW:
                found.clear()
            found += piece
    reader.finish()
    return bytes(found)


def _compare(codec: Codec, stream: bytes, found: bytes) -> None:
    """With what Python's own readers say."""
    if not codec.is_archive:
        assert found == (_gunzipped(stream) if codec.name == "gzip" else _joined(OPEN[codec.endings[0]], stream))
        return
    # It refuses what it does not know, and looks at members that are not read here.
    with (
        suppress(NotImplementedError, zipfile.BadZipFile, RuntimeError, EOFError, zlib.error),
        zipfile.ZipFile(io.BytesIO(stream)) as other,
    ):
        tables = [entry for entry in other.infolist() if not entry.filename.endswith(".jpg")]
        assert found in map(other.read, tables) or any(stream_of(entry.filename) for entry in tables)


def _joined(open_stream: Callable[[], BufferedStream], stream: bytes) -> bytes:
    """Byte by byte: given a whole frame, libzstd compares its size with that in its header, and otherwise does not."""
    rest, found = stream.lstrip(PADDING), bytearray()
    while rest:
        reader, position = open_stream(), 0
        while not reader.eof:
            assert position < len(rest)
            found += reader.decompress(rest[position : position + 1], -1)
            position += 1
        rest = rest[position:].lstrip(PADDING)
    return bytes(found)


def _gunzipped(stream: bytes) -> bytes:
    rest, found = stream.lstrip(PADDING), bytearray()
    while rest:
        member = zlib.decompressobj(31)
        found += member.decompress(rest)
        assert member.eof
        rest = member.unused_data.lstrip(PADDING)
    return bytes(found)
