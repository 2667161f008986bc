"""What codecs have in common: how content is unpacked, and how much of it there may be."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from shared.csv.unreadable import CompressionRatioTooHigh

PIECE_BYTES: Final = 1024 * 1024
# A library copies the rest of its input at the end of each stream, so a large block of tiny streams would take
# quadratic time.
_SLICE_BYTES: Final = 16 * 1024
# Up to this size the ratio does not matter.
HARMLESS_BYTES: Final = 64 * 1024 * 1024
# What a codec may remember of the content, as `xz -9` does. Programs that use more of it do so on request only.
MOST_WINDOW_BYTES: Final = 64 * 1024 * 1024
# Some programs fill the last block of a file with zeros.
PADDING: Final = b"\0"
# A piece that says: what came before was another file. Only archives have it.
ANEW: Final = b""


class Decompressor(Protocol):
    """Feed it compressed bytes; it yields the content."""

    @property
    def member(self) -> str | None:
        """The member of an archive that was read, after `finish`."""

    def feed(self, block: bytes) -> Iterator[bytes]:
        """The content of the next bytes in pieces of at most 1 MiB; raises `UnreadableFile`."""

    def finish(self) -> None:
        """Raise `UnreadableFile` if the file may not end here."""


class Ratio:
    """How many times larger than the compressed bytes the content may be.

    Content that is unpacked twice counts twice, and so does content that is skipped: the limit is on the work.
    """

    def __init__(self, most_ratio: int, harmless_bytes: int = HARMLESS_BYTES) -> None:
        self._most_ratio = most_ratio
        self._harmless_bytes = harmless_bytes
        self._bytes_in = self._bytes_out = 0

    def add_in(self, count: int) -> None:
        """Count compressed bytes."""
        self._bytes_in += count

    def add_out(self, count: int) -> None:
        """Count bytes of the content; raises `CompressionRatioTooHigh`."""
        self._bytes_out += count
        if self._bytes_out > max(self._harmless_bytes, self._most_ratio * self._bytes_in):
            raise CompressionRatioTooHigh(
                f"the file unpacks to more than {self._most_ratio} times its size",
                {"max_compression_ratio": self._most_ratio},
            )


@dataclass(frozen=True, slots=True)
class Codec:
    """A compression. A file of it begins with one of `magic`, and its name ends with one of `endings`.

    `open` makes a decompressor; its second argument names the member of an archive that is the table.
    """

    name: str
    endings: tuple[str, ...]
    magic: tuple[bytes, ...]
    media_types: tuple[str, ...]
    open: Callable[[Ratio, str | None], Decompressor]
    is_archive: bool = False

    def begins(self, block: bytes) -> bool:
        """Whether content of this codec begins like that."""
        return block.startswith(self.magic)

    def may_begin(self, block: bytes) -> bool:
        """The same for a block that may be too short to tell."""
        return any(block.startswith(magic[: len(block)]) for magic in self.magic)


def slices(block: bytes) -> Iterator[bytes]:
    """The block in parts that are small enough for any library."""
    return (block[start : start + _SLICE_BYTES] for start in range(0, len(block), _SLICE_BYTES))
