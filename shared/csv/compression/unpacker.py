"""The content of a file while the file arrives, whatever its compression."""

from collections.abc import Iterator

from shared.csv.compression.codec import Ratio, slices
from shared.csv.compression.registry import check_content, codec_of
from shared.csv.unreadable import MemberNotFound


class Unpacker:
    """The content of a file: its bytes as they are, or unpacked.

    `is_undecided`: the content may be that of the wrong member of an archive, which only the end of the file shows.
    """

    def __init__(self, filename: str, most_ratio: int, member: str | None = None) -> None:
        """Raises `UnsupportedFile` for the name of a file that is no table, `MemberNotFound` if it has no members.

        `most_ratio`: how many times larger than the compressed bytes the content may be. `member`: which member of an
        archive is the table.
        """
        self._codec = codec_of(filename)
        is_archive = self._codec is not None and self._codec.is_archive
        if member is not None and not is_archive:
            raise MemberNotFound("only an archive has members, and this file is none", {"member": member})
        self.is_undecided = is_archive and member is None
        self._ratio = Ratio(most_ratio)
        self._decompressor = self._codec.open(self._ratio, member) if self._codec else None
        self._has_begun = False

    @property
    def member(self) -> str | None:
        """The member of an archive that was read, after `finish`."""
        return self._decompressor.member if self._decompressor else None

    def feed(self, block: bytes) -> Iterator[bytes]:
        """The content of the next bytes; raises `UnreadableFile`. `ANEW`: forget what came before."""
        if not self._has_begun:
            check_content(self._codec, block)
            self._has_begun = True
        if self._decompressor is None:
            yield block
            return
        for part in slices(block):
            self._ratio.add_in(len(part))
            yield from self._decompressor.feed(part)

    def finish(self) -> None:
        """Raise `UnreadableFile` if the file may not end here, or holds no table."""
        if self._decompressor:
            self._decompressor.finish()
