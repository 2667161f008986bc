"""Unpacks gzip as a stream: memory is bounded at any ratio, files may have several members, and errors are clear."""

import zlib
from collections.abc import Iterator
from typing import Final

from shared.csv.unreadable import CorruptGzip, GzipRatioTooHigh

GZIP_MAGIC: Final = b"\x1f\x8b"
_PIECE_BYTES = 1024 * 1024
# At the end of each member zlib copies the rest of its input. A block full of tiny members would take quadratic time.
_SLICE_BYTES = 16 * 1024
# Up to this size the ratio does not matter.
_HARMLESS_BYTES: Final = 64 * 1024 * 1024
_PADDING = b"\0"  # some programs fill the last block with zeros
_GZIP_WINDOW = 31  # makes zlib expect a gzip header and trailer


class Gunzip:
    """Feed it compressed bytes; it yields the content in pieces of at most 1 MiB."""

    def __init__(self, most_ratio: int) -> None:
        """`most_ratio`: how many times larger than the compressed bytes the content may be."""
        self._most_ratio = most_ratio
        self._bytes_in = self._bytes_out = 0
        self._member = zlib.decompressobj(_GZIP_WINDOW)
        self._in_member = False

    def feed(self, block: bytes) -> Iterator[bytes]:
        """Unpack the next bytes; raises `CorruptGzip` and `GzipRatioTooHigh`."""
        for start in range(0, len(block), _SLICE_BYTES):
            yield from self._feed(block[start : start + _SLICE_BYTES])

    def _feed(self, block: bytes) -> Iterator[bytes]:
        self._bytes_in += len(block)
        while block := block if self._in_member else block.lstrip(_PADDING):
            self._in_member = True
            try:
                piece = self._member.decompress(block, _PIECE_BYTES)
            except zlib.error as error:
                raise CorruptGzip("the gzip stream is corrupt") from error
            if piece:
                self._count(piece)
                yield piece
            block = self._member.unconsumed_tail
            if self._member.eof:  # another member may follow
                block = self._member.unused_data
                self._member = zlib.decompressobj(_GZIP_WINDOW)
                self._in_member = False

    def finish(self) -> None:
        """Raise `CorruptGzip` if the stream ends within a member."""
        if self._in_member:
            raise CorruptGzip("the gzip stream is cut off")

    def _count(self, piece: bytes) -> None:
        self._bytes_out += len(piece)
        if self._bytes_out > max(_HARMLESS_BYTES, self._most_ratio * self._bytes_in):
            raise GzipRatioTooHigh(
                f"the gzip stream unpacks to more than {self._most_ratio} times its size",
                {"max_gzip_ratio": self._most_ratio},
            )
