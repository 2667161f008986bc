"""Files through an `Unpacker`, block by block."""

from collections.abc import Iterator

from shared.csv.compression.codec import ANEW, PIECE_BYTES
from shared.csv.compression.unpacker import Unpacker

MOST_RATIO = 200


def pieces(data: bytes, filename: str, block: int = PIECE_BYTES, member: str | None = None) -> Iterator[bytes]:
    """The pieces of the file's content."""
    unpacker = Unpacker(filename, MOST_RATIO, member)
    for start in range(0, len(data), block):
        yield from unpacker.feed(data[start : start + block])
    unpacker.finish()


def unpack(data: bytes, filename: str, block: int = PIECE_BYTES, member: str | None = None) -> bytes:
    """The content of the file; every piece is small."""
    found = bytearray()
    for piece in pieces(data, filename, block, member):
        assert len(piece) <= PIECE_BYTES
        if piece == ANEW:
            found.clear()
        found += piece
    return bytes(found)
