"""Files with two colons between the cells (`1::Toy Story (1995)::Comedy`), as MovieLens' movies.dat.

A delimiter is one character for the reader, so the two colons become a tab before the file is stored.
"""

from typing import Final

COLONS: Final = b"::"
TAB: Final = "\t"
_LINES: Final = 20


def has_paired_colons(text: bytes) -> bool:
    """Whether each of the first lines has as many of them as the first one, and no line has a tab."""
    lines = [line for line in text.split(b"\n", _LINES)[:_LINES] if line.strip()]
    counts = {line.count(COLONS) for line in lines[: max(len(lines) - 1, 1)]}  # the last line may be cut
    return len(counts) == 1 and counts != {0} and TAB.encode() not in text


def with_tabs(text: bytes) -> bytes:
    """The text with a tab for each pair of colons."""
    return text.replace(COLONS, TAB.encode())


class PairedColons:
    """Applies `with_tabs` to a text that comes in blocks."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, block: bytes, *, at_end: bool) -> bytes:
        """Take the next block; return what is certain by now, or everything that is left if `at_end`."""
        text = self._held + block
        colons = len(text) - len(text.rstrip(b":"))
        cut = len(text) if at_end else len(text) - colons % 2
        self._held = text[cut:]
        return with_tabs(text[:cut])
